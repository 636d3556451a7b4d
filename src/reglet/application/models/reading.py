"""From a model's annotations to its shape."""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Hashable
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Literal, Union

import attrs

from reglet.application.models.declaring import MARKS, is_model
from reglet.application.models.marks import Marks
from reglet.application.models.shapes import (
    ABSENT,
    Anything,
    Boolean,
    Choice,
    Duration,
    Field,
    Integer,
    Listing,
    Moment,
    Number,
    Record,
    Shape,
    Table,
    Text,
)
from reglet.domain.errors import DefinitionError, SchemaError

_RECORD = "__reglet_record__"
_UNDERWAY: Any = object()
_BOUNDS = ("ge", "le", "gt", "lt")
_LENGTHS = ("min_length", "max_length")
_ON_FIELDS = frozenset({"description", "title", "examples", "deprecated", "secret", "json_name"})
_SEQUENCES: dict[Any, Any] = {
    list: list,
    tuple: tuple,
    collections.abc.Sequence: tuple,
}
_FIXED: dict[Any, Shape] = {
    bool: Boolean(),
    Any: Anything(),
    object: Anything(),
    datetime: Moment(),
    timedelta: Duration(),
}
_MAPPINGS = (dict, collections.abc.Mapping)


def record_of(model: type[Any]) -> Record:
    """Return the shape of a model, read once.

    Raises:
        SchemaError: an annotation has no schema that every host accepts, or a default does not fit it.
        DefinitionError: `model` is no model, or its annotations cannot be resolved.
    """
    if not is_model(model):
        name = getattr(model, "__qualname__", repr(model))
        raise DefinitionError(f"{name} is no model: decorate the class with @reglet.model")
    known = model.__dict__.get(_RECORD)
    if known is _UNDERWAY:
        raise SchemaError(model.__qualname__, "it contains itself, which a schema without $ref cannot say")
    if known is None:
        known = _read_once(model)
    assert isinstance(known, Record)
    return known


def _read_once(model: type[Any]) -> Record:
    setattr(model, _RECORD, _UNDERWAY)
    try:
        record = _read(model)
    except BaseException:
        delattr(model, _RECORD)
        raise
    setattr(model, _RECORD, record)
    return record


def _read(model: type[Any]) -> Record:
    hints = resolve_annotations(model, f"model {model.__qualname__}")
    fields = tuple(_field(model, attribute, hints[attribute.name]) for attribute in attrs.fields(model))
    names = [each.name for each in fields]
    for name in names:
        if names.count(name) > 1:
            raise SchemaError(model.__qualname__, f"two fields are called {name!r} in JSON")
    return Record(model, fields)


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


def _field(model: type[Any], attribute: attrs.Attribute[Any], annotation: Any) -> Field:
    where = f"{model.__qualname__}.{attribute.name}"
    try:
        return _read_field(attribute, annotation)
    except DefinitionError as error:
        raise SchemaError(where, error) from error


def _read_field(attribute: attrs.Attribute[Any], annotation: Any) -> Field:
    from reglet.application.models.soundness import check_field

    if not attribute.init:
        raise DefinitionError("it has init=False, so no config could give it; make it a property")
    annotation, extras = _without_annotated(annotation)
    marks = attribute.metadata.get(MARKS, Marks()).with_annotated(extras)
    annotation, nullable = _without_none(annotation)
    annotation, extras = _without_annotated(annotation)
    marks = marks.with_annotated(extras)
    default, factory = _default(attribute)
    read = Field(
        attribute=attribute.name,
        argument=attribute.alias or attribute.name,
        name=marks.json_name or attribute.name,
        shape=_shape(annotation, marks),
        marks=marks,
        nullable=nullable,
        default=default,
        factory=factory,
    )
    check_field(read)
    return read


def _default(attribute: attrs.Attribute[Any]) -> tuple[Any, bool]:
    default: Any = attribute.default
    if default is attrs.NOTHING:
        return ABSENT, False
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class at run time, a function in the stubs
        if default.takes_self:
            raise DefinitionError("its default depends on other fields; a schema cannot say that")
        return default.factory, True
    return default, False


