"""What a value looks like in JSON: the types that annotations are read into, and all else is made from.

The types are named as in `msgspec.inspect`. Each attrs class takes time whenever reglet is imported, and each
of its methods too: types without limits are plain classes, the others lack comparison and repr, which nobody
asks for.
"""

from __future__ import annotations

import collections.abc
import math
import sys
import types
import typing
from collections.abc import Hashable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Annotated, Any, Literal, Optional, TypeAlias, TypeGuard, Union

import attrs
from attrs import NOTHING, frozen

from reglet.application.models.meta import META, NARROWING, Bound, Meta
from reglet.application.models.strings import format_check, spelled_out
from reglet.domain.errors import DefinitionError, SchemaError


@frozen(eq=False, repr=False)
class StrType:
    """A string."""

    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    format: str | None = None


@frozen(eq=False, repr=False)
class IntType:
    """A number without a fraction."""

    ge: Bound | None = None
    le: Bound | None = None
    gt: Bound | None = None
    lt: Bound | None = None


@frozen(eq=False, repr=False)
class FloatType:
    """A number, a double in Python."""

    ge: Bound | None = None
    le: Bound | None = None
    gt: Bound | None = None
    lt: Bound | None = None


class BoolType:
    """True or false."""


@frozen(eq=False, repr=False)
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


@frozen(eq=False, repr=False)
class ListType:
    """A list of values of one type."""

    item: Type
    min_length: int | None = None
    max_length: int | None = None


@frozen(eq=False, repr=False)
class DictType:
    """An object whose keys the author does not know, with values of one type."""

    value: Type
    min_length: int | None = None
    max_length: int | None = None


class AnyType:
    """Any JSON value."""


@frozen(eq=False, repr=False)
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
        """Return the default; a field without one that may be None has None.

        Raises:
            DefinitionError: its factory fails.
        """
        if self.default is NOTHING:
            return None if self.nullable else NOTHING
        if not self.is_factory:
            return self.default
        try:
            return self.default()
        except Exception as error:
            raise DefinitionError(f"its factory fails: {type(error).__name__}: {error}") from error


@frozen(eq=False, repr=False)
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


MODEL = "__reglet_model__"
"""The attribute that `@model` sets to the class itself, so that bare subclasses do not pass."""

LISTS: tuple[Any, ...] = (list, tuple, collections.abc.Sequence)
"""What annotates a list of JSON."""

DICTS: tuple[Any, ...] = (dict, collections.abc.Mapping)
"""What annotates an object of JSON whose keys the author does not know."""

_TYPE = "__reglet_type__"
_UNDERWAY: Any = object()
_BOUNDS = ("ge", "le", "gt", "lt")
_LENGTHS = ("min_length", "max_length")
_FIXED: dict[Any, Type] = {
    bool: BoolType(),
    Any: AnyType(),
    object: AnyType(),
    datetime: DateTimeType(),
    timedelta: TimeDeltaType(),
}


_INSTEAD = {
    "set": "write list[…]",
    "frozenset": "write list[…]",
    "bytes": "write str, and encode it",
    "date": 'write str with format="date"',
    "time": 'write str with format="time"',
    "UUID": 'write str with format="uuid"',
    "Decimal": "write str, or float",
    "Path": "write str",
    "Final": "write its type alone: a model never changes",
    "IPv4Address": 'write str with format="ipv4"',
    "IPv6Address": 'write str with format="ipv6"',
}
"""What to write for types that JSON does not have."""

_SUPPORTED = (
    "there are str, int, float, bool, Literal, Enum, datetime, timedelta, list, tuple, dict[str, …], Any "
    "and models"
)


def is_model(candidate: object) -> TypeGuard[type[Any]]:
    """Return whether `candidate` is a class that `@model` made; a bare subclass of one is not."""
    return isinstance(candidate, type) and candidate.__dict__.get(MODEL) is candidate


