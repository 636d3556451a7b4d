"""Handlers that forget something: a bug is reported, and no verdict is made of it."""

from __future__ import annotations

import pytest

import reglet
from reglet import Context, Result
from reglet.errors import DefinitionError


@reglet.model
class In:
    """An input."""

    a: str = ""


@reglet.model
class Out:
    """An output."""

    b: str


def answered(service: type) -> Result:
    """Return what a plugin of one service answers to an empty config."""
    plugin = reglet.define_plugin(name="p", version="1.0.0", description="d")
    plugin.service("s")(service)
    return plugin.check(Context(), b"{}")


def test_a_forgotten_return_is_refused_where_it_can_be_seen() -> None:
    """A handler whose body is `pass` answers nothing."""

    class Service:
        @reglet.operation()
        def op(self, request: In) -> Out:  # type: ignore[empty-body]
            pass

    with pytest.raises(DefinitionError, match="returns nothing"):
        answered(Service)


def test_a_forgotten_return_is_an_error_where_it_runs() -> None:
    """Not success without data."""

    class Service:
        @reglet.operation()
        def op(self, request: In) -> Out:
            if request.a:
                return Out("b")
            return None  # type: ignore[return-value]

    result = answered(Service)
    assert result.error is not None
    assert result.error.type == "panic"
    assert "is a return missing?" in result.error.message


def test_a_forgotten_self_is_refused() -> None:
    """The request would be the service."""

    class Service:
        @reglet.operation()  # type: ignore[arg-type]
        def op(request: In) -> Out:  # type: ignore[misc]  # noqa: N805
            return Out("b")

    with pytest.raises(DefinitionError, match="has no self"):
        answered(Service)


def test_an_output_of_wrong_types_is_an_error() -> None:
    """A number in a field of strings would reach profiles as one."""

    class Service:
        @reglet.operation()
        def op(self, request: In) -> Out:
            return Out(5)  # type: ignore[arg-type]

    result = answered(Service)
    assert result.error is not None
    assert result.error.message == "operation s.op returned Out whose field b is int, not str"