def _without_annotated(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    if typing.get_origin(annotation) is typing.Annotated:
        return annotation.__origin__, annotation.__metadata__
    return annotation, ()


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if typing.get_origin(annotation) not in (Union, types.UnionType):
        return annotation, False
    rest = [each for each in typing.get_args(annotation) if each is not type(None)]
    if len(rest) > 1:
        raise DefinitionError(f"it is a union, {_name(annotation)}; hosts read fields of one type")
    return rest[0], True


def _shape(annotation: Any, marks: Marks) -> Shape:
    """Return the shape of an annotation, and refuse marks that say nothing about such a shape."""
    shape, allowed = _plain_shape(annotation, marks)
    stray = sorted(marks.said() - _ON_FIELDS - set(allowed))
    if stray:
        raise DefinitionError(f"{', '.join(stray)} cannot be said of {_name(annotation)}")
    return shape


def _plain_shape(annotation: Any, marks: Marks) -> tuple[Shape, tuple[str, ...]]:
    bounds = {name: getattr(marks, name) for name in _BOUNDS}
    lengths = {name: getattr(marks, name) for name in _LENGTHS}
    if annotation is str:
        return _text(marks, lengths), (*_LENGTHS, "pattern", "format")
    if annotation is int:
        return Integer(**bounds), _BOUNDS
    if annotation is float:
        return Number(**bounds), _BOUNDS
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if (origin or annotation) in _SEQUENCES:
        return Listing(_item(annotation, arguments), _SEQUENCES[origin or annotation], **lengths), _LENGTHS
    if (origin or annotation) in _MAPPINGS:
        return Table(_value(annotation, arguments), **lengths), _LENGTHS
    return _fixed_shape(annotation), ()


def _fixed_shape(annotation: Any) -> Shape:
    """Return the shape of an annotation that no mark can narrow."""
    fixed = _FIXED.get(annotation) if isinstance(annotation, Hashable) else None
    if fixed is not None:
        return fixed
    if typing.get_origin(annotation) is Literal:
        return _choice({value: value for value in typing.get_args(annotation)})
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _choice({member.value: member for member in annotation})
    if is_model(annotation):
        return record_of(annotation)
    raise DefinitionError(
        f"its type {_name(annotation)} has no JSON Schema here; there are str, int, float, bool, Literal, "
        f"Enum, datetime, timedelta, list, tuple, dict[str, …], Any and models"
    )


def _text(marks: Marks, lengths: dict[str, Any]) -> Text:
    from reglet.application.models.formats import format_check
    from reglet.application.models.patterns import spelled_out

    if marks.pattern is not None:
        spelled_out(marks.pattern)
    if marks.format is not None:
        format_check(marks.format)
    return Text(**lengths, pattern=marks.pattern, format=marks.format)


def _choice(members: dict[Any, Any]) -> Choice:
    kinds = {type(value) for value in members}
    if kinds not in ({str}, {int}):
        raise DefinitionError(
            f"its values {list(members)!r} are not all texts or all integers; hosts read fields of one type"
        )
    return Choice(members)


def _item(annotation: Any, arguments: tuple[Any, ...]) -> Shape:
    if typing.get_origin(annotation) is tuple:
        if arguments[1:] != (Ellipsis,):
            raise DefinitionError(f"write tuple[X, ...] instead of {_name(annotation)}")
    elif len(arguments) != 1:
        raise DefinitionError(f"write {_name(annotation)}[X], so that the items have a type")
    return _inner(arguments[0], f"the items of {_name(annotation)}")


def _value(annotation: Any, arguments: tuple[Any, ...]) -> Shape:
    if not arguments:
        return Anything()
    if arguments[0] is not str:
        raise DefinitionError(f"the keys of {_name(annotation)} must be str: JSON has no others")
    return _inner(arguments[1], f"the values of {_name(annotation)}")


def _inner(annotation: Any, what: str) -> Shape:
    annotation, extras = _without_annotated(annotation)
    annotation, nullable = _without_none(annotation)
    if nullable:
        raise DefinitionError(f"{what} may be None; hosts read values of one type")
    marks = Marks().with_annotated(extras)
    misplaced = sorted(marks.said() & _ON_FIELDS)
    if misplaced:
        raise DefinitionError(f"{', '.join(misplaced)} belongs to the field, not to {what}")
    return _shape(annotation, marks)


def _name(annotation: Any) -> str:
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation.__name__
    return str(annotation).replace("typing.", "")
