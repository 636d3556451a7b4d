"""Configs and models: defaults, names of fields, values that are not what they look like."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any

import pytest

import reglet
from reglet import Context
from reglet.application.models.from_json import check_model, parse_model
from reglet.application.models.to_json import model_to_json
from reglet.errors import DefinitionError, RegletError, SchemaError


class Colour(Enum):
    """An enum of strings."""

    RED = "red"


class Status(IntEnum):
    """An enum of integers."""

    OK = 200


@reglet.model
class Holder:
    """A model that holds something that can change."""

    labels: dict[str, Any] = reglet.field(factory=dict)


@reglet.model
class Inner:
    """A model in another."""

    x: int = 1


def answered(model: type[Any], config: str, count: int = 1) -> list[Any]:
    """Return what a plugin whose handler gives its input back answers to a config, several times over."""
    plugin = reglet.define_plugin(name="p", version="1.0.0", description="d")

    def op(self: object, request: Any) -> reglet.Result:
        data = {name: getattr(request, name) for name in model.__annotations__}
        for value in data.values():
            if isinstance(value, list):
                value.append("x")
        return reglet.result_success("ok", data)

    op.__annotations__ = {"request": model, "return": reglet.Result}
    plugin.service("s")(type("S", (), {"op": reglet.operation(description="o")(op)}))
    results = [plugin.check(Context(), config.encode()) for _ in range(count)]
    return [each.data if each.error is None else each.error.message for each in results]


@pytest.mark.parametrize("default", [[], {}, set(), bytearray(), [1]])
def test_a_default_that_can_change_is_refused(default: object) -> None:
    """Or all checks of one guest would share it, and each would see what the one before had put in."""
    with pytest.raises(DefinitionError, match="every model would share it"):
        reglet.model(type("In", (), {"__annotations__": {"tags": "list[str]"}, "tags": default}))


def test_a_factory_makes_a_list_for_each_check() -> None:
    """What a handler puts into it is gone in the next."""

    @reglet.model
    class In:
        tags: list[str] = reglet.field(factory=list)

    assert answered(In, "{}", count=3) == [{"tags": ["x"]}] * 3


def test_a_default_of_another_type_is_read_as_a_config_would_be() -> None:
    """A port "80" is the number 80 for the handler and in the schema."""

    @reglet.model
    class In:
        port: int = "80"  # type: ignore[assignment]
        share: float = 1

    assert answered(In, "{}") == [{"port": 80, "share": 1.0}]


@pytest.mark.parametrize(
    ("annotation", "default", "made"),
    [
        (Colour, "red", Colour.RED),
        (Status, 200, Status.OK),
        (int, Status.OK, 200),
        (str, Colour.RED, "red"),
        (timedelta, "1m30s", timedelta(seconds=90)),
        (datetime, "2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (list[str], ("a",), ["a"]),
    ],
)
def test_a_default_may_be_written_as_a_config_would_have_it(
    annotation: Any, default: object, made: object
) -> None:
    """By the value of an enum too, and as Go writes times and durations."""
    model = reglet.model(type("In", (), {"__annotations__": {"x": annotation}, "x": default}))
    assert parse_model(model, {}) == (model(made), [])


class Opaque:
    """What JSON has not."""


@pytest.mark.parametrize(
    ("annotation", "default", "reason"),
    [
        (int, None, "must be an integer; if it may be None, write … | None"),
        (str, b"a", "must be a string, and is of type bytes"),
        (float, Decimal(1), "must be a number, and is of type Decimal"),
        (timedelta, 30, "must be a duration like 1m30s"),
        (list[str], "abc", 'must be a list, not "abc"'),
        (list[str], frozenset("a"), "must be a list, and is of type frozenset"),
        (Inner, Holder({}), "must be an object, and is of type Holder"),
        (list[Inner], ({"x": 1},), "must be a list, and holds something else"),
        (Any, Opaque(), "must be any value that JSON has, and is of type Opaque"),
        (Any, b"a", "must be any value that JSON has, and is of type bytes"),
        (str, print, "must be a string, and is of type builtin_function_or_method"),
    ],
)
def test_a_default_that_no_config_could_give_is_refused_with_the_reason(
    annotation: Any, default: object, reason: str
) -> None:
    """And with the field and the default."""
    model = reglet.model(type("In", (), {"__annotations__": {"x": annotation}, "x": default}))
    with pytest.raises(SchemaError, match=r"type In\.x: its default .* does not fit: ") as caught:
        check_model(model)
    assert reason in str(caught.value)


SHARED: list[str] = []


@pytest.mark.parametrize(
    ("annotation", "factory", "reason"),
    [
        (list[str], lambda: SHARED, "its factory makes one object, which every model would share"),
        (list[str], lambda: ("a",), r"its factory makes \('a',\); let it make \['a'\]"),
        (int, lambda: "80", "its factory makes '80'; let it make 80"),
        (list[str], lambda x: [], "its factory fails: TypeError: "),
        (int, lambda: 1 // 0, "its factory fails: ZeroDivisionError: "),
    ],
)
def test_a_factory_that_makes_something_else_is_refused(annotation: Any, factory: Any, reason: str) -> None:
    """Handlers would get it unchecked."""
    made = reglet.field(factory=factory)
    model = reglet.model(type("In", (), {"__annotations__": {"x": annotation}, "x": made}))
    with pytest.raises(SchemaError, match=f"In.x: {reason}"):
        check_model(model)


@pytest.mark.parametrize("default", [([],), Holder({"a": []})])
def test_what_can_change_within_a_default_is_made_anew(default: object) -> None:
    """However deep it lies, and where anything goes."""
    model = reglet.model(type("In", (), {"__annotations__": {"x": Any}, "x": default}))
    first, second = (parse_model(model, {})[0].x for _ in range(2))
    (first[0] if isinstance(first, list) else first["labels"]["a"]).append("x")
    assert second == ([[]] if isinstance(second, list) else {"labels": {"a": []}})


@pytest.mark.parametrize(
    "name", ["cls", "attrs", "converter", "cl", "typevar_map", "res", "o", "self_", "In"]
)
def test_a_field_may_be_called_as_anything_else_is_called(name: str) -> None:
    """What makes and writes models has names of its own, which are not in the way."""
    model = reglet.model(type("In", (), {"__annotations__": {name: int, "y": int}, name: 1, "y": 2}))
    made, problems = parse_model(model, {name: 5})
    assert (model_to_json(made), problems) == ({name: 5, "y": 2}, [])
    assert parse_model(model, {name: "x"})[1] == [f'must be an integer, not "x" @ $.{name}']


@pytest.mark.parametrize(("annotation", "default"), [(int, "http"), (bool, "yes"), (str, 5), (float, "nan")])
def test_a_default_that_its_field_refuses_is_an_error_of_definition(
    annotation: type, default: object
) -> None:
    """When the operation is defined, and not in the first check."""
    made = reglet.model(type("In", (), {"__annotations__": {"x": annotation}, "x": default}))
    with pytest.raises(RegletError, match="x"):
        answered(made, "{}")


@pytest.mark.parametrize("name", ["self", "class", "None", "_class"])
def test_a_field_whose_name_no_constructor_can_take_is_refused(name: str) -> None:
    """With what to write instead, and no SyntaxError of generated code."""
    with pytest.raises(DefinitionError, match="json_name"):
        reglet.model(type("In", (), {"__annotations__": {name: int}, name: 1}))


def test_null_switches_an_optional_model_off() -> None:
    """Its default is another, and could not be left out otherwise."""

    @reglet.model
    class In:
        inner: Inner | None = Inner()

    assert answered(In, '{"inner": null}') == [{"inner": None}]
    assert answered(In, "{}") == [{"inner": {"x": 1}}]


@pytest.mark.parametrize(
    "config", ['{"x": 1, "x": 2}', '{"a": {"x": 1, "x": 2}}', '{"a": [{"b": {"x": 1, "x": 2}}]}']
)
def test_a_key_that_is_there_twice_is_warned_of_at_every_depth(
    config: str, caplog: pytest.LogCaptureFixture
) -> None:
    """JSON takes the last one; a person may have meant the first."""

    @reglet.model
    class In:
        x: int = 0
        a: Any = None

    with caplog.at_level(logging.WARNING):
        answered(In, config)
    assert "the key x 2 times" in caplog.text
    where = " in $.a[0].b;" if "[" in config else " in $.a;" if "a" in config else ";"
    assert f"2 times{where}" in caplog.text


@pytest.mark.parametrize(
    ("config", "warning"),
    [
        ('{"inners": [{"x": 1}, {"y": 1}]}', "no field 'y' in $.inners[1] of its config; there are 'x'"),
        (
            '{"by_name": {"a b": {"X": 1}}}',
            "no field 'X' in $.by_name[\"a b\"] of its config; did you mean 'x'?",
        ),
        ('{"inner": {"": 1}}', "no field '' in $.inner of its config; there are 'x'"),
        ('{"apiKey": "k"}', "no field 'apiKey' in its config; did you mean 'api-key'?"),
        ('{"api_key": "k"}', "no field 'api_key' in its config; did you mean 'api-key'?"),
        ('{"$schema": "s"}', "no field '$schema' in its config; there are 'inners', "),
    ],
)
def test_an_unknown_field_is_logged_at_every_depth(
    config: str, warning: str, caplog: pytest.LogCaptureFixture
) -> None:
    """On every host, once, with its path and the nearest name; the check goes on without it."""

    @reglet.model
    class In:
        inners: list[Inner] = reglet.field(factory=list)
        by_name: dict[str, Inner] = reglet.field(factory=dict)
        inner: Inner | None = None
        key: str = reglet.field(default="", json_name="api-key")
        free: dict[str, Any] = reglet.field(factory=dict)

    known = '{"service": "s", "operation": "op", "inner": {"x": 2}, "free": {"any": {"thing": 1}}}'
    with caplog.at_level(logging.WARNING):
        answered(In, known)
        assert caplog.messages == []
        answered(In, config)
    [message] = caplog.messages
    assert message.startswith(f"the plugin has {warning}")


FORMATS = {
    "date": (["2024-02-29", "0000-01-01"], ["20240229", "2024-W09-4", "2023-02-29", "2024-2-29"]),
    "time": (
        ["12:00:00Z", "23:59:60Z", "12:00:00.5+01:00"],
        ["12", "12:00", "12:00:00", "24:00:00Z", "12:00:60Z"],
    ),
    "date-time": (
        ["2024-02-29T12:00:00Z", "2024-02-29t12:00:00z"],
        ["2024-02-29", "20240229T120000Z", "2024-02-29 12:00"],
    ),
    "uri": (
        ["http://[::1]/", "urn:a:b", "http://h/a%20b"],
        ["http://[::1", "http://h/a b", "//h/", "http://[h]/", ":x"],
    ),
}


@pytest.mark.parametrize("format_", FORMATS)
def test_a_format_is_what_its_standard_says(format_: str) -> None:
    """RFC 3339 and RFC 3986, not all of what Python's parsers take."""

    @reglet.model
    class In:
        value: str = reglet.field(format=format_)

    good, bad = FORMATS[format_]
    assert [answered(In, json.dumps({"value": each})) for each in good] == [
        [{"value": each}] for each in good
    ]
    assert all("be of format" in answered(In, json.dumps({"value": each}))[0] for each in bad)
