"""Which registry an image comes from, and the credential that may be shown to it.

A credential goes to the registry that it belongs to and to no other: a job must not be able to carry it elsewhere by
naming an image.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from lilac.agent.config import Registry

DOCKER_HUB = "docker.io"
_HUB_NAMES = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})


def registry_of_image(image: str) -> str:
    """Return host and port of the registry in an image reference, by the rule of Docker's own references: the first
    part names a registry if it has a dot or a colon or is `localhost`; else the image is on Docker Hub."""
    first, slash, _ = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return _canonical(first)
    return DOCKER_HUB


def registry_of_url(url: str) -> str:
    """Return host and port of a configured registry: `https://index.docker.io/v1/`, `gcr.io`, `10.0.0.1:5000`."""
    text = url.strip()
    parts = urlsplit(text if "://" in text else f"//{text}")
    return _canonical(parts.netloc.rpartition("@")[2])


def credential_for(image: str, registry: Registry | None) -> Registry | None:
    """Return the credential for pulling this image, or None where there is none for its registry."""
    if registry is None or registry_of_image(image) != registry_of_url(registry.registry_url):
        return None
    return registry


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
    host = host.lower()
    for suffix in (":443",):
        host = host.removesuffix(suffix)
    return DOCKER_HUB if host in _HUB_NAMES else host
