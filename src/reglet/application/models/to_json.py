"""From models to JSON values; and whether what a model holds is of the types that it declares."""

from __future__ import annotations

import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from reglet.application.models.model_types import (
    LISTS,
    AnyType,
    BoolType,
    DateTimeType,
    DictType,
    EnumType,
    Field,
    FloatType,
    IntType,
    ListType,
    ModelType,
    StrType,
    TimeDeltaType,
    Type,
    is_model,
    model_type,
)
from reglet.domain.time import format_duration, format_time

if TYPE_CHECKING:
    from cattrs import Converter


REDACTED = "***"
"""What stands for a secret."""

Hook: TypeAlias = Callable[[Any], Any]
"""Takes a Python value and returns the JSON value."""


def model_to_json(value: Any, *, redact: bool = True) -> dict[str, Any]:
    """Return a model as a JSON object with every field, secrets redacted unless `redact` is false."""
    data: dict[str, Any] = _converter(redact=redact).get_unstructure_hook(type(value))(value)
    return data


def to_json(value: Any) -> Any:
    """Return a value with the models and enum members in it as JSON values; what else there is stays."""
    if is_model(type(value)):
        return model_to_json(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {name: to_json(entry) for name, entry in value.items()}
    return [to_json(each) for each in value] if isinstance(value, list | tuple) else value


def field_to_json(value: Any, annotation: Any, *, redact: bool = True) -> Any:
    """Return a value of a field's type as JSON; it may raise anything if it is of another."""
    return _converter(redact=redact).unstructure(value, annotation)


@cache
def _converter(*, redact: bool) -> Converter:
    from cattrs import Converter

    converter = Converter()
    converter.register_unstructure_hook(datetime, format_time)
    converter.register_unstructure_hook(timedelta, format_duration)
    # a member of an enum of strings is what it stands for
    converter.register_unstructure_hook(str, lambda value: value.value if isinstance(value, Enum) else value)
    converter.register_unstructure_hook_func(lambda kind: kind in (Any, object), to_json)
    converter.register_unstructure_hook_factory(lambda kind: typing.get_origin(kind) in LISTS, _list)
    converter.register_unstructure_hook_factory(is_model, lambda cls: _model(cls, converter, redact=redact))
    return converter


def _list(annotation: Any, converter: Converter) -> Hook:
    """Return the hook of a list; cattrs' own takes three times as long."""
    item = typing.get_args(annotation)[0]
    unstructure_item: Hook = converter.get_unstructure_hook(item)
    same = frozenset((item,) if item in (str, bool, int, float) else ())
    return lambda items: (
        list(items) if same.issuperset(map(type, items)) else [unstructure_item(each) for each in items]
    )


def _model(cls: type[Any], converter: Converter, *, redact: bool) -> Hook:
    """Return the hook of a model, compiled as those of cattrs are: they lack room for a field called `cl`."""
    from cattrs.fns import identity

    hooks: dict[str, Hook] = {}
    members = []
    for index, each in enumerate(model_type(cls).fields):
        value, hook = f"model.{each.attribute}", converter.get_unstructure_hook(each.annotation)
        if redact and each.meta.secret:
            value = repr(REDACTED)
        elif each.annotation is not str and hook is not identity:  # which costs nothing
            hooks[f"hook_{index}"] = hook
            value = f"hook_{index}({value})"
        members.append(f"{each.name!r}: {value}")
    unstructure: Hook = eval(f"lambda model: {{{', '.join(members)}}}", hooks)  # noqa: S307 - names of attributes alone
    return unstructure


_CLASSES: Mapping[type[Any], tuple[type[Any], ...]] = {
    StrType: (str,),
    IntType: (int,),
    FloatType: (float, int),
    BoolType: (bool,),
    DateTimeType: (datetime,),
    TimeDeltaType: (timedelta,),
}


_EXACT: Mapping[type[Any], tuple[type[Any], ...]] = {**_CLASSES, FloatType: (int,)}
"""Classes whose instances fit whatever they are: a float may be no number."""


def _classes_in_json(type_: Type) -> tuple[type[Any], ...]:
    """Return the classes whose instances are of a type whatever they are, and JSON values too."""
    return () if isinstance(type_, DateTimeType | TimeDeltaType) else _EXACT.get(type(type_), ())


class TypeMismatchError(Exception):
    """A value of another type than declared; it gathers the path to it on its way up."""

    def __init__(self, found: str) -> None:
        """Take what the value is, and what it should be."""
        super().__init__(found)
        self._found = found
        self._path = ""

    def __str__(self) -> str:
        """Return it as a clause, such as `field hosts[0].port is str, not int`."""
        return f"field {self._path.removeprefix('.')} is {self._found}"

    @classmethod
    def of(cls, value: Any, declared: str) -> TypeMismatchError:
        """Return the mismatch of a value that is no instance of the declared class."""
        return cls(f"{'None' if value is None else type(value).__name__}, not {declared}")

    def within(self, step: str) -> TypeMismatchError:
        """Return it with one more step in front of its path."""
        self._path = step + self._path
        return self


def output_writer(model: type[Any]) -> Hook:
    """Return what `model_to_json` does for one model, made for its fields, since every check ends with it.

    It raises `TypeMismatchError` for a value of another type than declared; bounds are for configs alone.
    """
    known: dict[str, Any] = {}
    lines, entries = [], []
    for number, each in enumerate(model_type(model).fields):
        found, given = f"field_{number}", f"output.{each.attribute}"
        known[f"write_{number}"] = _field_writer(each)
        test = [f"{found}.__class__ is not {kind.__name__}" for kind in _classes_in_json(each.type)]
        if (copy := _copier(each.type)) is not None:
            known[f"copy_{number}"] = copy
            lines.append(f"{found} = copy_{number}({given})")
            test = [f"{found} is None"]
        else:
            lines.append(f"{found} = {given}")
        condition = f"if {' and '.join(test)}: " if test else ""
        lines.append(f"{condition}{found} = write_{number}({given})")
        entries.append(f"{each.name!r}: {repr(REDACTED) if each.meta.secret else found}")
    lines.append(f"return {{{', '.join(entries)}}}")
    exec("\n    ".join(["def write(output):", *lines]), known)  # noqa: S102 - of names, by repr or of attributes
    made: Hook = known["write"]
    return made


def _field_writer(of: Field) -> Hook:
    check = _check_of(of.type)
    hook: Hook = _converter(redact=True).get_unstructure_hook(of.annotation)

    def write(value: Any) -> Any:
        if value is None and of.nullable:
            return None
        try:
            check(value)
        except TypeMismatchError as error:
            raise error.within(f".{of.attribute}") from None
        return value if of.annotation is str else hook(value)

    return write


def _copier(type_: Type) -> Hook | None:
    """Return what copies a list or object whose values are JSON as they are, and returns None else."""
    match type_:
        case ListType(item=inner):
            kinds = frozenset(_classes_in_json(inner))
            return lambda items: (
                items.copy() if items.__class__ is list and kinds.issuperset(map(type, items)) else None
            )
        case DictType(value=inner):
            kinds = frozenset(_classes_in_json(inner))

            def copied(entries: Any) -> dict[str, Any] | None:
                if entries.__class__ is not dict:
                    return None
                for key, entry in entries.items():  # for the few that there are, quicker than in C
                    if key.__class__ is not str or entry.__class__ not in kinds:
                        return None
                copy: dict[str, Any] = entries.copy()
                return copy

            return copied
        case _:
            return None


def _check_any(value: Any) -> None:
    """Raise `TypeMismatchError` for what JSON cannot have, or a model in which a type is wrong."""
    if value.__class__ in _AS_IN_JSON:
        return
    if isinstance(value, float):
        _check_number(value)
    elif isinstance(value, (Mapping, set, frozenset)):
        _check_sorted(value)
    elif isinstance(value, (list, tuple)):
        _check_each(enumerate(value), _check_any)
    elif isinstance(value, Enum):
        _check_any(value.value)
    elif is_model(type(value)):
        _check_of_class(cast("Any", type(value)))(value)
    elif not isinstance(value, _WRITTEN_AS_JSON):
        name = type(value).__name__
        raise TypeMismatchError(f"{name}, which JSON has not; write what it has, such as a string")


_AS_IN_JSON = frozenset({str, int, bool, type(None)})
_KEYS = (str, int, float, type(None))
_WRITTEN_AS_JSON = (str, int, datetime, timedelta, bytes, bytearray, memoryview)


def _check_sorted(values: Collection[Any]) -> None:
    """Check what is written in order: objects by their keys, and sets."""
    if isinstance(values, Mapping):
        _check_each(values.items(), _check_any)
    else:
        for each in values:
            _check_any(each)
    with suppress(TypeError):
        in_order = sorted(values)
        if not isinstance(values, Mapping) or all(isinstance(key, _KEYS) for key in in_order):
            return
    kinds = ", ".join(sorted({type(each).__name__ for each in values}))
    raise TypeMismatchError(f"{type(values).__name__} of {kinds}; write strings in their place")


def _check_number(value: float) -> None:
    if not isfinite(value):
        raise TypeMismatchError(f"{value!r}, which is no number in JSON")


@cache
def _check_of_class(cls: Any) -> Callable[[Any], None]:
    return _check_of(model_type(cls))


def data_mismatch(data: Any) -> str | None:
    """Return what is wrong with the models in any data, or with its numbers: `field x is str, not int`."""
    try:
        _check_any(data)
    except TypeMismatchError as error:
        return str(error)
    return None


def _check_of(type_: Type) -> Callable[[Any], None]:  # noqa: C901 - a case a type
    """Return what raises `TypeMismatchError` for a value of another type."""
    match type_:
        case AnyType():
            return _check_any
        case EnumType(members=members):
            kinds = {member.__class__ for member in members.values()}

            def check(value: Any) -> None:
                if value.__class__ not in kinds or value not in members.values():
                    raise TypeMismatchError(f"none of {', '.join(map(repr, members))}")

        case ListType(item=inner):
            check_item, exact = _check_of(inner), frozenset(_EXACT.get(type(inner), ()))

            def check(value: Any) -> None:
                if not isinstance(value, (list, tuple)):
                    raise TypeMismatchError.of(value, "list")
                if not exact.issuperset(map(type, value)):
                    _check_each(enumerate(value), check_item)

        case DictType(value=inner):
            check_item, exact = _check_of(inner), frozenset(_EXACT.get(type(inner), ()))

            def check(value: Any) -> None:
                if value.__class__ is not dict and not isinstance(value, Mapping):
                    raise TypeMismatchError.of(value, "dict")
                for key in value:
                    if not isinstance(key, str):
                        raise TypeMismatchError(f"a key that is {type(key).__name__}, not str").within(
                            f"[{key!r}]"
                        )
                if not exact.issuperset(map(type, value.values())):
                    _check_each(value.items(), check_item)

        case ModelType():
            return _check_of_model(type_)
        case _:
            classes = _CLASSES[type(type_)]

            def check(value: Any) -> None:  # True is an int to Python alone
                if not isinstance(value, classes) or (isinstance(value, bool) and bool not in classes):
                    raise TypeMismatchError.of(value, classes[0].__name__)
                if isinstance(value, float):
                    _check_number(value)

    return check


def _check_each(items: Iterable[tuple[Any, Any]], check: Callable[[Any], None]) -> None:
    for key, item in items:
        try:
            check(item)
        except TypeMismatchError as error:
            raise error.within(f"[{key!r}]") from None


def _check_of_model(declared: ModelType) -> Callable[[Any], None]:
    fields = [
        (each.attribute, _EXACT.get(type(each.type), ()), each.nullable, _check_of(each.type))
        for each in declared.fields
    ]

    def check(value: Any) -> None:
        if not isinstance(value, declared.cls):
            raise TypeMismatchError.of(value, declared.cls.__name__)
        for attribute, exact, nullable, check_field in fields:
            entry = getattr(value, attribute)
            if entry.__class__ in exact or (entry is None and nullable):
                continue
            try:
                check_field(entry)
            except TypeMismatchError as error:
                raise error.within(f".{attribute}") from None

    return check
