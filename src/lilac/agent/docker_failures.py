"""What an engine's refusal means for a replica: by its words, since its status numbers do not tell."""

from __future__ import annotations

import re

from lilac.agent.runtime import StartFailure
from lilac.model.states import FailureReason

_MOST = 300
_NO_PROGRAM = re.compile(r'exec: "?([^":]+)"?: (?:executable file not found|stat .*: no such file|no such file)', re.I)
_NOT_EXECUTABLE = re.compile(r'exec: "?([^":]+)"?: permission denied', re.I)


def pull_failure(image: str, words: str) -> StartFailure:
    """The image could not be had."""
    text = short(words)
    low = text.lower()
    if "no basic auth credentials" in low or "unauthorized" in low or "denied" in low:
        advice = " Check the name, and the private registry's credential on the node."
    elif "manifest unknown" in low or "not found" in low:
        advice = " Check the name and the tag."
    else:
        advice = ""
    return StartFailure(FailureReason.IMAGE, f"The image {image} cannot be pulled: {text}{_dot(text)}{advice}")


def create_failure(image: str, words: str) -> StartFailure:
    """The container could not be created."""
    text = short(words)
    if "no such image" in text.lower():
        return StartFailure(FailureReason.IMAGE, f"The image {image} is not on the node: {text}{_dot(text)}")
    return _failure("The container cannot be created", text)


def start_failure(words: str) -> StartFailure:
    """The container was created and could not be started."""
    text = short(words)
    if match := _NO_PROGRAM.search(text):
        return StartFailure(
            FailureReason.START, f"The program {match.group(1)} does not exist in the image: {text}{_dot(text)}", 127
        )
    if match := _NOT_EXECUTABLE.search(text):
        return StartFailure(FailureReason.START, f"The program {match.group(1)} in the image cannot be executed.", 126)
    return _failure("The container cannot be started", text)


def short(words: str) -> str:
    """Return an engine's words in one line of bearable length."""
    text = " ".join(words.split())
    for prefix in ("Error response from daemon:", "OCI runtime create failed:", "failed to create shim task:"):
        text = text.removeprefix(prefix).strip()
    return text if len(text) <= _MOST else text[: _MOST - 1].rstrip() + "…"


def _failure(what: str, text: str) -> StartFailure:
    node_at_fault = (
        "could not select device driver",
        "nvidia-container-cli",
        "no space left on device",
        "docker-init",
        "custom device",
    )
    reason = FailureReason.ENGINE if any(words in text for words in node_at_fault) else FailureReason.START
    return StartFailure(reason, f"{what}: {text}{_dot(text)}")


def _dot(text: str) -> str:
    return "" if text.endswith((".", "…", "!")) else "."
