"""All ports at once, and packages that are missing."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest

from reglet.domain.context import Context
from reglet.domain.entities.grants import GrantSet
from reglet.domain.entities.records import Program
from reglet.domain.errors import CapabilityError
from reglet.domain.policy import Policy, PolicyGuard
from reglet.domain.ports import CommandRunner, DNSResolver, HTTPClient, SMTPClient, TCPDialer
from reglet.infrastructure.native import NativePorts


def test_every_port_is_bound_to_the_context_of_its_call():
    """A client asked for knows the context that it was asked of."""
    ctx = Context(request_id="r-1")
    ports = NativePorts(PolicyGuard(Policy(GrantSet())))
    clients = {
        HTTPClient: ports.http,
        DNSResolver: ports.dns,
        TCPDialer: ports.tcp,
        SMTPClient: ports.smtp,
        CommandRunner: ports.exec,
    }
    for port, client in clients.items():
        bound = client.in_context(ctx)
        assert isinstance(bound, port)
        assert bound._ctx is ctx


def test_all_network_ports_ask_the_guard():
    """One guard for all of them."""
    ports = NativePorts(PolicyGuard(Policy(GrantSet())))
    ctx = Context()
    calls = [
        lambda: ports.http.in_context(ctx).get("http://example.com/"),
        lambda: ports.dns.in_context(ctx).lookup_host("example.com"),
        lambda: ports.tcp.in_context(ctx).dial("example.com:80"),
        lambda: ports.smtp.in_context(ctx).connect("example.com", 25, timedelta(seconds=10), False, False),
    ]
    for call in calls:
        with pytest.raises(CapabilityError, match=r"network:example\.com:(80|53|25)"):
            call()


def test_a_program_is_found_behind_its_symlinks(tmp_path):
    """Ports that are put together always have the look-up: a link is judged by the file that it leads to."""
    link = tmp_path / "innocent"
    link.symlink_to("/bin/sh")
    found = NativePorts(PolicyGuard(Policy(GrantSet()))).which("./innocent", str(tmp_path))
    assert found == Program(str(link), os.path.realpath("/bin/sh"))


@pytest.mark.parametrize(
    ("module", "package", "line"),
    [
        ("http", "h2", "h2"),
        ("dns", "dns", "dnspython"),
    ],
)
def test_a_missing_package_is_told_with_the_line_that_adds_it(module, package, line):
    """In a fresh interpreter that does not find it."""
    script = f"import sys; sys.modules['{package}'] = None; import reglet.infrastructure.native.{module}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith(
        f"MissingPackageError: {line} is not installed; add it with: pip install 'reglet[host]'"
    )


def test_what_reads_an_answer_is_imported_before_the_first_call():
    """In a fresh interpreter: nothing that a check measures has an import in it."""
    script = """
import sys
from reglet.infrastructure.native import NativePorts
from reglet.domain.entities.grants import GrantSet
from reglet.domain.policy import Policy, PolicyGuard
NativePorts(PolicyGuard(Policy(GrantSet()))).prepare(["network", "exec"])
types = [f"dns.rdtypes.{each}" for each in ("IN.A", "IN.AAAA", "ANY.CNAME", "ANY.MX", "ANY.TXT", "ANY.NS")]
rooms = [f"reglet.infrastructure.native.{each}" for each in ("http", "dns", "tcp", "smtp", "commands")]
print([each for each in (*types, *rooms, "encodings.idna") if each not in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_commands_need_no_package():
    """They work with the standard library and attrs alone."""
    script = """
import sys
sys.modules.update(dict.fromkeys(["h2", "dns"]))
from reglet.domain.entities.records import CommandRequest
from reglet.infrastructure.native.commands import NativeCommandRunner
print(NativeCommandRunner().run(CommandRequest("/bin/echo", ("hi",))).stdout)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "hi"
