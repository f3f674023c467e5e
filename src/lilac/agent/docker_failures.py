"""What an engine's refusal means for a replica: by its words, since its status numbers do not tell.

The words are those of Docker 20.10 to 29 (with its own image store and with containerd's), of registries behind it, and
of runc; `tests/unit/agent/test_agent_docker_failures.py` has them. The order of the questions matters: a full disk
comes wrapped in all kinds of sentences.

The reason says whose fault it is: `engine` the node's (another try, perhaps elsewhere, can help), `image` the image's
or its registry's, `start` the job's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lilac.agent.runtime import StartFailure
from lilac.model.states import FailureReason

_MOST = 300
_NO_PROGRAM = re.compile(r'exec: "?([^":]+)"?: (?:executable file not found|stat .*: no such file|no such file)', re.I)
_NOT_EXECUTABLE = re.compile(r'exec: "?([^":]+)"?: (?:permission denied|is a directory)', re.I)
_DISK_FULL = ("no space left on device", "disk quota exceeded", "not enough space")
_READ_ONLY = ("read-only file system",)
_REFUSED = (
    "no basic auth credentials",
    "unauthorized",
    "authentication required",
    "authorization failed",
    "authorization token has expired",
    "incorrect username or password",
    "denied",
    "403 forbidden",
)
_RATE = ("toomanyrequests", "too many requests", "rate limit")
_ABSENT = ("manifest unknown", "name unknown", "not found", "does not exist", "manifest_unknown", "name_unknown")
_ARCHITECTURE = ("no matching manifest for", "no match for platform", "does not match the specified platform")
_UNREACHABLE = (
    "no such host",
    "connection refused",
    "i/o timeout",
    "tls handshake timeout",
    "network is unreachable",
    "no route to host",
    "client.timeout exceeded",
    "context deadline exceeded",
    "request canceled while waiting for connection",
    "server misbehaving",
    "temporary failure in name resolution",
    "connection reset by peer",
    "unexpected eof",
    "503 service unavailable",
    "502 bad gateway",
)
_CERTIFICATE = ("x509:", "certificate signed by unknown authority", "http response to https client")
_NODE_AT_FAULT = (
    "could not select device driver",
    "nvidia-container-cli",
    "docker-init",
    "custom device",
    "failed to mount",
    "cannot allocate memory",
    "resource temporarily unavailable",
)


def was_refused(words: str) -> bool:
    """Whether a registry did not accept the credential, or asked for one."""
    low = words.lower().replace("permission denied", "")  # on the engine's own files
    return _has(low, _REFUSED) and not _has(low, _RATE)


def pull_failure(image: str, words: str, complaint: str | None = None) -> StartFailure:
    """The image could not be had. `complaint` is what went wrong with credentials before."""
    text = short(words)
    low = " ".join(words.lower().split())
    reason, advice = FailureReason.IMAGE, ""
    if _has(low, _DISK_FULL):
        return disk_full(f"The image {image} cannot be stored")
    if _has(low, _READ_ONLY):
        reason, advice = FailureReason.ENGINE, " The engine's disk cannot be written to."
    elif _has(low, _ARCHITECTURE):
        advice = " The image is not built for this node's processor: build it for that, or name nodes by a label."
    elif _has(low, _RATE):
        advice = " The registry limits how often it is asked: give the node a credential for it, or try later."
    elif "may require 'docker login'" in low:
        advice = " Check the name, and the private registry's credential on the node: one of them is wrong."
    elif was_refused(words):
        advice = " Check the name, and the private registry's credential on the node."
    elif _has(low, _ABSENT) and "no such host" not in low:
        advice = " Check the name and the tag."
    elif "invalid reference format" in low:
        advice = " This is no name of an image."
    elif _has(low, _CERTIFICATE):
        advice = (
            " The engine does not trust the registry's certificate: see its setting insecure-registries or certs.d."
        )
    elif _has(low, _UNREACHABLE):
        advice = " The node cannot reach the registry: check its name, and the node's network and proxy."
    if complaint and not _has(low, _ABSENT + _ARCHITECTURE):
        advice = f"{advice} {complaint}"
    return StartFailure(reason, f"The image {image} cannot be pulled: {text}{_dot(text)}{advice}")


def create_failure(image: str, words: str) -> StartFailure:
    """The container could not be created."""
    text = short(words)
    low = words.lower()
    if "no such image" in low:
        return StartFailure(FailureReason.IMAGE, f"The image {image} is not on the node: {text}{_dot(text)}")
    if "no command specified" in low:
        return StartFailure(
            FailureReason.START, f"The image {image} names no command to run, and the job gives none: give it one."
        )
    if _has(low, _ARCHITECTURE):
        return StartFailure(
            FailureReason.IMAGE, f"The image {image} is not built for this node's processor: {text}{_dot(text)}"
        )
    return _failure("The container cannot be created", words)


def start_failure(words: str) -> StartFailure:
    """The container was created and could not be started."""
    text = short(words)
    if _has(words.lower(), _DISK_FULL):
        return disk_full("The container cannot be started")
    if match := _NO_PROGRAM.search(words):
        return StartFailure(
            FailureReason.START, f"The program {match.group(1)} does not exist in the image: {text}{_dot(text)}", 127
        )
    if match := _NOT_EXECUTABLE.search(words):
        return StartFailure(FailureReason.START, f"The program {match.group(1)} in the image cannot be executed.", 126)
    if "exec format error" in words.lower():
        return StartFailure(
            FailureReason.START, f"The image's program is not built for this node's processor: {text}{_dot(text)}", 126
        )
    return _failure("The container cannot be started", words)


def disk_full(what: str) -> StartFailure:
    """The node has no room; another node may have."""
    return StartFailure(FailureReason.ENGINE, f"{what}: the disk of the node's Docker engine is full. Free some of it.")


def short(words: str) -> str:
    """Return an engine's words in one line of bearable length."""
    text = " ".join(words.split())
    for prefix in ("Error response from daemon:", "OCI runtime create failed:", "failed to create shim task:"):
        text = text.removeprefix(prefix).strip()
    return text if len(text) <= _MOST else text[: _MOST - 1].rstrip() + "…"


def _failure(what: str, words: str) -> StartFailure:
    low = words.lower()
    if _has(low, _DISK_FULL):
        return disk_full(what)
    text = short(words)
    at_fault = _has(low, _NODE_AT_FAULT) or _has(low, _READ_ONLY)
    return StartFailure(FailureReason.ENGINE if at_fault else FailureReason.START, f"{what}: {text}{_dot(text)}")


def _has(text: str, many: Sequence[str]) -> bool:
    return any(words in text for words in many)


def _dot(text: str) -> str:
    return "" if text.endswith((".", "…", "!")) else "."
