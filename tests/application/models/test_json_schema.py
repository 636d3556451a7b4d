"""From models to JSON Schema."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import Annotated, Any, Literal

import attrs
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

import reglet
from reglet.application.models.json_schema import input_schema, output_schema
from reglet.application.models.to_json import model_to_json
from reglet.errors import DefinitionError, SchemaError


class Colour(Enum):
    """Colours."""

    RED = "red"


@reglet.model
class Inner:
    """A nested model."""

    x: int = reglet.field(ge=1, le=9)
    y: str | None = None


@reglet.model
class Outer:
    """One field of each kind."""

    text: str = reglet.field(
        title="T",
        description="long, with commas",
        min_length=1,
        max_length=10,
        pattern=r"^\d+[\w.-]$",
        format="hostname",
        examples=["1x"],
        deprecated=True,
    )
    inner: Inner
    share: Annotated[float, reglet.Gt(0), reglet.Lt(1.5)]
    flag: bool = True
    choice: Literal["a", "b"] = "a"
    level: Literal[1, 2] = 1
    colour: Colour = Colour.RED
    items: list[Inner] = reglet.field(factory=list, max_length=3)
    table: dict[str, int] = reglet.field(factory=dict)
    free: dict[str, Any] = reglet.field(factory=dict)
    anything: Any = None
    since: datetime | None = None
    wait: timedelta = timedelta(minutes=1, seconds=30)
    token: str = reglet.field(default="hunter2", secret=True, examples=["s3cret"])
    odd: str = reglet.field(default="", json_name="odd-name")


INNER = {
    "properties": {"x": {"type": "integer", "maximum": 9, "minimum": 1}, "y": {"type": "string"}},
    "additionalProperties": False,
    "type": "object",
    "required": ["x"],
}


def test_every_kind_has_its_schema_in_declared_order():
    """Marks, defaults and nested models stand in place, and nothing secret does."""
    schema = input_schema(Outer)
    assert list(schema) == ["$schema", "properties", "additionalProperties", "type", "required"]
    assert schema["required"] == ["text", "inner", "share"]
    properties = schema["properties"]
    assert list(properties["text"].items()) == [
        ("type", "string"),
        ("maxLength", 10),
        ("minLength", 1),
        ("pattern", "^[0-9]+[0-9A-Za-z_.-]$"),
        ("format", "hostname"),
        ("title", "T"),
        ("description", "long, with commas"),
        ("deprecated", True),
        ("examples", ["1x"]),
    ]
    del properties["text"]
    pattern = properties["wait"].pop("pattern")
    assert pattern.startswith("^")
    assert properties == {
        "inner": INNER,
        "share": {"type": "number", "exclusiveMaximum": 1.5, "exclusiveMinimum": 0},
        "flag": {"type": "boolean", "default": True},
        "choice": {"type": "string", "enum": ["a", "b"], "default": "a"},
        "level": {"type": "integer", "enum": [1, 2], "default": 1},
        "colour": {"type": "string", "enum": ["red"], "default": "red"},
        "items": {"items": INNER, "type": "array", "maxItems": 3, "default": []},
        "table": {"additionalProperties": {"type": "integer"}, "type": "object", "default": {}},
        "free": {"type": "object", "default": {}},
        "anything": {},
        "since": {"type": "string", "format": "date-time"},
        "wait": {"type": "string", "default": "1m30s"},
        "token": {"type": "string", "writeOnly": True},
        "odd-name": {"type": "string", "default": ""},
    }


def test_an_output_requires_what_has_no_default():
    """As Go's `omitempty` has it; examples leave out what is left at its default, and must fit too."""
    assert output_schema(Inner)["required"] == ["x"]
    schema = output_schema(Outer)
    assert "default" not in str(schema)
    assert schema["required"] == ["text", "inner", "share"]
    assert "wait" in schema["properties"]


@reglet.model
class Maybe:
    """What may be None."""

    days: int | None = reglet.field(default=None, description="d", ge=-9)
    colour: Literal["red"] | None = None
    inner: Inner | None = None


def test_an_output_that_may_be_null_has_no_type():
    """A list of types breaks hosts that read one; null fits what is left, and a wrong value does not."""
    properties = output_schema(Maybe)["properties"]
    assert properties["days"] == {"minimum": -9, "description": "d"}
    assert properties["colour"] == {"enum": ["red", None]}
    assert "type" not in properties["inner"]
    assert input_schema(Maybe)["properties"]["days"]["type"] == "integer"
    validator = Draft202012Validator(output_schema(Maybe))
    assert validator.is_valid(model_to_json(Maybe()))
    assert validator.is_valid(model_to_json(Maybe(1, "red", Inner(x=1))))
    assert not validator.is_valid({"days": -10})
    assert not validator.is_valid({"inner": {"x": "no"}})


def test_two_schemas_of_one_model_share_nothing():
    """Whoever changes one leaves the other alone."""
    one = input_schema(Outer)
    one["properties"].clear()
    assert input_schema(Outer)["properties"]


