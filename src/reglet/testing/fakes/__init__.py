"""Stand-ins for the world: one fake a port."""

from reglet.testing.fakes.clock import FakeClock
from reglet.testing.fakes.command import FakeCommandRunner
from reglet.testing.fakes.dns import FakeDNSResolver
from reglet.testing.fakes.failures import (
    Failure,
    bad_certificate,
    denied,
    not_found,
    refused,
    reset,
    timeout,
)
from reglet.testing.fakes.http import FakeHTTPClient
from reglet.testing.fakes.routes import FakeCall, UnexpectedCallError
from reglet.testing.fakes.smtp import FakeSMTPClient
from reglet.testing.fakes.tcp import FakeTCPDialer

__all__ = [
    "Failure",
    "FakeCall",
    "FakeClock",
    "FakeCommandRunner",
    "FakeDNSResolver",
    "FakeHTTPClient",
    "FakeSMTPClient",
    "FakeTCPDialer",
    "UnexpectedCallError",
    "bad_certificate",
    "denied",
    "not_found",
    "refused",
    "reset",
    "timeout",
]
