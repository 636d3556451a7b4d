"""`@model` and `field`."""

from __future__ import annotations

from typing import Annotated

import attrs
import pytest

import reglet
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
