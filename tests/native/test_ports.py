"""All ports at once, and packages that are missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from reglet.domain.context import Context
from reglet.domain.entities.grants import GrantSet
from reglet.domain.errors import CapabilityError
from reglet.domain.policy import Policy, PolicyGuard
from reglet.domain.ports import CommandRunner, DNSResolver, HTTPClient, SMTPClient, TCPDialer
from reglet.infrastructure.native.ports import native_ports


def test_every_port_is_bound_and_in_its_context():
    """A client asked for knows the context that it was asked of."""
    ctx = native_ports().bound(Context(request_id="r-1"))
    for port in (HTTPClient, DNSResolver, TCPDialer, SMTPClient, CommandRunner):
        client = ctx.client(port)
        assert isinstance(client, port)
        assert client._ctx is ctx


def test_all_network_ports_ask_the_guard():
    """One guard for all of them."""
    ports = native_ports(PolicyGuard(Policy(GrantSet())))
    calls = [
        lambda: ports.http.get("http://example.com/"),
        lambda: ports.dns.lookup_host("example.com"),
        lambda: ports.tcp.dial("example.com:80"),
        lambda: ports.smtp.connect("example.com", 25, ports.dns.timeout, False, False),
    ]
    for call in calls:
        with pytest.raises(CapabilityError, match=r"network:example\.com:(80|53|25)"):
            call()


@pytest.mark.parametrize(
    ("module", "package", "line"),
    [
        ("http", "httpx", "httpx[http2]"),
        ("http", "h2", "httpx[http2]"),
        ("dns", "dns", "dnspython"),
        ("tcp", "cryptography", "cryptography"),
        ("smtp", "cryptography", "cryptography"),
    ],
)
def test_a_missing_package_is_told_with_the_line_that_adds_it(module, package, line):
    """In a fresh interpreter that does not find it."""
    script = f"import sys; sys.modules['{package}'] = None; import reglet.infrastructure.native.{module}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith(
        f"MissingPackageError: {line} is not installed; add it with: pip install 'reglet[host]'"
    )


def test_commands_need_no_package():
    """They work with the standard library and attrs alone."""
    script = """
import sys
sys.modules.update(dict.fromkeys(["httpx", "httpcore", "dns", "cryptography"]))
from reglet.domain.entities.records import CommandRequest
from reglet.infrastructure.native.commands import NativeCommandRunner
print(NativeCommandRunner().run(CommandRequest("/bin/echo", ("hi",))).stdout)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "hi"
