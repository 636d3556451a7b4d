"""Configs and models: defaults, names of fields, values that are not what they look like."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

import reglet
from reglet import Context
from reglet.errors import DefinitionError, RegletError


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
