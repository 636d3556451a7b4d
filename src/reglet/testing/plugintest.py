"""Tests of a plugin: its own examples, and tables of cases; all that differs is reported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from reglet.application.examples import Answer
from reglet.application.models.model_types import is_model, model_type
from reglet.application.models.to_json import model_to_json
from reglet.application.plugin import PluginDefinition
from reglet.application.results import result_of_error
from reglet.domain.context import Context
from reglet.domain.entities import JSONValue
from reglet.domain.entities.manifest import Manifest
from reglet.domain.entities.result import Result, ResultStatus
from reglet.domain.ports import Plugin
from reglet.testing.assertions import (
    assert_data_field,
    assert_error,
    assert_failure,
    assert_matches_schema,
    assert_success,
    explain,
    verify_error,
    verify_output,
    verify_success,
)
from reglet.testing.fake_host import FakeHost, raise_unexpected, with_fakes
from reglet.testing.routes import Fake, UnexpectedCallError
from reglet.testing.runners import check_in_context, definition_of, encode_config
from reglet.testing.usage import side_effects_watched

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet

__all__ = [
    "ExampleCase",
    "ExampleFailed",
    "PluginClient",
    "PluginTestsFailed",
    "TestCase",
    "assert_data_field",
    "assert_error",
    "assert_failure",
    "assert_matches_schema",
    "assert_success",
    "examples_of",
    "generate_example_tests",
    "run_example",
    "run_plugin_tests",
]


@frozen
class ExampleCase:
    """One example of one operation, ready to run.

    Attributes:
        plugin: the plugin, whatever runs it.
        service: its service's name.
        operation: its operation's name.
        name: its own.
        config: the config that a host would send.
        expected_output: fields that the data must have; None: not looked at.
        expected_error: a part of the error's message; empty if it is to succeed.
        answers: what the host answers.
        clients: clients to use in place of a host with those answers.
        now: what its `ctx.now()` returns; None: the real time.
    """

    plugin: Plugin = field(repr=False)
    service: str
    operation: str
    name: str
    config: Mapping[str, Any] = field(repr=False)
    expected_output: JSONValue = field(default=None, repr=False)
    expected_error: str = field(default="", repr=False)
    answers: tuple[Answer, ...] = field(default=(), repr=False)
    clients: tuple[object, ...] = field(default=(), repr=False)
    now: datetime | None = None

    @property
    def id(self) -> str:
        """`service/operation/name`."""
        return f"{self.service}/{self.operation}/{self.name}"


class ExampleFailed(AssertionError):  # noqa: N818 - pytest shows it as a failure, not as an error
    """An example did not answer as it says; `problems` has a line for each difference."""

    def __init__(self, case: ExampleCase, differences: list[str]) -> None:
        """Name the example and what is different."""
        self.case = case
        self.problems = differences
        lines = [f"  {line}" for difference in differences for line in difference.splitlines()]
        super().__init__("\n".join([f"example {case.id}:", *lines]))


def examples_of(plugin: Plugin, *clients: object) -> list[ExampleCase]:
    """Return every example of a plugin in declared order.

    Those of a `PluginDefinition` bring their answers; those of another plugin are read from its manifest.
    """
    definition = definition_of(plugin)
    if not isinstance(definition, PluginDefinition):
        return [
            ExampleCase(
                plugin,
                service.name,
                operation.name,
                example.name,
                {**(example.input or {}), "service": service.name, "operation": operation.name},
                example.expected_output,
                example.expected_error,
                clients=clients,
            )
            for service in plugin.manifest(Context()).services.values()
            for operation in service.operations
            for example in operation.examples
        ]
    cases = []
    for declared in definition.operations:
        for example in declared.examples:
            given = {} if declared.input is None else model_to_json(example.input, redact=False)
            output = example.expected_output
            cases.append(
                ExampleCase(
                    plugin,
                    declared.service,
                    declared.name,
                    example.name,
                    {**given, "service": declared.service, "operation": declared.name},
                    None if output is None else _named(output, model_to_json(output)),
                    example.expected_error,
                    example.answers,
                    clients,
                    example.now,
                )
            )
    return cases


def _named(value: Any, as_json: Any) -> JSONValue:
    """Return the JSON of an expected value without the fields that are at their default, at every depth."""
    if isinstance(as_json, Mapping) and is_model(type(value)):
        fields = [(each, getattr(value, each.attribute)) for each in model_type(type(value)).fields]
        return {
            each.name: _named(inner, as_json[each.name])
            for each, inner in fields
            if inner != each.default_value()
        }
    if isinstance(as_json, Mapping):
        return {name: _named(inner, as_json[name]) for name, inner in value.items()}
    if isinstance(as_json, list):
        return [_named(inner, item) for inner, item in zip(value, as_json, strict=True)]
    value_as_json: JSONValue = as_json
    return value_as_json


def generate_example_tests(plugin: Plugin, *clients: object) -> list[ParameterSet]:
    """Return parameters for `@pytest.mark.parametrize("example", …)`, one an example.

    With `clients` (fakes, a `FakeHost`) those answer in place of the examples' own answers.
    """
    import pytest

    return [pytest.param(case, id=case.id) for case in examples_of(plugin, *clients)]


def run_example(case: ExampleCase) -> Result:
    """Run an example and return its Result. Raises `ExampleFailed` with every difference."""
    __tracebackhide__ = True
    host = FakeHost.of(case.plugin, *case.answers, now=case.now)
    try:
        if case.clients:
            ctx = with_fakes(host.at_time(Context()), case.clients)
            result = check_in_context(case.plugin, ctx, encode_config(case.config))
            raise_unexpected(case.clients)
        else:
            result = host.check(case.plugin, case.config)
    except UnexpectedCallError as error:
        raise ExampleFailed(case, [str(error)]) from None
    differences: list[str] = []
    if case.expected_error:
        differences = verify_error(case.expected_error, result)
    elif case.expected_output is not None:
        differences = (
            verify_success(result)
            if result.is_error
            else verify_output(case.expected_output, result.data or {})
        )
    if differences:
        raise ExampleFailed(case, differences)
    return result


@frozen
class TestCase:
    """One config and what its Result must be like; what is left out is not looked at.

    Attributes:
        name: what the case is called in a report.
        config: the config, as an object or as the JSON bytes that a host sends; None is none at all.
        validate: called with the Result; raises `AssertionError` or returns False if it is not as wanted.
        expect_status: the status, or its name.
        expect_data: fields that the data must have; numbers by value, other fields do not count.
        expect_error: a part of the error's message.
    """

    __test__: ClassVar[bool] = False

    name: str
    config: Mapping[str, Any] | bytes | None = field(factory=dict)
    validate: Callable[[Result], object] | None = None
    expect_status: ResultStatus | str | None = None
    expect_data: Mapping[str, Any] | None = None
    expect_error: str | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse a status that no Result has."""
        known = [str(each) for each in ResultStatus]
        if self.expect_status is not None and str(self.expect_status) not in known:
            raise ValueError(
                f"case {self.name!r}: expect_status is {self.expect_status!r}; there are {', '.join(known)}"
            )