def model_type(model: type[Any]) -> ModelType:
    """Return the type of a model, read once.

    Raises:
        SchemaError: an annotation has no schema that every host accepts.
        DefinitionError: `model` is no model, or its annotations cannot be resolved.
    """
    if not is_model(model):
        name = getattr(model, "__qualname__", repr(model))
        raise DefinitionError(f"{name} is no model: decorate the class with @reglet.model")
    if "__dataclass_fields__" in model.__dict__:
        raise DefinitionError(f"model {model.__qualname__}: it is a dataclass; leave @dataclass out")
    known = model.__dict__.get(_TYPE)
    if known is _UNDERWAY:
        raise SchemaError(
            model.__qualname__,
            "it contains itself; a schema without $ref cannot express that: write dict[str, Any] there",
        )
    if isinstance(known, ModelType):
        return known
    setattr(model, _TYPE, _UNDERWAY)
    try:
        hints = resolve_annotations(model, f"model {model.__qualname__}")
        fields = []
        for attribute in attrs.fields(model):
            try:
                fields.append(_read_field(attribute, hints[attribute.name]))
            except DefinitionError as error:
                raise SchemaError(f"{model.__qualname__}.{attribute.name}", str(error)) from None
    finally:
        delattr(model, _TYPE)
    names = [each.name for each in fields]
    for name in names:
        if names.count(name) > 1:
            raise SchemaError(model.__qualname__, f"two fields are called {name!r} in JSON")
    read = ModelType(model, tuple(fields))
    setattr(model, _TYPE, read)
    return read


def type_of(annotation: Any) -> Type:
    """Return the type of an annotation that may be `Annotated` and may not be None."""
    annotation, extras = _without_annotated(annotation)
    return _type(annotation, Meta().with_annotated(extras))


def resolve_annotations(owner: Any, what: str) -> dict[str, Any]:
    """Return the annotations of a class or function as types; `what` names it in errors."""
    try:
        return typing.get_type_hints(owner, include_extras=True)
    except NameError as error:
        raise DefinitionError(
            f"{what}: the annotation {error.name!r} cannot be resolved; define or import that name at the "
            f"level of the module, not in a function or under TYPE_CHECKING"
        ) from error
    except (TypeError, SyntaxError, AttributeError) as error:
        raise DefinitionError(f"{what}: its annotations cannot be read: {error}") from error


def _read_field(attribute: attrs.Attribute[Any], annotation: Any) -> Field:
    if not attribute.init:
        raise DefinitionError("it has init=False, so no config could give it; make it a property")
    default: Any = attribute.default
    is_factory = False
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class at run time, a function in the stubs
        if default.takes_self:
            raise DefinitionError("its default depends on other fields; a schema cannot express that")
        default, is_factory = default.factory, True
    annotation, extras = _without_annotated(annotation)
    meta = attribute.metadata.get(META, Meta()).with_annotated(extras)
    annotation, nullable = _without_none(annotation)
    annotation, extras = _without_annotated(annotation)
    meta = meta.with_annotated(extras)
    type_ = _type(annotation, meta)
    if meta.json_name is not None and not (isinstance(meta.json_name, str) and meta.json_name):
        raise DefinitionError(f"its json_name is {meta.json_name!r}; write a name, or leave it out")
    if isinstance(meta.examples, str):
        raise DefinitionError(f"its examples are a string; write examples=[{meta.examples!r}]")
    for name in ("description", "title"):
        if not isinstance(getattr(meta, name), str):
            raise DefinitionError(f"its {name} is {getattr(meta, name)!r}; write a string")
    limits = meta.limits()
    narrowed = Annotated[annotation, limits] if limits.given() else annotation
    return Field(
        attribute=attribute.name,
        argument=attribute.alias or attribute.name,
        name=str.__str__(meta.json_name or attribute.name),  # for a member of an enum, what it stands for
        type=type_,
        meta=meta,
        annotation=Optional[narrowed] if nullable else narrowed,  # noqa: UP045 - a value, not an annotation
        nullable=nullable,
        default=default,
        is_factory=is_factory,
    )


