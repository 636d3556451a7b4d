"""`@model` and `field`."""

from __future__ import annotations

import dataclasses
import types
from enum import Enum
from typing import Annotated, Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

import attrs
import pytest

import reglet
from reglet.application.models.from_json import parse_model
from reglet.application.models.model_types import model_type
from reglet.errors import DefinitionError


@reglet.model
class Login:
    """A model with a secret."""

    user: str
    token: str = reglet.field(secret=True)
    pin: Annotated[int, reglet.Secret()] = 0


def test_a_model_is_made_by_position_and_by_name():
    """As a dataclass is."""
    assert Login("u", "t") == Login(user="u", token="t", pin=0)


def test_a_model_is_immutable():
    """A handler cannot change what others see."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Login("u", "t").user = "v"  # type: ignore[misc]


def test_a_repr_shows_everything_but_secrets():
    """Those marked by field and those marked by annotation."""
    assert repr(Login("u", "hunter2", 1234)) == "Login(user='u', token='***', pin='***')"


def test_a_repr_hides_secrets_even_where_annotations_cannot_be_read():
    """A repr is not the place to fail."""

    class Local:
        pass

    @reglet.model
    class Lost:
        x: Local | None = None
        token: str = reglet.field(default="hunter2", secret=True)
        pin: Annotated[str, reglet.Secret()] = "hunter3"

    assert "hunter" not in repr(Lost())


def test_an_own_repr_is_kept():
    """Who writes one means it."""

    @reglet.model
    class Own:
        x: int = 1

        def __repr__(self) -> str:
            return "own"

    assert repr(Own()) == "own"


def test_methods_and_class_variables_are_left_alone():
    """A model may know things."""

    @reglet.model
    class Knowing:
        x: int = 2

        @property
        def double(self) -> int:
            return self.x * 2

    assert Knowing().double == 4


def test_default_and_factory_exclude_each_other():
    """One of them would be ignored."""
    with pytest.raises(DefinitionError, match="one of the two"):
        reglet.field(default=1, factory=int)  # type: ignore[call-overload]


@pytest.mark.parametrize("default", [[1], {"a": 1}])
def test_a_default_that_can_change_is_refused(default):
    """Every model would share it."""
    with pytest.raises(DefinitionError, match=r"factory=lambda"):
        reglet.field(default=default)


def test_a_required_field_after_one_with_a_default_is_refused():
    """Python's own rule, told by the model's name."""
    with pytest.raises(DefinitionError, match="model Wrong"):

        @reglet.model
        class Wrong:
            x: int = 1
            y: int


def test_a_field_without_an_annotation_is_refused():
    """It would have no type."""
    with pytest.raises(DefinitionError, match="model Wrong"):

        @reglet.model
        class Wrong:
            x = reglet.field(default=1)


def _refusal(**body: Any) -> str:
    """Return why a model with this class body is refused."""
    with pytest.raises(DefinitionError) as caught:
        reglet.model(type("Wrong", (), {"__module__": __name__, **body}))
    return str(caught.value)


def test_a_plain_default_that_can_change_is_refused():
    """As in `field(default=[])`."""
    refusal = _refusal(__annotations__={"tags": list[str]}, tags=[])
    assert refusal == (
        "model Wrong: field tags = []: every model would share it; write reglet.field(factory=list)"
    )


@pytest.mark.parametrize(
    ("option", "fix"),
    [
        ("minimum", "write ge"),
        ("maxItems", "write max_length"),
        ("regex", "write pattern"),
        ("defualt", 'did you mean "default"?'),
        ("colour", "there are description, title, ge"),
    ],
)
def test_an_option_that_does_not_exist_is_refused_with_the_one_that_is_meant(option, fix):
    """The error names the field, the option and its value."""
    refusal = _refusal(__annotations__={"port": int}, port=reglet.field(**{option: 10}))
    assert refusal.startswith(f"model Wrong: field port: there is no {option}=10; ")
    assert fix in refusal


def test_a_required_field_after_one_with_a_default_is_refused_with_both_names():
    """Moving one is the fix."""
    refusal = _refusal(__annotations__={"x": int, "y": int}, x=1)
    assert refusal == (
        "model Wrong: field y has no default and follows x, which has one; "
        "move y before it, or give it a default"
    )


@pytest.mark.parametrize("value", [1, "x", None, [1], 1.5, (1, 2)])
def test_data_without_an_annotation_is_refused(value):
    """It would be dropped in silence."""
    refusal = _refusal(__annotations__={}, retries=value)
    assert refusal.startswith(f"model Wrong: retries = {value!r} has no annotation; write retries: ")


def test_what_is_no_data_needs_no_annotation():
    """Methods, nested classes, private names and class variables stay."""

    @reglet.model
    class Right:
        x: int = 1
        LIMIT: ClassVar[int] = 3
        _cache = 5

        class Inner:
            pass

        @staticmethod
        def helper() -> int:
            return 1

        @property
        def double(self) -> int:
            return self.x * self.LIMIT

    assert Right().double == 3


def test_fields_of_a_base_that_is_no_model_are_refused():
    """They would be dropped in silence."""

    class Base:
        host: str
        KIND: ClassVar[str] = "x"

    with pytest.raises(
        DefinitionError, match="its base Base has the fields host and is no model; decorate Base"
    ):

        @reglet.model
        class Wrong(Base):
            port: int = 1


@pytest.mark.parametrize("name", ["self", "_self", "_class", "NOTHING"])
def test_a_field_that_no_constructor_could_take_is_refused(name):
    """`json_name` is the way out."""
    refusal = _refusal(__annotations__={name: int}, **{name: 1})
    assert f"field {name}: a constructor can have no argument" in refusal
    assert f'json_name="{name}"' in refusal


@pytest.mark.parametrize("name", ["__x", "__init__", "__slots_", "_Wrong__x"])
def test_a_field_whose_name_is_pythons_own_is_refused(name):
    """Python spells the former anew and calls the latter."""
    refusal = _refusal(__annotations__={name: int}, **{name: 1})
    assert "a name that begins with two underscores is Python's own or the class's" in refusal
    assert f'json_name="{name.removeprefix("_Wrong")}"' in refusal


@pytest.mark.parametrize(
    ("bases", "kind"),
    [
        ((NamedTuple("Pair", [("a", int)]),), "a NamedTuple"),
        ((Enum,), "an Enum"),
        ((Protocol,), "a Protocol"),
        ((Generic[TypeVar("T")],), "generic"),
    ],
)
def test_what_is_another_kind_of_record_is_no_model(bases, kind):
    """When it is defined, and not in the first check."""
    made = types.new_class("Other", bases)
    with pytest.raises(DefinitionError, match=f"model Other: it is {kind}"):
        reglet.model(made)


def test_a_model_is_made_once_and_of_no_dataclass():
    """Whichever decorator stands above the other."""

    class Plain:
        a: int = 1

    made = reglet.model(Plain)
    with pytest.raises(DefinitionError, match="it is a model already"):
        reglet.model(made)
    with pytest.raises(DefinitionError, match="leave @dataclass out"):
        model_type(dataclasses.dataclass(made))
    with pytest.raises(DefinitionError, match="it is a dataclass"):
        reglet.model(dataclasses.dataclass(Plain))


def test_a_field_of_another_librarys_is_refused():
    """Its default would be that object."""
    assert "write reglet.field(…), not that of dataclasses" in _refusal(
        __annotations__={"x": int}, x=dataclasses.field(default=3)
    )
    with pytest.raises(DefinitionError, match="field\\(factory=5\\): write default=5"):
        reglet.field(factory=5)


def test_a_field_by_keyword_alone_may_have_a_default_before_others():
    """It is no positional argument."""

    @reglet.model
    class Mixed:
        b: str = attrs.field(default="q", kw_only=True)
        a: int

    assert Mixed(1).b == "q"


def test_two_fields_of_one_argument_are_refused():
    """A leading underscore is no part of an argument."""
    assert "would be one argument, 'x'" in _refusal(__annotations__={"x": int, "_x": int})


def test_limits_may_be_given_as_one_meta():
    """In `Annotated`, as in `field`."""

    @reglet.model
    class Limited:
        port: Annotated[int, reglet.Meta(ge=1, le=65535, description="d")]

    assert reglet.Meta(ge=1) == reglet.Ge(1)
    assert repr(reglet.Meta(ge=0, secret=True)) == "Meta(ge=0, secret=True)"
    assert parse_model(Limited, {"port": 0})[1] == ["must be at least 1, not 0 @ $.port"]
