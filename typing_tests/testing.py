"""`reglet.testing` and `reglet.sandbox`."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, assert_type

import reglet
from reglet import answers, testing
from reglet.errors import RegletError
from reglet.log import LogMessage
from reglet.sandbox import (
    CheckOutcome,
    Dialect,
    GuestAnswerError,
    GuestTrapError,
    HostCallEvent,
    LimitExceededError,
    Limits,
    MissingPackageError,
    NotAPluginError,
    Progress,
    Sandbox,
    SandboxClosedError,
    SandboxError,
    WorkerLostError,
    native_functions,
)

plugin = reglet.define_plugin(name="p", description="d")
ctx = reglet.Context()

# Fakes are their ports.
clock = testing.FakeClock()
http = testing.FakeHTTPClient(answers.http("u"), clock=clock)
http.on("https://a.test/*", method="GET").respond(200, body=b"x", latency=timedelta(seconds=1))
http.on("https://b.test/*").fail(testing.refused())
dns = testing.FakeDNSResolver(answers.dns("h"))
dns.on("h", "A").respond("192.0.2.1")
tcp = testing.FakeTCPDialer(answers.tcp("h:1"))
smtp = testing.FakeSMTPClient(answers.smtp("h"))
runner = testing.FakeCommandRunner(answers.command("id"))
for failure in (
    testing.timeout(),
    testing.denied(),
    testing.not_found(),
    testing.reset(),
    testing.bad_certificate(),
):
    tcp.on("*").fail(failure)
bound = (
    ctx.with_client(reglet.HTTPClient, http)
    .with_client(reglet.DNSResolver, dns)
    .with_client(reglet.TCPDialer, tcp)
    .with_client(reglet.SMTPClient, smtp)
    .with_client(reglet.CommandRunner, runner)
)
ctx.with_client(reglet.HTTPClient, dns)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue,reportArgumentType]
testing.FakeHTTPClient(answers.dns("h"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
http.on("u").respond("200")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
http.get("u").boody  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]

host = testing.FakeHost(answers.http("u"), grants=reglet.GrantSet(), dialect="hostlib")
assert_type(host.check(plugin, {"a": 1}), reglet.Result)
testing.FakeHost(dialect="other")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# Tests of a plugin.
case = testing.TestCase(
    "a", {"url": "u"}, validate=testing.assert_success, expect_status="success", expect_error="x"
)
assert_type(testing.run_plugin_tests(plugin, [case], clients=[http]), None)
[example, *_] = testing.examples_of(plugin, http)
assert_type(example, testing.ExampleCase)
assert_type(testing.run_example(example), reglet.Result)
testing.generate_example_tests(plugin, http)
testing.TestCase("a", {}, validate=lambda: None)  # type: ignore[arg-type,misc]  # pyright: ignore[reportArgumentType]
testing.run_plugin_tests(plugin, ["a"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]

result = reglet.result_success("ok")
testing.assert_failure(result)
testing.assert_error(result, "text", type="config", code="c")
testing.assert_data_field(result, "a.b", 1)
testing.assert_matches_schema(result, {"type": "object"})
testing.assert_never_traps(plugin, max_examples=5)

report: testing.AuditReport = testing.audit_plugin(plugin)
assert_type(report.missing, tuple[str, ...])
assert_type(report.literal, str)
testing.audit_plugin("p")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
testing.assert_error(result, 5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# Records and replays are host functions.
recorder = testing.Recorder(host, secrets=["hunter2"])
recording = recorder.recording(plugin="p")
assert_type(recording, testing.Recording)
replay = testing.Replay(recording)
raised: tuple[type[Exception], ...] = (
    testing.ExampleFailed,
    testing.ReplayMismatchError,
)
unexpected: type[BaseException] = testing.UnexpectedCallError


# The sandbox.
class Sink:
    def write(self, message: LogMessage) -> None: ...


def observe(call: HostCallEvent) -> None:
    assert_type(call.allowed, bool | None)


def show(progress: Progress) -> None:
    assert_type(progress.total, int | None)
    assert_type(progress.latest, CheckOutcome)


limits = Limits(memory=1 << 20, wall_time=timedelta(seconds=1), fuel=None)
with Sandbox(reglet.GrantSet(), limits, replay, dialect=Dialect.ABI, log=Sink(), observer=observe) as sandbox:
    module = sandbox.load("p.wasm")
    assert_type(module.manifest(), reglet.Manifest)
    assert_type(module.check({"a": 1}, fresh=False), reglet.Result)
    sandbox.load(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    for outcome in sandbox.check_many(
        "p.wasm", [{"a": 1}, b"{}"], executor=ThreadPoolExecutor(), progress=show
    ):
        assert_type(outcome, CheckOutcome)
        assert_type(outcome.result, reglet.Result)
        assert_type(outcome.error, RegletError | None)
        assert_type(outcome.config, Mapping[str, Any] | bytes)
    sandbox.check_many("p.wasm", iter([{"a": 1}]), ordered=False, retries=0).close()
    sandbox.check_many("p.wasm", "configs")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    sandbox.check_many("p.wasm", [], executor=4)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    sandbox.check_many("p.wasm", [], progress=Sink())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Sandbox(limits=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Limits(wall_time=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
native_functions(reglet.GrantSet(), limits=limits, log=Sink())

families: tuple[type[SandboxError], ...] = (
    GuestAnswerError,
    GuestTrapError,
    LimitExceededError,
    NotAPluginError,
    SandboxClosedError,
    WorkerLostError,
)
missing: type[Exception] = MissingPackageError
config: Mapping[str, Any] = example.config
