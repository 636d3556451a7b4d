"""Fuzzing from models."""

from enum import Enum
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reglet.application.models.decorators import field, model
from reglet.application.models.from_json import parse_model
from reglet.application.operations import operation
from reglet.application.plugin import define_plugin
from reglet.domain.context import Context
from reglet.testing import strategies
from reglet.testing.strategies import assert_never_traps
from tests.testing.plugins import OK, fetching


class Colour(Enum):
    """A few."""

    RED = "red"
    BLUE = "blue"


@model
class Inner:
    """A model in a model."""

    n: int = field(gt=0, lt=4)


@model
class Wide:
    """A field of every kind."""

    name: str = field(min_length=2, max_length=5)
    code: str = field(pattern="^[A-Z]{2}[0-9]+$")
    mail: str = field(format="email")
    count: int = field(ge=1, le=3)
    share: float = field(gt=0, le=1)
    colour: Colour
    mode: Literal["a", "b"]
    inner: Inner
    many: list[Inner] = field(min_length=1, max_length=2)
    table: dict[str, int]
    maybe: str | None = None
    flag: bool = False


@model
class Nothing:
    """An output."""

    ok: bool


def plugin_with(handler):
    """Return a plugin whose only operation is `handler`."""
    plugin = define_plugin(name="wide", version="1.0.0", description="Many kinds")

    @plugin.service("s")
    class Service:
        run = operation()(handler)

    return plugin


def fine(self, ctx: Context, request: Wide) -> Nothing:
    """Answer."""
    return Nothing(ok=True)


@settings(max_examples=20, deadline=None, database=None)
@given(st.data())
def test_inputs_fit_their_model(data):
    """Every config that is made from a model is one that the model accepts."""
    [made] = plugin_with(fine).operations
    given_input = data.draw(strategies.inputs(made))
    assert parse_model(Wide, given_input)[1] == []


@given(st.data())
def test_inputs_come_from_a_method_too(data):
    """An author has the class of the service at hand, not the operation that the plugin made of it."""

    class Service:
        def run(self, ctx: Context, request: Inner) -> Nothing: ...

        def nothing(self) -> Nothing: ...

    for method in (Service.run, Service().run):
        assert 0 < data.draw(strategies.inputs(method))["n"] < 4
    assert data.draw(strategies.inputs(Service.nothing)) == {}


@settings(max_examples=18, deadline=None, database=None)
@given(
    st.sampled_from(["date", "date-time", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid"]),
    st.data(),
)
def test_formatted_texts_fit_their_format(name, data):
    """Every format that models know has texts."""

    @model
    class Formatted:
        """One field."""

        text: str = field(format=name)

    def run(self, request: "Formatted") -> Nothing:
        return Nothing(ok=True)

    run.__annotations__ = {"request": Formatted, "return": Nothing}
    [made] = plugin_with(run).operations
    assert parse_model(Formatted, data.draw(strategies.inputs(made)))[1] == []


def test_a_plugin_without_bugs_never_traps():
    """Whatever it is given, it answers."""
    assert_never_traps(plugin_with(fine), max_examples=5)


def test_a_bug_is_found_with_the_smallest_config():
    """The config that shows it, and the traceback, are in the message."""

    def broken(self, request: Inner) -> Nothing:
        return Nothing(ok=bool(10 // (request.n - 2)))

    with pytest.raises(AssertionError, match="the plugin has a bug") as caught:
        assert_never_traps(plugin_with(broken), max_examples=20)
    assert "ZeroDivisionError" in str(caught.value)
    assert '"n": 2' in str(caught.value)


def test_a_host_that_fails_shows_bugs_too():
    """A body that is no UTF-8 is more than this plugin can take."""
    with pytest.raises(AssertionError, match="UnicodeDecodeError"):
        assert_never_traps(fetching(OK), max_examples=1000)


def test_a_plugin_without_models_cannot_be_fuzzed():
    """The error says what can."""

    class Own:
        """Neither defined nor modelled."""

    with pytest.raises(TypeError, match="Own has no models"):
        assert_never_traps(Own())
