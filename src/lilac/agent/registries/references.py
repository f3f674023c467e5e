"""Which registry an image comes from, by the rule of Docker's own references."""

from __future__ import annotations

from urllib.parse import urlsplit

DOCKER_HUB = "docker.io"
DOCKER_HUB_SERVER = "https://index.docker.io/v1/"
"""The name under which Docker's tools keep credentials of Docker Hub."""
_HUB_NAMES = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})


def registry_of_image(image: str) -> str:
    """Return host and port of the registry in an image reference: the first part names a registry if it has a dot or
    a colon or is `localhost`; else the image is on Docker Hub."""
    first, slash, _ = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return _canonical(first)
    return DOCKER_HUB


def registry_of_url(url: str) -> str:
    """Return host and port of a configured registry: `https://index.docker.io/v1/`, `gcr.io`, `10.0.0.1:5000`."""
    text = url.strip()
    parts = urlsplit(text if "://" in text else f"//{text}")
    return _canonical(parts.netloc.rpartition("@")[2])


def full_reference(image: str) -> str:
    """Return the image with its registry and a tag, so that it means one image to every engine."""
    registry = registry_of_image(image)
    first, slash, rest = image.partition("/")
    if not (slash and ("." in first or ":" in first or first == "localhost")):
        rest = image if slash else f"library/{image}"
        first = registry
    path = rest.rsplit("/", 1)[-1]
    tag = "" if ":" in path or "@" in path else ":latest"
    return f"{first}/{rest}{tag}"


def _canonical(host: str) -> str:
    host = host.lower().removesuffix(":443")
    return DOCKER_HUB if host in _HUB_NAMES else host