def _without_annotated(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    if typing.get_origin(annotation) is Annotated:
        return annotation.__origin__, annotation.__metadata__
    return annotation, ()


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if typing.get_origin(annotation) not in (Union, types.UnionType):
        return annotation, False
    rest = [each for each in typing.get_args(annotation) if each is not type(None)]
    if len(rest) > 1:
        raise DefinitionError(
            f"it is a union, {_name(annotation)}; hosts read fields of one type: write one, or Any"
        )
    return rest[0], True


def _type(annotation: Any, meta: Meta) -> Type:
    """Return the type of an annotation; limits that do not apply to it, or leave nothing, are refused."""
    for name in (*_BOUNDS, *_LENGTHS):
        limit, kinds = getattr(meta, name), int if name in _LENGTHS else (int, float)
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, kinds)):
            raise DefinitionError(
                f"{name}={limit!r} is no number that it can have; write one, without quotes"
            )
    type_, allowed = _narrowed_type(annotation, meta)
    stray = sorted(NARROWING.intersection(meta.given()).difference(allowed))
    if stray:
        known = f"it takes {', '.join(allowed)}" if allowed else "leave it out"
        raise DefinitionError(f"{', '.join(stray)} cannot be said of {_name(annotation)}; {known}")
    bounds = [each for each in (meta.ge, meta.gt, meta.le, meta.lt) if each is not None]
    if not all(math.isfinite(each) for each in bounds):
        raise DefinitionError("a bound is not finite; leave it out")
    least, most = meta.min_length, meta.max_length
    if (least or 0) < 0 or (most is not None and most < (least or 0)):
        raise DefinitionError(f"min_length={least} and max_length={most} leave no room")
    lower = max((each for each in (meta.ge, meta.gt) if each is not None), default=-math.inf)
    upper = min((each for each in (meta.le, meta.lt) if each is not None), default=math.inf)
    if lower > upper or (lower == upper and not meta.ge == lower == meta.le):
        raise DefinitionError(f"its bounds leave no room: nothing lies between {lower} and {upper}")
    return type_


def _narrowed_type(  # noqa: C901, PLR0911 - a case a type
    annotation: Any, meta: Meta
) -> tuple[Type, tuple[str, ...]]:
    """Return the type of an annotation, and the limits that it can have."""
    bounds = {name: getattr(meta, name) for name in _BOUNDS}
    lengths = {name: getattr(meta, name) for name in _LENGTHS}
    if annotation is str:
        if meta.pattern is not None:
            spelled_out(meta.pattern)
        if meta.format is not None:
            format_check(meta.format)
        type_ = StrType(**lengths, pattern=meta.pattern, format=meta.format)
        return type_, (*_LENGTHS, "pattern", "format")
    if annotation is int or annotation is float:
        return IntType(**bounds) if annotation is int else FloatType(**bounds), _BOUNDS
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    kind = origin or annotation
    if kind in LISTS:
        if not arguments or (origin is tuple and arguments[1:] != (Ellipsis,)):
            items = f"write {_name(annotation)}[X], so that the items have a type"
            tuples = f"write tuple[X, ...] instead of {_name(annotation)}"
            raise DefinitionError(tuples if origin is tuple else items)
        return ListType(_inner(arguments[0], f"the items of {_name(annotation)}"), **lengths), _LENGTHS
    if kind in DICTS:
        if arguments and arguments[0] is not str:
            raise DefinitionError(f"the keys of {_name(annotation)} must be str: JSON has no others")
        what = f"the values of {_name(annotation)}"
        value = _inner(arguments[1], what) if arguments else _FIXED[Any]
        return DictType(value, **lengths), _LENGTHS
    fixed = _FIXED.get(annotation) if isinstance(annotation, Hashable) else None
    if fixed is not None:
        return fixed, ()
    if kind is Literal:
        return _enum({value: value for value in arguments}), ()
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _enum({member.value: member for member in annotation}), ()
    if is_model(annotation):
        return model_type(annotation), ()
    name = _name(annotation).partition("[")[0]
    is_class = isinstance(annotation, type) and annotation.__module__ not in sys.stdlib_module_names
    advice = f"decorate {name} with @reglet.model if it is yours" if is_class else _SUPPORTED
    supertype = getattr(annotation, "__supertype__", None)  # of a NewType
    advice = f"write {_name(supertype)}" if supertype else _INSTEAD.get(name, advice)
    raise DefinitionError(f"its type {_name(annotation)} has no JSON Schema here; {advice}")


def _enum(members: dict[Any, Any]) -> EnumType:
    kinds = {type(value) for value in members}
    if kinds not in ({str}, {int}):
        raise DefinitionError(
            f"its values {list(members)!r} are not all strings or all integers; hosts read fields of one type"
        )
    return EnumType(members)


def _inner(annotation: Any, what: str) -> Type:
    annotation, extras = _without_annotated(annotation)
    annotation, nullable = _without_none(annotation)
    if nullable:
        raise DefinitionError(
            f"{what} may be None; hosts read values of one type: write {_name(annotation)}, and leave out "
            "what is None"
        )
    meta = Meta().with_annotated(extras)
    misplaced = sorted(meta.given().keys() - NARROWING)
    if misplaced:
        raise DefinitionError(f"{', '.join(misplaced)} belongs to the field, not to {what}")
    return _type(annotation, meta)


def _name(annotation: Any) -> str:
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation.__name__
    return str(annotation).replace("typing.", "")
