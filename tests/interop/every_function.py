"""A plugin that uses every host function, and what a host may answer to each."""

from typing import Any

EVERY_FUNCTION = """\
from datetime import timedelta
from typing import Any

import reglet
from reglet import CommandRequest, CommandRunner, Context, DNSResolver, HTTPClient, HTTPRequest, SMTPClient, TCPDialer

plugin = reglet.define_plugin(
    name="every-function",
    version="1.0.0",
    description="Uses every host function",
    capabilities=reglet.GrantSet(
        network=reglet.NetworkCapability(rules=[reglet.NetworkRule(hosts=["*"], ports=["*"])]),
        exec=reglet.ExecCapability(commands=["**"]),
    ),
)


@reglet.model
class Input:
    target: str = ""


@reglet.model
class Output:
    seen: list[str]


def _seen(*values: Any) -> Output:
    return Output([str(value) for value in values])


@plugin.service("every_function")
class EveryFunction:
    @reglet.operation(description="A request with headers and a body")
    def http(self, ctx: Context, request: Input) -> Output:
        headers = {"X-Asked": ["a", "b"]}
        answer = ctx.client(HTTPClient).do(HTTPRequest("POST", request.target, headers=headers, body=b"ask"))
        return _seen(answer.status_code, answer.body, sorted(answer.headers.items()), answer.proto)

    @reglet.operation(description="Mail exchangers")
    def dns(self, ctx: Context, request: Input) -> Output:
        return _seen(*((each.host, each.pref) for each in ctx.client(DNSResolver).lookup_mx(request.target)))

    @reglet.operation(description="A TLS connection")
    def tcp(self, ctx: Context, request: Input) -> Output:
        with ctx.client(TCPDialer).dial_secure(request.target, timedelta(seconds=2), True) as connection:
            return _seen(connection.is_tls, connection.tls_version, connection.remote_addr)

    @reglet.operation(description="A mail server")
    def smtp(self, ctx: Context, request: Input) -> Output:
        answer = ctx.client(SMTPClient).connect(request.target, 587, timedelta(seconds=2), False, True)
        return _seen(answer.banner, answer.tls_version)

    @reglet.operation(description="A command")
    def command(self, ctx: Context, request: Input) -> Output:
        answer = ctx.client(CommandRunner).run(CommandRequest(request.target, args=("-x",), env={"A": "b"}))
        return _seen(answer.exit_code, answer.stdout, answer.stderr)
"""

Case = tuple[str, str, dict[str, Any]]

ANSWERED: dict[str, Case] = {
    "http": (
        "https://example.com/a",
        "http_request",
        {"status_code": 201, "proto": "HTTP/2.0", "headers": {"X-A": ["b", "c"]}, "body": "aGVsbG8="},
    ),
    "dns": ("example.com", "dns_lookup", {"mx_records": [{"host": "mx.example.com", "pref": 10}]}),
    "tcp": (
        "example.com:443",
        "tcp_connect",
        {"connected": True, "tls": True, "tls_version": "TLS 1.3", "remote_addr": "192.0.2.1:443"},
    ),
    "smtp": (
        "mail.example.com",
        "smtp_connect",
        {"connected": True, "banner": "220 hello", "tls_version": "TLS 1.3"},
    ),
    "command": ("/bin/echo", "exec_command", {"stdout": "out", "stderr": "err", "exit_code": 3}),
}
"""Operation to target, host function and answer."""

REFUSALS: dict[str, dict[str, Any]] = {
    "a detail": {"error": {"message": "refused", "type": "network", "code": "connect"}},
    "a code for a type": {"error": {"message": "refused", "type": "CONNECTION_REFUSED", "code": ""}},
    "a code": {"error": {"code": "DIAL_FAILED", "message": "refused"}},
    "a bare denial": {"error": "VALIDATION_ERROR", "message": "capability denied: network", "code": 400},
    "a bare failure": {"error": "INTERNAL_ERROR", "message": "it broke", "code": 500},
    "nothing": {},
}
"""Ways in which hosts say no (ABI section 4); the last decodes, and says nothing at all."""
