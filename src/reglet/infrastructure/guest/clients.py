"""Every port over the host's functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reglet.domain.ports.host_functions import HostFunctions
from reglet.domain.ports.http_client import HTTPClient
from reglet.infrastructure.guest.host_caller import HostCaller
from reglet.infrastructure.guest.http_client import HostHTTPClient


def host_clients(functions: HostFunctions) -> Mapping[Any, object]:
    """Return a client for every port, for a `Context`; they share what they learn of the host's dialect."""
    caller = HostCaller(functions)
    return {HTTPClient: HostHTTPClient(caller)}
