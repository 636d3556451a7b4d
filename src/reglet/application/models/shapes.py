"""What a value looks like in JSON: the shapes that annotations are read into, and all else is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from reglet.application.models.marks import Bound, Marks

ABSENT: Any = object()
"""Stands for a value that is not there, where None is one."""


class Text(NamedTuple):
    """A string."""

    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    format: str | None = None


class Integer(NamedTuple):
    """A number without a fraction."""

    ge: Bound | None = None
    le: Bound | None = None
    gt: Bound | None = None
    lt: Bound | None = None


class Number(NamedTuple):
    """A number, a double in Python."""

    ge: Bound | None = None
    le: Bound | None = None
    gt: Bound | None = None
    lt: Bound | None = None


class Boolean(NamedTuple):
    """True or false."""


class Choice(NamedTuple):
    """One of several texts, or one of several integers; `members` gives what each is in Python."""

    members: Mapping[Any, Any]

    @property
    def is_text(self) -> bool:
        """Whether the values are texts."""
        return all(isinstance(value, str) for value in self.members)


class Moment(NamedTuple):
    """A `datetime`, RFC 3339 in JSON."""


class Duration(NamedTuple):
    """A `timedelta`, in JSON a text as Go writes durations: `1m30s`."""


class Listing(NamedTuple):
    """A list of values of one shape; `container` makes the Python value."""

    item: Shape
    container: Callable[[list[Any]], Any] = list
    min_length: int | None = None
    max_length: int | None = None


class Table(NamedTuple):
    """An object with keys that the author does not know, and values of one shape."""

    value: Shape
    min_length: int | None = None
    max_length: int | None = None


class Anything(NamedTuple):
    """Any JSON value."""


class Field(NamedTuple):
    """One field of a record: what it is called in Python and in JSON, its shape, its default.

    `default` is ABSENT for a required field; `factory` says that it is to be called.
    """

    attribute: str
    argument: str
    name: str
    shape: Shape
    marks: Marks
    nullable: bool = False
    default: Any = ABSENT
    factory: bool = False

    @property
    def required(self) -> bool:
        """Whether a config must have it."""
        return self.default is ABSENT and not self.nullable

    def default_value(self) -> Any:
        """Return the default; a field without one that may be None has None."""
        if self.default is ABSENT:
            return None if self.nullable else ABSENT
        return self.default() if self.factory else self.default


class Record(NamedTuple):
    """A model: an object with known fields, in declared order."""

    model: type[Any]
    fields: tuple[Field, ...]

    @property
    def has_secrets(self) -> bool:
        """Whether a secret lies anywhere in it."""
        return any(each.marks.secret or holds_secrets(each.shape) for each in self.fields)


def holds_secrets(shape: Shape) -> bool:
    """Return whether a secret field lies anywhere in a shape."""
    match shape:
        case Record():
            return shape.has_secrets
        case Listing(item=inner) | Table(value=inner):
            return holds_secrets(inner)
        case _:
            return False


Shape: TypeAlias = (
    Text | Integer | Number | Boolean | Choice | Moment | Duration | Listing | Table | Anything | Record
)
