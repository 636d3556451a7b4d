"""What a value looks like in JSON: the types that annotations are read into, and all else is made from.

Named as in `msgspec.inspect`. Types without limits are no attrs classes: each of those takes time in every
`import reglet`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from attrs import NOTHING, frozen

from reglet.application.models.meta import Bound, Meta


@frozen
class StrType:
    """A string."""

    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    format: str | None = None


@frozen
class IntType:
    """A number without a fraction."""

    ge: Bound | None = None
    le: Bound | None = None
    gt: Bound | None = None
    lt: Bound | None = None


@frozen
class FloatType:
    """A number, a double in Python."""

    ge: Bound | None = None
    le: Bound | None = None
    gt: Bound | None = None
    lt: Bound | None = None


class BoolType:
    """True or false."""


@frozen
class EnumType:
    """One of several strings, or one of several integers; `members` maps each to its Python value."""

    members: Mapping[Any, Any]

    @property
    def is_string(self) -> bool:
        """Whether the JSON values are strings."""
        return all(isinstance(value, str) for value in self.members)


class DateTimeType:
    """A `datetime`, RFC 3339 in JSON."""


class TimeDeltaType:
    """A `timedelta`, in JSON a string as Go writes durations: `1m30s`."""


@frozen
class ListType:
    """A list of values of one type."""

    item: Type
    min_length: int | None = None
    max_length: int | None = None


@frozen
class DictType:
    """An object whose keys the author does not know, with values of one type."""

    value: Type
    min_length: int | None = None
    max_length: int | None = None


class AnyType:
    """Any JSON value."""


@frozen
class Field:
    """One field of a model.

    Attributes:
        attribute: its name in Python.
        argument: its name in the constructor.
        name: its name in JSON.
        type: what its value looks like, None apart.
        meta: its description and limits.
        annotation: how a converter is asked for it: its Python type with the limits of `meta`.
        nullable: whether it may be None.
        default: its default, `NOTHING` if a config must have it; a function if `is_factory`.
        is_factory: whether `default` is to be called.
    """

    attribute: str
    argument: str
    name: str
    type: Type
    meta: Meta
    annotation: Any
    nullable: bool
    default: Any
    is_factory: bool

    @property
    def required(self) -> bool:
        """Whether a config must have it."""
        return self.default is NOTHING and not self.nullable

    def default_value(self) -> Any:
        """Return the default; a field without one that may be None has None."""
        if self.default is NOTHING:
            return None if self.nullable else NOTHING
        return self.default() if self.is_factory else self.default


@frozen
class ModelType:
    """A model: an object with known fields, in declared order."""

    cls: type[Any]
    fields: tuple[Field, ...]

    @property
    def has_secrets(self) -> bool:
        """Whether a secret lies anywhere in it."""
        return any(each.meta.secret or holds_secrets(each.type) for each in self.fields)


Type: TypeAlias = (
    StrType
    | IntType
    | FloatType
    | BoolType
    | EnumType
    | DateTimeType
    | TimeDeltaType
    | ListType
    | DictType
    | AnyType
    | ModelType
)


def holds_secrets(type_: Type) -> bool:
    """Return whether a secret field lies anywhere in a type."""
    match type_:
        case ModelType():
            return type_.has_secrets
        case ListType(item=inner) | DictType(value=inner):
            return holds_secrets(inner)
        case _:
            return False
