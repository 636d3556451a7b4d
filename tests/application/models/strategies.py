"""Models of every kind, for property tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal

from hypothesis import strategies as st

import reglet


class Colour(Enum):
    """A text of a few."""

    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    """An integer of a few."""

    LOW = 1
    HIGH = 5


@reglet.model
class Inner:
    """A nested model."""

    name: str
    port: Annotated[int, reglet.Ge(1), reglet.Le(65535)] = 443
    note: str | None = None


_SCALARS: list[Any] = [
    str,
    int,
    float,
    bool,
    datetime,
    timedelta,
    Colour,
    Level,
    Inner,
    Literal["a", "b"],
    Literal[1, 2],
    Annotated[str, reglet.MinLength(2), reglet.MaxLength(5)],
    Annotated[str, reglet.Pattern(r"^[a-z]{1,3}(-\d+)?$")],
    Annotated[int, reglet.Gt(-3), reglet.Lt(9)],
    Annotated[float, reglet.Ge(0), reglet.Le(1.5)],
]
_ANNOTATIONS: list[Any] = [
    *_SCALARS,
    *(list[each] for each in _SCALARS),
    *(dict[str, each] for each in _SCALARS),
    tuple[int, ...],
    list[list[str]],
    dict[str, list[Inner]],
    Annotated[list[str], reglet.MinLength(1), reglet.MaxLength(2)],
    Annotated[dict[str, int], reglet.MaxLength(2)],
    dict,
    Any,
]


@st.composite
def models(draw: st.DrawFn) -> type[Any]:
    """Return a model of one to five fields, required ones first."""
    required = draw(st.lists(st.sampled_from(_ANNOTATIONS), max_size=3))
    optional = draw(st.lists(st.sampled_from(_ANNOTATIONS), max_size=3))
    body: dict[str, Any] = {"__annotations__": {}, "__module__": __name__}
    for place, annotation in enumerate(required):
        body["__annotations__"][f"required_{place}"] = annotation
    for place, annotation in enumerate(optional):
        name = f"optional_{place}"
        body["__annotations__"][name] = annotation | None if annotation is not Any else Any
        body[name] = None
    return reglet.model(type("Drawn", (), body))


def any_json() -> st.SearchStrategy[Any]:
    """Return JSON values of every kind."""
    scalars = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text()
        | st.sampled_from(["443", "1e3", "-7.0", "red", "a", "1m30s", "2026-01-31T12:00:00Z", 1, 5, 200.0])
    )
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=6,
    )
