"""Contexts, clients, ports, and the other faces."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import assert_type

import reglet
from reglet import answers, config, errors, exec, log

ctx = reglet.Context(request_id="r", deadline=None)
assert_type(ctx.deadline, datetime | None)
assert_type(ctx.remaining(), timedelta | None)
assert_type(ctx.cancelled, bool)
assert_type(ctx.with_timeout(timedelta(seconds=1)), reglet.Context)
ctx.request_id = "x"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]

# A port gives a client of its type, although it is a protocol.
assert_type(ctx.client(reglet.HTTPClient), reglet.HTTPClient)
assert_type(reglet.get_client(ctx, reglet.DNSResolver), reglet.DNSResolver)
assert_type(reglet.try_get_client(ctx, reglet.TCPDialer), reglet.TCPDialer | None)
assert_type(reglet.get_client(ctx, str), str)
ctx.client(reglet.HTTPClient).fetch("u")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


class Fake:
    def do(self, request: reglet.HTTPRequest) -> reglet.HTTPResponse:
        return reglet.HTTPResponse(200, {"A": ["b"]}, b"")

    def get(self, url: str) -> reglet.HTTPResponse:
        return self.do(reglet.HTTPRequest("GET", url, {"A": "b"}, timeout=timedelta(seconds=1)))

    def post(self, url: str, content_type: str, body: bytes) -> reglet.HTTPResponse:
        return reglet.HTTPResponse(200)


assert_type(ctx.with_client(reglet.HTTPClient, Fake()), reglet.Context)
ctx.with_client(reglet.DNSResolver, Fake())  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue,reportArgumentType]
ctx.with_client(reglet.HTTPClient, Fake)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue,reportArgumentType]
ctx.with_client(str, "x")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue,reportArgumentType]
assert_type(ctx.now(), datetime)
assert_type(ctx.with_clock(ctx.now), reglet.Context)
assert_type(reglet.with_client(ctx, Fake()), reglet.Context)
assert_type(reglet.with_client(ctx, "x", str), reglet.Context)

# Ports.
http = ctx.client(reglet.HTTPClient)
assert_type(http.get("u").headers, Mapping[str, tuple[str, ...]])
http.get(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
dns = ctx.client(reglet.DNSResolver)
assert_type(dns.lookup_host("h", nameserver="1.1.1.1"), list[str])
assert_type(dns.lookup_mx("h"), list[reglet.MXRecord])
tcp = ctx.client(reglet.TCPDialer)
with tcp.dial_secure("h:1", timedelta(seconds=1), True) as connection:
    assert_type(connection, reglet.TCPConnection)
    assert_type(connection.tls_cert_not_after, datetime | None)
tcp.dial_with_timeout("h:1", 5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
smtp = ctx.client(reglet.SMTPClient)
assert_type(smtp.connect("h", 25, timedelta(seconds=1), False, True), reglet.SMTPConnectResult)
runner = ctx.client(reglet.CommandRunner)
assert_type(runner.run(reglet.CommandRequest("id", ["-u"])), reglet.CommandResult)
reglet.CommandRequest("id", "-u")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
reglet.CommandRequest("id", timeout=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
runner.run("id -u")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
reglet.HTTPRequest("GET", "u", timeout=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
reglet.HTTPRequest("POST", "u", body="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# Ready-made checks.
assert_type(reglet.run_http_check(ctx, {"url": "u"}), reglet.Result)
assert_type(reglet.run_dns_check(ctx, {"hostname": "h"}), reglet.Result)
assert_type(reglet.run_tcp_check(ctx, {"host": "h", "port": 1}), reglet.Result)
assert_type(reglet.run_smtp_check(ctx, {"host": "h", "port": 25}), reglet.Result)
assert_type(exec.run(ctx, reglet.CommandRequest("id")), reglet.CommandResult)

# Config helpers.
assert_type(config.get_string({"a": "b"}, "a"), str | None)
assert_type(config.must_get_int({"a": 1}, "a"), int)
assert_type(config.get_float_default({}, "a", 1.5), float)
assert_type(config.get_string_slice({}, "a"), list[str] | None)
config.get_string_default({}, "a", None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# Errors.
error: errors.RegletError = errors.ConfigError("field", "reason")
assert_type(error.detail(), reglet.ErrorDetail)
assert_type(errors.error_detail(ValueError("x")), reglet.ErrorDetail)
errors.ConfigError(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# The log.


class Sink:
    def write(self, message: log.LogMessage) -> None: ...


with log.redirect_logging(Sink()):
    pass
log.redirect_logging(print)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
assert_type(log.group(a=1), log.Group)

# Answers.
assert_type(answers.http("u", status_code=404, body="x", error="refused"), answers.HTTPAnswer)
assert_type(answers.dns("h", "A", records=["192.0.2.1"]), answers.DNSAnswer)
assert_type(answers.tcp("h:1"), answers.TCPAnswer)
assert_type(answers.smtp("h", banner="220"), answers.SMTPAnswer)
assert_type(answers.command("id", ["-u"], stdout="0"), answers.CommandAnswer)
answers.http(status_code="404")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
