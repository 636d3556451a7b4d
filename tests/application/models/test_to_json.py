"""Outputs held to the types of their models."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from math import inf
from typing import Any, Literal

import pytest

import reglet
from reglet import Context
from reglet.application.models.to_json import TypeMismatchError, model_to_json, output_writer
from reglet.errors import DefinitionError


class Level(Enum):
    """An enum."""

    LOW = "low"


class Word(StrEnum):
    """An enum whose members are strings."""

    YES = "yes"


class Number(IntEnum):
    """An enum whose members are integers."""

    ONE = 1


@reglet.model
class Host:
    """A part of an output."""

    name: str
    port: int = 0


@reglet.model
class Output:
    """A field of every type."""

    text: str = ""
    whole: int = 0
    real: float = 0.0
    flag: bool = False
    mode: Literal["a", "b"] = "a"
    level: Level = Level.LOW
    when: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    wait: timedelta = timedelta()
    maybe: str | None = None
    host: Host = Host("h")
    hosts: list[Host] = reglet.field(factory=list)
    names: Sequence[str] = ()
    ports: dict[str, int] = reglet.field(factory=dict)
    anything: Any = None
    things: list[Any] = reglet.field(factory=list)


_WRITE = output_writer(Output)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"text": Word.YES, "whole": Number.ONE, "real": 1, "maybe": "x", "flag": True},
        {"mode": "b", "hosts": [Host("a"), Host("b", 1)], "names": ["a"], "ports": {"a": 1}},
        {"anything": b"x", "things": [1, "x", None], "hosts": (Host("a"),)},
    ],
)
def test_an_output_of_the_declared_types_fits(fields):
    """An int is a float, and a string of an enum a string, as type checkers have it."""
    output = Output(**fields)
    assert _WRITE(output) == model_to_json(output)


@pytest.mark.parametrize(
    ("fields", "mismatch"),
    [
        ({"text": 5}, "field text is int, not str"),
        ({"text": None}, "field text is None, not str"),
        ({"text": b"x"}, "field text is bytes, not str"),
        ({"whole": "5"}, "field whole is str, not int"),
        ({"whole": 5.0}, "field whole is float, not int"),
        ({"whole": True}, "field whole is bool, not int"),
        ({"real": "1"}, "field real is str, not float"),
        ({"real": False}, "field real is bool, not float"),
        ({"flag": 1}, "field flag is int, not bool"),
        ({"mode": "c"}, "field mode is none of 'a', 'b'"),
        ({"mode": ["a"]}, "field mode is none of 'a', 'b'"),
        ({"level": "low"}, "field level is none of 'low'"),
        ({"when": "2026-01-01T00:00:00Z"}, "field when is str, not datetime"),
        ({"wait": 5}, "field wait is int, not timedelta"),
        ({"maybe": 5}, "field maybe is int, not str"),
        ({"host": {"name": "h"}}, "field host is dict, not Host"),
        ({"host": Host("h", "80")}, "field host.port is str, not int"),
        ({"hosts": [Host("a"), Host(5)]}, "field hosts[1].name is int, not str"),
        ({"hosts": {Host("a")}}, "field hosts is set, not list"),
        ({"names": "abc"}, "field names is str, not list"),
        ({"things": "abc"}, "field things is str, not list"),
        ({"ports": {"a": "1"}}, "field ports['a'] is str, not int"),
        ({"ports": {1: 1}}, "field ports[1] is a key that is int, not str"),
        ({"ports": []}, "field ports is list, not dict"),
        ({"real": float("nan")}, "field real is nan, which is no number in JSON"),
        ({"anything": [{"a": -inf}]}, "field anything[0]['a'] is -inf, which is no number in JSON"),
        ({"things": [Host("h", "80")]}, "field things[0].port is str, not int"),
        (
            {"anything": date(2026, 1, 1)},
            "field anything is date, which JSON has not; write what it has, such as a string",
        ),
        (
            {"anything": {"a": [Decimal("1.1")]}},
            "field anything['a'][0] is Decimal, which JSON has not; write what it has, such as a string",
        ),
        (
            {"anything": {"a": {1: 2, "b": 3}}},
            "field anything['a'] is dict of int, str; write strings in their place",
        ),
        (
            {"anything": object()},
            "field anything is object, which JSON has not; write what it has, such as a string",
        ),
        ({"anything": {(1, 2): 3}}, "field anything is dict of tuple; write strings in their place"),
        ({"anything": {1, "a"}}, "field anything is set of int, str; write strings in their place"),
    ],
)
def test_a_field_of_another_type_is_named(fields, mismatch):
    """By its path, with what it is and what was declared; its value is not shown, for it may be secret."""
    with pytest.raises(TypeMismatchError) as raised:
        _WRITE(Output(**fields))
    assert str(raised.value) == mismatch


_plugin = reglet.define_plugin(name="p", description="d")


@reglet.model
class Asked:
    """What the handler is asked for."""

    what: str


@_plugin.service("s")
class Service:
    """Answers wrongly, as a forgotten type checker lets it."""

    @reglet.operation()
    def check(self, request: Asked) -> Host:
        """Answer with what does not fit, or with nothing at all."""
        if request.what == "nothing":
            return None  # type: ignore[return-value]
        if request.what == "a failed check":
            raise reglet.CheckFailed("no", {"hosts": [Host(5)]})  # type: ignore[arg-type]
        if request.what == "a Result":
            return reglet.result_success("ok", Host(5))  # type: ignore[arg-type, return-value]
        if request.what == "a list in itself":
            items: list[Any] = []
            items.append(items)
            raise reglet.CheckFailed("no", {"items": items})
        if request.what == "an error without one":
            return reglet.Result("error", "it is down")  # type: ignore[return-value]
        return Host(5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("types", "operation s.check returned Host whose field name is int, not str"),
        ("nothing", "operation s.check must return Host or a reglet.Result, not None: is a return missing?"),
        ("a failed check", "CheckFailed('no') gave data whose field ['hosts'][0].name is int, not str"),
        ("a Result", "operation s.check gave data whose field name is int, not str"),
        ("a list in itself", "CheckFailed('no') gave data that is nested too deeply, or in itself"),
    ],
)
def test_an_output_that_does_not_fit_is_a_bug_that_is_reported(what, message):
    """The Result is an error of type panic: data of another type would make a profile's verdict."""
    error = _plugin.check(Context(), json.dumps({"what": what}).encode()).error
    assert error is not None
    assert (error.type, error.message) == ("panic", message)


def test_an_error_that_says_no_more_than_its_status_has_a_detail():
    """Hosts evaluate a profile's expressions where there is none."""
    result = _plugin.check(Context(), b'{"what": "an error without one"}')
    assert (result.is_error, result.error) == (True, reglet.ErrorDetail("execution", "it is down"))


def test_the_output_of_an_example_must_fit_too():
    """A manifest shows it."""

    class Shown:
        @reglet.operation(examples=[reglet.Example("a", None, expected_output=Host(5))])  # type: ignore[arg-type]
        def check(self) -> Host:
            return Host("h")

    with pytest.raises(
        DefinitionError, match="output of example 'a' does not fit: field name is int, not str"
    ):
        reglet.define_plugin(name="p", description="d").service("s")(Shown)