def _model(annotation: Any, **body: Any) -> type[Any]:
    return reglet.model(
        type("Made", (), {"__annotations__": {"x": annotation}, "__module__": __name__, **body})
    )


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        (int | str, "it is a union"),
        (list, "write list[X]"),
        (tuple[int, str], "write tuple[X, ...]"),
        (dict[int, str], "must be str"),
        (
            list[int | None],
            "may be None; hosts read values of one type: write int, and leave out what is None",
        ),
        (bytes, "bytes has no JSON Schema here"),
        (set[int], "has no JSON Schema here"),
        (Literal["a", 1], "not all strings or all integers"),
        (Annotated[int, reglet.Pattern("a")], "pattern cannot be said of int"),
        (Annotated[str, reglet.Ge(1)], "ge cannot be said of str"),
        (Annotated[str, reglet.Pattern("(?i)a")], "do not all read"),
        (Annotated[str, reglet.Pattern("[")], "do not all read"),
        (Annotated[str, reglet.Format("phone")], "there are date"),
        (Annotated[int, reglet.Ge(1), reglet.Ge(2)], "ge is given twice: 1 and 2"),
        (list[Annotated[str, reglet.Description("x")]], "description belongs to the field"),
    ],
)
def test_what_no_host_can_read_is_refused_with_the_way_out(annotation, reason):
    """The error names the field and says how to write it."""
    with pytest.raises(SchemaError, match=r"Made\.x") as caught:
        input_schema(_model(annotation))
    assert reason in str(caught.value)


def test_a_model_that_contains_itself_is_refused():
    """A flat schema cannot say it."""
    with pytest.raises(SchemaError, match="contains itself"):
        input_schema(Tree)
    with pytest.raises(SchemaError, match="contains itself"):
        input_schema(Tree)


@reglet.model
class Tree:
    """A model with others of its kind inside."""

    kids: list[Tree] = reglet.field(factory=list)


@pytest.mark.parametrize(
    ("annotation", "default"), [(int, "x"), (Annotated[int, reglet.Le(3)], 5), (Colour, "green"), (str, None)]
)
def test_a_default_that_does_not_fit_is_refused(annotation, default):
    """It would reach handlers unchecked."""
    with pytest.raises(SchemaError, match=r"Made\.x: its default .* does not fit"):
        input_schema(_model(annotation, x=default))


@pytest.mark.parametrize(
    ("annotation", "given", "reason"),
    [
        (int, {"examples": ["x"]}, "its example 'x' does not fit: must be an integer"),
        (Colour, {"examples": ["green"]}, "its example 'green' does not fit: must be one of"),
        (list[datetime], {"examples": [["soon"]]}, r'must be a timestamp like .*, not "soon" @ \$\[0\]'),
        (datetime, {"examples": [["soon"]]}, "must be a timestamp like .*, not a list"),
        (str, {"examples": "abc"}, r"write examples=\['abc'\]"),
        (str, {"examples": ["hunter2"], "max_length": 3, "secret": True}, r"its example \*\*\* does not fit"),
        (str, {"min_length": -1}, "leave no room"),
        (list[int], {"min_length": 3, "max_length": 2}, "leave no room"),
        (int, {"ge": 5, "le": 4}, "nothing lies between 5 and 4"),
        (int, {"gt": 5, "le": 5}, "nothing lies between 5 and 5"),
        (float, {"ge": float("inf")}, "is not finite"),
    ],
)
def test_marks_that_cannot_be_meant_are_refused(annotation, given, reason):
    """At import; no config could ever fit."""
    with pytest.raises(SchemaError, match=reason):
        input_schema(_model(annotation, x=reglet.field(**given)))


def test_a_field_may_have_one_value_only():
    """Bounds that meet leave it."""
    assert input_schema(_model(int, x=reglet.field(ge=5, le=5)))["properties"]["x"]["maximum"] == 5


@pytest.mark.parametrize(
    ("default", "reason"),
    [
        (attrs.field(init=False, default=1), "init=False"),
        (attrs.Factory(lambda self: 1, takes_self=True), "depends on other fields"),
    ],
)
def test_fields_that_no_config_could_give_are_refused(default, reason):
    """A schema cannot say them."""
    with pytest.raises(SchemaError, match=reason):
        input_schema(_model(int, x=default))


def test_two_fields_of_one_name_in_json_are_refused():
    """Only one of them could ever be read."""

    @reglet.model
    class Twice:
        a: str
        b: str = reglet.field(json_name="a")

    with pytest.raises(SchemaError, match="two fields are called"):
        input_schema(Twice)


def test_a_model_whose_annotations_cannot_be_resolved_says_so():
    """A name local to a function is the usual reason."""

    class Local:
        """Nobody outside knows it."""

    @reglet.model
    class Lost:
        x: Local

    with pytest.raises(
        DefinitionError, match="'Local' cannot be resolved; define or import that name at the"
    ):
        input_schema(Lost)


def test_a_class_without_the_decorator_is_no_model():
    """Nor is a bare subclass of a model."""

    class Bare(Inner):
        pass

    for candidate in (Bare, int, "x"):
        with pytest.raises(DefinitionError, match="decorate the class with @reglet"):
            input_schema(candidate)


def test_a_model_inherits_fields():
    """Those of the base come first."""

    @reglet.model
    class More(Inner):
        z: int = 0

    assert list(input_schema(More)["properties"]) == ["x", "y", "z"]