class PluginTestsFailed(AssertionError):  # noqa: N818 - pytest shows it as a failure, not as an error
    """One or more cases failed; `failures` has the lines of each by its name."""

    def __init__(self, failures: Mapping[str, list[str]], total: int) -> None:
        """Name every case that failed and why."""
        self.failures = failures
        lines = [f"{len(failures)} of {total} cases failed:"]
        for name, differences in failures.items():
            lines.append(f"  {name}")
            lines += [f"    {line}" for difference in differences for line in difference.splitlines()]
        super().__init__("\n".join(lines))


def run_plugin_tests(plugin: Plugin, cases: Iterable[TestCase], *, clients: Iterable[object] = ()) -> None:
    """Run every case, then raise `PluginTestsFailed` if any failed.

    `clients` are fakes, or anything else that satisfies a port; a `FakeHost` answers at the seam.
    """
    __tracebackhide__ = True  # a failure shows the author's own line
    for what, listed, kind in (("cases", cases, TestCase), ("clients", clients, Fake | FakeHost)):
        if isinstance(listed, kind):
            raise TypeError(f"{what} is one {type(listed).__name__}; write {what}=[…]")
    definition_of(plugin)  # which refuses what is none
    given = tuple(clients)
    ctx = with_fakes(Context(), given)
    table = list(cases)
    results = [(case.name, list(_differences(plugin, ctx, given, case))) for case in table]
    failures: dict[str, list[str]] = {}
    for name, differences in results:
        if differences:
            failures.setdefault(name, []).extend(differences)
    if failures:
        raise PluginTestsFailed(failures, len(table))


def _differences(plugin: Plugin, ctx: Context, clients: Sequence[object], case: TestCase) -> Iterator[str]:
    try:
        config = encode_config(case.config)
        try:
            with side_effects_watched():
                result = check_in_context(plugin, ctx, config)
        except Exception as error:  # noqa: BLE001 - as a host sees it: an error becomes a Result
            result = result_of_error(error)
        raise_unexpected(clients)
    except (TypeError, ValueError) as error:
        yield f"the config is not JSON: {error}"
        return
    except UnexpectedCallError as error:
        yield str(error)
        return
    if case.expect_status is not None and str(result.status) != str(case.expect_status):
        yield f"expected {case.expect_status}, got {result.status}: {result.message}{explain(result)}"
    if case.expect_data is not None:
        yield from verify_output(case.expect_data, result.data or {})
    if case.expect_error is not None:
        yield from verify_error(case.expect_error, result)
    if case.validate is not None:
        try:
            if case.validate(result) is False:
                yield f"{getattr(case.validate, '__name__', 'validate')} returned False{explain(result)}"
        except AssertionError as error:
            name = getattr(case.validate, "__name__", "validate")
            yield str(error) or f"{name} is not satisfied{explain(result)}"


class PluginClient:
    """Runs a plugin's checks against a host: config in, Result out."""

    def __init__(self, plugin: Plugin, host: FakeHost) -> None:
        """Check `plugin` against `host`."""
        self.plugin = plugin
        self.host = host

    def manifest(self) -> Manifest:
        """Return the plugin's description of itself."""
        return self.plugin.manifest(Context())

    def check(self, config: Mapping[str, Any] | bytes | None = None, /, **fields: Any) -> Result:
        """Run a check. A config may be an object, the bytes that a host sends, or keyword arguments."""
        __tracebackhide__ = True
        return self.host.check(
            self.plugin, config if isinstance(config, bytes) else {**(config or {}), **fields}
        )
