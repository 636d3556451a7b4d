"""The config schema of plugins with several operations, or with a config model."""

from __future__ import annotations

from typing import Any, Literal

import pytest

import reglet
from reglet import Context
from reglet.errors import DefinitionError
from tests.application.plugins import several


def _model(**fields: Any) -> type[Any]:
    """Return a model; a field is its type, or its type and what `field` takes."""
    annotations = {name: given[0] if isinstance(given, tuple) else given for name, given in fields.items()}
    body = {name: reglet.field(**given[1]) for name, given in fields.items() if isinstance(given, tuple)}
    return reglet.model(type("Made", (), {"__annotations__": annotations, "__module__": __name__, **body}))


def _plugin(*inputs: type[Any] | None, config: type[Any] | None = None) -> Any:
    plugin = reglet.define_plugin(name="p", description="d", config=config)
    body: dict[str, Any] = {}
    for place, model in enumerate(inputs):
        body[f"op{place}"] = reglet.operation()(_handler(model))
    plugin.service("s")(type("Service", (), body))
    return plugin


def _handler(model: type[Any] | None) -> Any:
    def bare(self: Any) -> reglet.Result:
        return reglet.result_success("x")

    def taking(self: Any, request: Any) -> reglet.Result:
        return reglet.result_success("x")

    if model is None:
        return bare
    taking.__annotations__ = {"request": model, "return": reglet.Result}
    return taking


def _properties(*inputs: type[Any] | None, config: type[Any] | None = None) -> dict[str, Any]:
    schema = _plugin(*inputs, config=config).config_schema()
    return {name: each for name, each in schema["properties"].items() if name not in ("service", "operation")}


def test_service_and_operation_are_properties_where_there_is_a_choice():
    """With the names there are, before the fields; a single operation has none."""
    properties = several.config_schema()["properties"]
    assert list(properties) == ["service", "operation", "url", "expected_status", "prefix"]
    assert properties["service"]["enum"] == ["web", "status"]
    assert properties["operation"]["enum"] == ["check", "list", "ping"]
    assert list(_plugin(_model(x=int)).config_schema()["properties"]) == ["x"]


def test_a_field_is_required_if_every_operation_requires_it():
    """An operation that does not know it does not."""
    both = _plugin(_model(x=int, y=int), _model(x=int, y=(int, {"default": 1}))).config_schema()
    assert both["required"] == ["x"]
    assert "required" not in _plugin(_model(x=int), None).config_schema()


def test_a_default_that_one_operation_does_not_have_is_left_out():
    """It would be wrong there."""
    assert _properties(_model(x=int), _model(x=(int, {"default": 1}))) == {"x": {"type": "integer"}}


def test_bounds_that_differ_are_left_to_the_operations():
    """And those that are equal stay."""
    narrow = _model(x=(int, {"ge": 1, "le": 5, "description": "the first"}), y=(str, {"pattern": "^a"}))
    wide = _model(x=(int, {"ge": 1, "le": 9}), y=(str, {"pattern": "^a"}))
    assert _properties(narrow, wide) == {
        "x": {"type": "integer", "description": "the first"},
        "y": {"type": "string", "pattern": "^a"},
    }
    assert _plugin(narrow, wide).check(Context(), b'{"operation": "op0", "x": 7, "y": "a"}').message == (
        "must be at most 5, not 7 @ $.x"
    )


def test_bounds_deep_inside_are_compared_too():
    """Items, values and nested fields."""
    one, other = _model(x=(int, {"ge": 1})), _model(x=(int, {"ge": 2}))
    assert _properties(
        _model(a=one, b=list[one], c=dict[str, one]), _model(a=other, b=list[other], c=dict[str, other])
    ) == {
        "a": _wide(),
        "b": {"items": _wide(), "type": "array"},
        "c": {"additionalProperties": _wide(), "type": "object"},
    }


def _wide() -> dict[str, Any]:
    return {
        "properties": {"x": {"type": "integer"}},
        "additionalProperties": False,
        "type": "object",
        "required": ["x"],
    }


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ((int, {}), (str, {}), 'field "x" has one type in s.op0 and another in s.op1'),
        ((Literal["a"], {}), (Literal["b"], {}), "has one type in s.op0 and another in s.op1"),
        ((int, {"default": 1}), (int, {"default": 2}), "has the default 1 in s.op0 and 2 in s.op1"),
    ],
)
def test_operations_that_disagree_about_a_field_are_refused(one, other, reason):
    """The error names both."""
    with pytest.raises(DefinitionError, match=reason):
        _plugin(_model(x=one), _model(x=other))


def test_a_config_model_is_the_schema():
    """Its own bounds and descriptions stand; service and operation come to it where there is a choice."""
    config = _model(x=(int, {"ge": 1}), extra=(str, {"default": ""}))
    assert _properties(_model(x=int), config=config) == {
        "x": {"type": "integer", "minimum": 1},
        "extra": {"type": "string", "default": ""},
    }
    assert "operation" in _plugin(_model(x=int), None, config=config).config_schema()["properties"]


@pytest.mark.parametrize(
    ("config", "wanted", "reason"),
    [
        ({"y": int}, {"x": int}, 'field "x" of s.op0 is not in the config model Made'),
        ({"x": str}, {"x": int}, 'field "x" of s.op0 has another type in the config model Made'),
        ({"x": (int, {"default": 1})}, {"x": int}, "another default in the config model Made"),
        ({"x": int}, {"x": (int, {"default": 1})}, "another default in the config model Made"),
        ({"x": (int, {"default": 1})}, {"x": (int, {"default": 2})}, "another default"),
    ],
)
def test_a_config_model_that_disagrees_with_an_input_is_refused(config, wanted, reason):
    """Hosts check configs against the one and the operation reads the other."""
    with pytest.raises(DefinitionError, match=reason):
        _plugin(_model(**wanted), config=_model(**config))


def test_a_field_is_secret_in_both_or_in_none():
    """Else one of the two would show it."""
    secret, plain = _model(x=(str, {"secret": True})), _model(x=str)
    for config, wanted in ((secret, plain), (plain, secret)):
        with pytest.raises(DefinitionError, match="secret in one and not in the config model"):
            _plugin(wanted, config=config)


def test_a_config_model_may_leave_to_an_operation_what_it_requires():
    """So that operations may require different things."""
    config = _model(x=(int | None, {"default": None}))
    plugin = _plugin(_model(x=int), None, config=config)
    assert plugin.check(Context(), b'{"operation": "op0"}').message == ("is required: an integer @ $.x")
    assert plugin.check(Context(), b'{"operation": "op1"}').is_success
