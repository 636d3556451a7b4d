"""Plugins, services, operations, examples."""

from collections.abc import Mapping
from typing import Any, assert_type

import reglet
from reglet import Context, HTTPClient, Result, answers


@reglet.model
class In:
    url: str
    status: int = 200


@reglet.model
class Out:
    status: int


@reglet.model
class Other:
    x: int


plugin = reglet.define_plugin(
    name="p",
    description="d",
    version="1.0.0",
    config=In,
    min_host_version="0.2.0",
    capabilities=reglet.GrantSet(
        network=reglet.NetworkCapability(rules=[reglet.NetworkRule(hosts=["*"], ports=["80", "443"])]),
        fs=reglet.FileSystemCapability(rules=[reglet.FileSystemRule(read=["/etc/**"], write=["/tmp/x"])]),
        env=reglet.EnvironmentCapability(vars=["APP_*"]),
        exec=reglet.ExecCapability(commands=["/bin/ls"]),
        kv=reglet.KeyValueCapability(rules=[reglet.KeyValueRule(keys=["a/*"], op="read-write")]),
    ),
)
assert_type(plugin, reglet.PluginDefinition)
assert_type(plugin.check(Context(), b"{}"), Result)
assert_type(plugin.manifest(Context()), reglet.Manifest)
a_plugin: reglet.Plugin = plugin
assert_type(reglet.register(plugin), reglet.PluginDefinition)
with reglet.refusals_are_answers() as nothing:
    assert_type(nothing, None)

