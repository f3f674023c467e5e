"""`python -m lilac.agent`: the agent with the settings of its file and environment."""

from __future__ import annotations

import sys

from lilac.agent.config import load
from lilac.agent.main import run_forever
from lilac.model.errors import LilacError


def main() -> int:
    try:
        return run_forever(load())
    except LilacError as error:
        print(f"lilac agent: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
