"""Examples are tests: each is run against its answers and compared on the fields it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from reglet.application.examples import Answer
from reglet.application.models.model_types import is_model, model_type
from reglet.application.models.to_json import model_to_json
from reglet.application.operations import Operation
from reglet.application.plugin import PluginDefinition
from reglet.domain.context import Context
from reglet.domain.entities import JSONValue
from reglet.domain.entities.result import Result
from reglet.domain.ports import Plugin
from reglet.testing.assertions import verify_error, verify_output, verify_success
from reglet.testing.fakes.host import FakeHost, raise_unexpected, with_fakes
from reglet.testing.fakes.routes import UnexpectedCallError
from reglet.testing.runners import check_in_context, definition_of, encode_config

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet


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
        expected_error: a part of the error's text; empty if it is to succeed.
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
    if isinstance(definition, PluginDefinition):
        return [case for operation in definition.operations for case in _declared(plugin, operation, clients)]
    return list(_described(plugin, clients))


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
    differences = list(_differences(case, result))
    if differences:
        raise ExampleFailed(case, differences)
    return result


def _differences(case: ExampleCase, result: Result) -> Iterator[str]:
    if case.expected_error:
        yield from verify_error(case.expected_error, result)
        return
    if case.expected_output is None:
        return
    if result.is_error:
        yield from verify_success(result)
        return
    yield from verify_output(case.expected_output, result.data or {})


def _declared(plugin: Plugin, operation: Operation, clients: tuple[object, ...]) -> Iterator[ExampleCase]:
    for example in operation.examples:
        given = {} if operation.input is None else model_to_json(example.input, redact=False)
        yield ExampleCase(
            plugin,
            operation.service,
            operation.name,
            example.name,
            {**given, "service": operation.service, "operation": operation.name},
            None if (output := example.expected_output) is None else _named(output, model_to_json(output)),
            example.expected_error,
            example.answers,
            clients,
            example.now,
        )


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


def _described(plugin: Plugin, clients: tuple[object, ...]) -> Iterator[ExampleCase]:
    for service in plugin.manifest(Context()).services.values():
        for operation in service.operations:
            for example in operation.examples:
                yield ExampleCase(
                    plugin,
                    service.name,
                    operation.name,
                    example.name,
                    {**(example.input or {}), "service": service.name, "operation": operation.name},
                    example.expected_output,
                    example.expected_error,
                    clients=clients,
                )
