"""The entry point of the `lilac` command. `--version` is answered before anything else is loaded."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code (the codes are listed in `lilac.model.errors`)."""
    args = list(sys.argv[1:] if argv is None else argv)
    if args in (["--version"], ["-V"]):
        from lilac import __version__

        print(f"lilac {__version__}")
        return 0

    try:
        from lilac.cli.app import run

        return run(args)
    except KeyboardInterrupt:  # While it was still loading.
        return 130


def agent() -> int:
    """The entry point of `lilac_agent`, a name from before there was one command: `lilac agent …`."""
    args = sys.argv[1:]
    return main(args if args in (["--version"], ["-V"]) else ["agent", *args])


if __name__ == "__main__":
    sys.exit(main())
