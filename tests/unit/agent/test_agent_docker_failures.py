"""Engines' real words, of several versions, and what they mean."""

from __future__ import annotations

import pytest

from lilac.agent.docker_failures import create_failure, pull_failure, start_failure, was_refused

HUB = "Get https://registry-1.docker.io/v2/: "
DISK = "the disk of the node's Docker engine is full"


@pytest.mark.parametrize(
    ("words", "reason", "advice"),
    [
        # Docker 20.10
        ("Get https://r.example/v2/x/manifests/1: no basic auth credentials", "image", "credential on the node"),
        ("Head http://r/v2/x/manifests/1: unauthorized: authentication required", "image", "credential on the node"),
        (
            "pull access denied for x, repository does not exist or may require 'docker login': denied: requested "
            "access to the resource is denied",
            "image",
            "one of them is wrong",
        ),
        ("manifest for r/x:1 not found: manifest unknown: manifest unknown", "image", "Check the name and the tag"),
        (
            HUB + "dial tcp: lookup registry-1.docker.io: no such host",
            "image",
            "cannot reach the registry",
        ),
        (HUB + "net/http: TLS handshake timeout", "image", "cannot reach the registry"),
        (
            HUB + "net/http: request canceled while waiting for connection (Client.Timeout exceeded)",
            "image",
            "cannot reach the registry",
        ),
        ("Get http://127.0.0.1:1/v2/: dial tcp 127.0.0.1:1: connect: connection refused", "image", "cannot reach"),
        ("Get https://r/v2/: x509: certificate signed by unknown authority", "image", "does not trust"),
        ("Get https://r/v2/: http: server gave HTTP response to HTTPS client", "image", "does not trust"),
        ("no matching manifest for linux/amd64 in the manifest list entries", "image", "this node's processor"),
        (
            "toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating",
            "image",
            "limits how often",
        ),
        ("write /data/tmp/GetImageBlob1: no space left on device", "engine", DISK),
        (
            "failed to register layer: Error processing tar file(exit status 1): write /x: no space left on device",
            "engine",
            DISK,
        ),
        ("invalid reference format", "image", "no name of an image"),
        # Docker 25 to 29, also with containerd's image store
        (
            'Error response from daemon: failed to resolve reference "r/x:1": r/x:1: not found',
            "image",
            "Check the name and the tag",
        ),
        (
            "failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://a/t: "
            "401 Unauthorized: incorrect username or password",
            "image",
            "credential on the node",
        ),
        (
            'failed to do request: Head "https://r.example/v2/x/manifests/1": dial tcp: lookup r.example: no such host',
            "image",
            "cannot reach the registry",
        ),
        (
            "failed to extract layer sha256:1: mount callback failed on /tmp/c: write /x: no space left on device",
            "engine",
            DISK,
        ),
        ("no match for platform in manifest: not found", "image", "this node's processor"),
        (
            'Head "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com/v2/x/manifests/1": denied: Your authorization '
            "token has expired. Reauthenticate and try again.",
            "image",
            "credential on the node",
        ),
        (
            'denied: Permission "artifactregistry.repositories.downloadArtifacts" denied on resource',
            "image",
            "credential on the node",
        ),
        ("open /var/lib/docker/tmp/x: read-only file system", "engine", "cannot be written to"),
    ],
)
def test_why_an_image_cannot_be_had(words: str, reason: str, advice: str) -> None:
    failure = pull_failure("r/x:1", words)
    assert str(failure.reason) == reason
    assert advice in str(failure)
    assert str(failure).startswith("The image r/x:1 cannot be ")
    assert len(str(failure)) < 600


def test_a_problem_with_credentials_is_told_where_it_can_be_the_cause() -> None:
    complaint = "docker-credential-x failed with exit code 1: run it on the node to see why."
    assert complaint in str(pull_failure("a", "no basic auth credentials", complaint))
    assert complaint not in str(pull_failure("a", "manifest unknown", complaint))


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        ("no basic auth credentials", True),
        ("denied: Your authorization token has expired", True),
        ("open /var/lib/docker/x: permission denied", False),
        ("toomanyrequests: unauthorized pulls are limited", False),
        ("manifest unknown", False),
    ],
)
def test_a_refused_credential_is_known_by_the_words(words: str, refused: bool) -> None:
    assert was_refused(words) is refused


@pytest.mark.parametrize(
    ("words", "reason", "code", "said"),
    [
        (
            'OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "nope": '
            "executable file not found in $PATH: unknown",
            "start",
            127,
            "The program nope does not exist",
        ),
        (
            "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create "
            'failed: unable to start container process: error during container init: exec: "/no/such": stat /no/such: '
            "no such file or directory: unknown",
            "start",
            127,
            "The program /no/such does not exist",
        ),
        (
            'OCI runtime create failed: runc create failed: unable to start container process: exec: "/etc/passwd": '
            "permission denied: unknown",
            "start",
            126,
            "The program /etc/passwd in the image cannot be executed",
        ),
        ('exec: "/bin": is a directory: unknown', "start", 126, "The program /bin in the image cannot be executed"),
        ("exec /bin/app: exec format error", "start", 126, "not built for this node's processor"),
        ('could not select device driver "" with capabilities: [[gpu]]', "engine", None, "cannot be started"),
        ("nvidia-container-cli: device error: GPU-1: unknown device: unknown", "engine", None, "cannot be started"),
        ('exec: "docker-init": executable file not found in $PATH', "start", 127, "docker-init"),
        ("mkdir /var/lib/docker/overlay2/x-init: no space left on device", "engine", None, DISK),
        (
            'OCI runtime create failed: chdir to cwd ("/nope") set in config.json failed: no such file',
            "start",
            None,
            "nope",
        ),
    ],
)
def test_why_a_container_does_not_start(words: str, reason: str, code: int | None, said: str) -> None:
    failure = start_failure(words)
    assert (str(failure.reason), failure.exit_code) == (reason, code)
    assert said in str(failure)


def test_why_a_container_cannot_be_created() -> None:
    assert str(create_failure("x", "No such image: x:latest").reason) == "image"
    assert "names no command to run" in str(create_failure("x", "No command specified"))
    full = create_failure("x", "error creating overlay mount to /var/lib/docker/x: no space left on device")
    assert (str(full.reason), DISK in str(full)) == ("engine", True)
    other = create_failure("x", "image with reference x was found but does not match the specified platform")
    assert str(other.reason) == "image"


def test_long_words_are_cut() -> None:
    assert len(str(pull_failure("x", "word " * 1000))) < 500
