"""Where the ports of replicas can be reached.

A container's port is published by the engine on a free port of this machine. A process listens by itself, on the port
that it named. Both are told with an address at which others find this machine: the one that was configured, else the
one from which it speaks to the control plane.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from lilac.agent.wire import Assignment

EVERYWHERE = ("0.0.0.0", "::", "")


def own_address(endpoint: str, port_address: str) -> str:
    """The address that is told for published ports. Sends nothing: connecting a datagram socket only picks a route."""
    if port_address not in EVERYWHERE:
        return port_address
    parts = urlsplit(endpoint)
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_DGRAM)[0]
        with socket.socket(found[0], found[1], found[2]) as probe:
            probe.connect(found[4])
            return str(probe.getsockname()[0])
    except OSError:
        return socket.gethostname()


def published(assignment: Assignment, details: Mapping[str, Any], address: str) -> dict[str, dict[str, Any]]:
    """What the engine's details of a running container say about the ports that the job named."""
    bound: Mapping[str, Any] = (details.get("NetworkSettings") or {}).get("Ports") or {}
    ports: dict[str, dict[str, Any]] = {}
    for port in assignment.ports:
        for binding in bound.get(port.key) or ():
            ports.setdefault(port.key, {"host": address, "port": int(binding["HostPort"])})
    return ports


def own_ports(assignment: Assignment, address: str) -> dict[str, dict[str, Any]]:
    """The ports of a process, as they are."""
    return {port.key: {"host": address, "port": port.port} for port in assignment.ports}


def add_ports(config: dict[str, Any], assignment: Assignment, bind: str) -> None:
    """Write into a container's configuration that its ports are published on free ports of this machine."""
    if assignment.ports:
        config["ExposedPorts"] = {port.key: {} for port in assignment.ports}
        config["HostConfig"]["PortBindings"] = {
            port.key: [{"HostIp": bind, "HostPort": ""}] for port in assignment.ports
        }