reglet.define_plugin(description="d")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
reglet.define_plugin("p", "d")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
reglet.define_plugin(name="p", description="d", version=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
reglet.KeyValueRule(keys=["a"], op="delete")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
reglet.ExecCapability("ls")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
reglet.EnvironmentCapability("HOME")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
reglet.NetworkRule("*.test", ["80"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
reglet.FileSystemRule(read="/etc/**")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
reglet.KeyValueRule(keys="a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
reglet.GrantSet(network=["*"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
reglet.NetworkCapability(rules=reglet.NetworkRule(["*"], ["80"]))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
reglet.NetworkRule(hosts=["*"], ports=[80])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
reglet.ExecCapability(("ls",))
reglet.ExecCapability({"ls"})
reglet.ExecCapability(name for name in ["ls"])
reglet.NetworkRule(["*.test"], map(str, [80]))
reglet.NetworkCapability(rules=["*:80"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]

# An example knows the types of its input and output.
with_output = reglet.Example(
    "a", In("u"), expected_output=Out(1), description="d", answers=[answers.http("u")]
)
assert_type(with_output, reglet.Example[In, Out])
assert_type(reglet.Example("a", In("u"), expected_error="no"), reglet.Example[In, Any])
reglet.Example("a", In("u"))  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
reglet.Example("a", In("u"), expected_output=Out(1), expected_error="x")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
reglet.Example("a", In("u"), expected_error="x", answers=["x"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]


@plugin.service("s", description="d")
class Service:
    # Without examples every shape of a handler is accepted, and stays what it is.
    @reglet.operation()
    def bare(self) -> Result:
        return reglet.result_success("ok")

    @reglet.operation(description="d", name="n")
    def context(self, ctx: Context) -> Out:
        return Out(1)

    @reglet.operation()
    def ports(self, ctx: Context, request: In, *, http: HTTPClient, other: HTTPClient | None = None) -> Out:
        return Out(http.get(request.url).status_code)

    @reglet.operation()
    def optional_port(self, ctx: Context, *, http: HTTPClient | None = None) -> Out | None:
        return None

    # It returns a model or a Result, and takes a context, a model and ports.
    @reglet.operation()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue,reportArgumentType]
    def no_model(self, ctx: Context, request: In) -> str:
        return ""

    @reglet.operation()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue,reportArgumentType]
    def no_field(self) -> dict[str, int]:
        return {}

    @reglet.operation()  # type: ignore[deprecated]
    def extra(self, ctx: Context, request: In, more: int) -> Out:
        return Out(1)

    @reglet.operation()  # type: ignore[deprecated]
    def no_input_model(self, ctx: Context, request: int) -> Out:
        return Out(1)

    @reglet.operation()  # type: ignore[deprecated]
    def other_order(self, request: In, ctx: Context) -> Out:
        return Out(1)

    # With examples their types must be the handler's.
    @reglet.operation(examples=[with_output])
    def check(self, ctx: Context, request: In) -> Out:
        return Out(request.status)

    @reglet.operation(examples=[with_output])
    def request_alone(self, request: In) -> Out:
        return Out(request.status)

    @reglet.operation(examples=[with_output, reglet.Example("b", In("u"), expected_error="no")])
    def or_result(self, ctx: Context, request: In) -> Out | Result:
        return Out(request.status)

    @reglet.operation(examples=[with_output])
    def only_result(self, ctx: Context, request: In) -> Result:
        return reglet.result_success("ok")

    @reglet.operation(examples=[with_output])
    def with_port(self, ctx: Context, request: In, *, http: HTTPClient) -> Out:
        return Out(http.get(request.url).status_code)

    @reglet.operation(examples=[reglet.Example("a", In("u"), expected_error="no")])
    def error_alone(self, ctx: Context, request: In) -> Out:
        return Out(1)

    # Without an input, the example's input is None.
    @reglet.operation(examples=[reglet.Example("a", None, expected_output=Out(1))])
    def no_input(self) -> Out:
        return Out(1)

    @reglet.operation(examples=[reglet.Example("a", None, expected_output=Out(1))])
    def context_and_port(self, ctx: Context, *, http: HTTPClient) -> Out:
        return Out(1)

    @reglet.operation(examples=[with_output])  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue,reportArgumentType]
    def needless_input(self, ctx: Context) -> Out:
        return Out(1)

    @reglet.operation(examples=[with_output])  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue,reportArgumentType]
    def wrong_input(self, ctx: Context, request: Other) -> Out:
        return Out(1)

    @reglet.operation(examples=[with_output])  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue,reportArgumentType]
    def wrong_output(self, ctx: Context, request: In) -> Other:
        return Other(1)


assert_type(Service().bare(), Result)
assert_type(Service().context(Context()), Out)
assert_type(Service().check(Context(), In("u")), Out)
assert_type(Service().check(ctx=Context(), request=In("u")), Out)
assert_type(Service().or_result(Context(), request=In("u")), Out | Result)
assert_type(Service().only_result(Context(), In("u")), Result)
assert_type(Service().error_alone(Context(), In("u")).status, int)
assert_type(Service().no_input(), Out)
assert_type(Service().optional_port(Context()), Out | None)
Service().check(Context(), Other(1))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Service().ports(Context(), In("u"))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Service().with_port(Context(), In("u"))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Service().extra(Context(), In("u"), 1)  # type: ignore[operator]  # pyright: ignore[reportCallIssue]
Service().other_order(In("u"), Context())  # type: ignore[operator]  # pyright: ignore[reportCallIssue]
Service().context(Context(), In("u"))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
reglet.operation("d")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
reglet.operation(examples=["x"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class OwnPlugin:
    """A class of an author's own is a plugin too."""

    def manifest(self, ctx: Context) -> reglet.Manifest:
        return reglet.Manifest("own", "1.0.0")

    def check(self, ctx: Context, config: bytes) -> Result:
        return reglet.result_success("ok")


class NoPlugin:
    def check(self, ctx: Context, config: str) -> Result:
        return reglet.result_success("ok")


own: reglet.Plugin = OwnPlugin()
assert_type(reglet.register(OwnPlugin()), OwnPlugin)
reglet.register(NoPlugin())  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]

# Results.
assert_type(reglet.result_failure("no", {"a": 1}).with_field("b", 2).with_data(None), Result)
assert_type(reglet.result_error(reglet.ErrorDetail("network", "m", "C")).is_error, bool)
assert_type(reglet.result_success("ok").data, Mapping[str, Any] | None)
assert_type(reglet.result_success("ok").metadata, reglet.RunMetadata | None)
assert_type(reglet.result_success("ok").status, reglet.ResultStatus)
reglet.result_error("text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
reglet.result_success("ok", [1])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def failing() -> None:
    raise reglet.CheckFailed("not so", {"a": 1})
