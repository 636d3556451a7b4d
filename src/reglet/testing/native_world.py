"""The real world behind the host functions, within what a plugin declares."""

from __future__ import annotations

from collections.abc import Callable

from reglet.domain.entities.manifest import Manifest
from reglet.domain.policy import Policy, PolicyGuard
from reglet.domain.ports import HostFunctions
from reglet.infrastructure.host.dispatcher import HostDispatcher
from reglet.infrastructure.host.functions import HostPorts
from reglet.infrastructure.native.ports import native_ports


def native_world(manifest: Manifest) -> Callable[[], HostFunctions]:
    """Return what makes a check's host functions over the real network and real processes.

    They are held to the capabilities that the manifest declares.
    """
    policy = Policy(manifest.capabilities)
    native = native_ports(PolicyGuard(policy))
    ports = HostPorts(native.http, native.dns, native.tcp, native.smtp, native.commands)
    return lambda: HostDispatcher(ports, policy)
