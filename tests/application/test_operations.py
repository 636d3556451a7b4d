"""What a handler may take and give, and how a method becomes an operation."""

from __future__ import annotations

from typing import Any

import pytest

import reglet
from reglet import Context, DNSResolver, HTTPClient
from reglet.application.operations import Signature, WantedPort, read_signature
from reglet.errors import DefinitionError
from tests.application.plugins import CheckInput, CheckOutput


class _Good:
    def bare(self) -> reglet.Result: ...
    def context(self, ctx: Context) -> CheckOutput: ...
    def request(self, request: CheckInput) -> CheckOutput | reglet.Result: ...
    def both(self, ctx: Context, request: CheckInput) -> CheckOutput | None: ...
    def nothing(self) -> None: ...
    def ports(self, *, http: HTTPClient, dns: DNSResolver | None = None) -> reglet.Result: ...


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("bare", Signature(False, None, None)),
        ("context", Signature(True, None, CheckOutput)),
        ("request", Signature(False, CheckInput, CheckOutput)),
        ("both", Signature(True, CheckInput, CheckOutput, may_return_none=True)),
        ("nothing", Signature(False, None, None, may_return_none=True)),
        (
            "ports",
            Signature(
                False,
                None,
                None,
                (WantedPort("http", HTTPClient, False), WantedPort("dns", DNSResolver, True)),
            ),
        ),
    ],
)
def test_a_signature_says_what_a_handler_takes_and_gives(name, signature):
    """None to two positional parameters, then ports."""
    assert read_signature(getattr(_Good, name), name) == signature


class _Bad:
    def no_self() -> reglet.Result: ...  # type: ignore[misc]
    def forgotten_self(request: CheckInput) -> reglet.Result: ...  # noqa: N805
    def forgotten_before_context(ctx: Context, request: CheckInput) -> reglet.Result: ...  # noqa: N805
    def forgotten_unannotated(request) -> reglet.Result: ...  # type: ignore[no-untyped-def]  # noqa: N805
    def swapped(self, request: CheckInput, ctx: Context) -> reglet.Result: ...
    def three(self, ctx: Context, request: CheckInput, more: CheckInput) -> reglet.Result: ...
    def unannotated(self, request) -> reglet.Result: ...  # type: ignore[no-untyped-def]
    def no_model(self, request: dict[str, Any]) -> reglet.Result: ...
    def many(self, *requests: CheckInput) -> reglet.Result: ...
    def options(self, **options: Any) -> reglet.Result: ...
    def no_return(self, ctx: Context): ...  # type: ignore[no-untyped-def]
    def no_output(self) -> dict[str, Any]: ...
    def two_outputs(self) -> CheckOutput | CheckInput: ...
    def bare_port(self, *, http) -> reglet.Result: ...  # type: ignore[no-untyped-def]
    def two_ports(self, *, client: HTTPClient | DNSResolver) -> reglet.Result: ...
    async def waiting(self) -> reglet.Result: ...
    def yielding(self) -> reglet.Result:
        yield 1  # type: ignore[misc]

    @staticmethod
    def static() -> reglet.Result: ...


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no_self", "has no self; write"),
        ("forgotten_self", "has no self; write"),
        ("forgotten_before_context", "has no self; write"),
        ("forgotten_unannotated", "has no self; write"),
        ("swapped", r"takes \(request, ctx\); write \(self\), \(self, ctx"),
        ("three", r"takes \(ctx, request, more\); write"),
        ("unannotated", "parameter request has no annotation"),
        ("no_model", "parameter request is of type dict, neither Context nor a model"),
        ("many", r"takes \*requests"),
        ("options", r"takes \*\*options"),
        ("no_return", "does not say what it returns; write -> Output"),
        ("no_output", "write a model of yours, reglet.Result, or one of the two"),
        ("two_outputs", "write a model of yours"),
        ("bare_port", "port http has no annotation"),
        ("two_ports", "ask for one port"),
        ("waiting", "write `def`, not `async def`"),
        ("yielding", "return its output instead of yielding"),
        ("static", "is a staticmethod; write a plain method"),
    ],
)
def test_any_other_handler_is_refused_with_how_to_write_it(name, reason):
    """At import, by its name."""
    with pytest.raises(DefinitionError, match=f"^{name} .*{reason}|^{name}: .*{reason}"):
        read_signature(_Bad.__dict__[name], name)


def test_an_annotation_that_cannot_be_resolved_is_told():
    """With the name that is missing."""

    class Local: ...

    def handler(self: Any, request: Local) -> reglet.Result: ...

    with pytest.raises(DefinitionError, match="'Local' cannot be resolved"):
        read_signature(handler, "handler")


class _Empty:
    def passing(self) -> CheckOutput:  # type: ignore[empty-body]
        pass

    def dots(self) -> CheckOutput: ...  # type: ignore[empty-body]

    def documented(self) -> CheckOutput:  # type: ignore[empty-body]
        """Do nothing yet."""

    def documented_dots(self, request: CheckInput) -> CheckOutput | reglet.Result:  # type: ignore[empty-body]
        """Do nothing yet."""
        pass  # noqa: PIE790 - that is what is tested


class _NotEmpty:
    def nothing(self) -> None:
        """Succeed."""

    def perhaps(self) -> CheckOutput | None: ...

    def result_alone(self) -> reglet.Result: ...  # type: ignore[empty-body]

    def echo(self, request: CheckInput) -> CheckInput:
        return request

    def constant(self) -> reglet.Result:
        """Return what is no Result, which is told at run time."""
        return 5  # type: ignore[return-value]


def _define(handler: Any) -> None:
    plugin = reglet.define_plugin(name="p", description="d")
    plugin.service("s")(type("Service", (), {"check": reglet.operation()(handler)}))


@pytest.mark.parametrize("name", ["passing", "dots", "documented", "documented_dots"])
def test_a_handler_with_an_empty_body_is_refused(name):
    """It would answer with nothing, though it declares an output."""
    with pytest.raises(DefinitionError, match="check returns nothing: its body is empty"):
        _define(getattr(_Empty, name))


@pytest.mark.parametrize("name", ["nothing", "perhaps", "result_alone", "echo", "constant"])
def test_any_other_handler_is_taken_however_short(name):
    """A Result that is not returned is reported when it is missed, at run time."""
    _define(getattr(_NotEmpty, name))


def test_an_operation_needs_brackets():
    """Else the handler would be taken for an argument."""
    with pytest.raises(DefinitionError, match=r"was given .*check; write @reglet\.operation\(\)"):

        class Bare:
            @reglet.operation  # type: ignore[call-overload]
            def check(self) -> reglet.Result:
                return reglet.result_success("x")

    with pytest.raises(DefinitionError, match=r"was given 'Checks'; write .*description="):
        reglet.operation("Checks")  # type: ignore[call-overload]


def test_a_method_that_is_defined_twice_is_refused():
    """Python would keep the second and say nothing."""
    with pytest.raises(DefinitionError, match=r"check is defined twice, .* another name"):

        class Twice:
            @reglet.operation()
            def check(self) -> reglet.Result:
                return reglet.result_success("first")

            @reglet.operation()  # type: ignore[no-redef]
            def check(self) -> reglet.Result:  # noqa: F811 - that is what is tested
                return reglet.result_success("second")
