"""A handler's output, held to the types that its model declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from reglet.application.models.inspect import model_type
from reglet.application.models.types import (
    AnyType,
    BoolType,
    DateTimeType,
    DictType,
    EnumType,
    FloatType,
    IntType,
    ListType,
    ModelType,
    StrType,
    TimeDeltaType,
    Type,
)

OutputCheck: TypeAlias = Callable[[Any], str | None]
"""Takes an output and returns its first mismatch, such as `field hosts[0].port is str, not int`."""

_Mismatch: TypeAlias = tuple[str, str]
_Check: TypeAlias = Callable[[Any], _Mismatch | None]
"""Takes a value and returns where in it a type does not fit, and how; None if all do."""

_CLASSES: Mapping[type[Any], tuple[type[Any], ...]] = {
    StrType: (str,),
    IntType: (int,),
    FloatType: (float, int),
    BoolType: (bool,),
    DateTimeType: (datetime,),
    TimeDeltaType: (timedelta,),
}


def output_check(model: type[Any]) -> OutputCheck:
    """Return the check of a model's instances: of types alone, since bounds and patterns are for configs."""
    check = _model_check(model_type(model))

    def mismatch(output: Any) -> str | None:
        found = check(output)
        return None if found is None else f"field {found[0].removeprefix('.')} is {found[1]}"

    return mismatch


def _check_of(type_: Type) -> _Check | None:
    match type_:
        case ModelType():
            return _model_check(type_)
        case ListType(item=inner):
            return _list_check(_check_of(inner))
        case DictType(value=inner):
            return _dict_check(_check_of(inner))
        case EnumType(members=members):
            return _enum_check(members)
        case AnyType():
            return None
        case _:
            return _class_check(_CLASSES[type(type_)])


def _class_check(classes: tuple[type[Any], ...]) -> _Check:
    def check(value: Any) -> _Mismatch | None:
        if value.__class__ in classes:
            return None
        fits = isinstance(value, classes) and not isinstance(value, bool)  # True is an int to Python alone
        return None if fits else _wrong_class(value, classes[0].__name__)

    return check


def _enum_check(members: Mapping[Any, Any]) -> _Check:
    kinds = {member.__class__ for member in members.values()}

    def check(value: Any) -> _Mismatch | None:
        if value.__class__ in kinds and value in members.values():
            return None
        return "", f"none of {', '.join(map(repr, members))}"

    return check


def _list_check(check_item: _Check | None) -> _Check:
    def check(value: Any) -> _Mismatch | None:
        if not isinstance(value, (list, tuple)):
            return _wrong_class(value, "list")
        for index, item in enumerate(value if check_item else ()):
            if check_item and (found := check_item(item)):
                return f"[{index}]{found[0]}", found[1]
        return None

    return check


def _dict_check(check_entry: _Check | None) -> _Check:
    def check(value: Any) -> _Mismatch | None:
        if not isinstance(value, Mapping):
            return _wrong_class(value, "dict")
        for key, entry in value.items():
            if not isinstance(key, str):
                return _wrong_class(key, "str", f"[{key!r}]", "a key that is ")
            if check_entry and (found := check_entry(entry)):
                return f"[{key!r}]{found[0]}", found[1]
        return None

    return check


def _model_check(declared: ModelType) -> _Check:
    checks = [
        (each.attribute, _CLASSES.get(type(each.type), ()), made, each.nullable)
        for each in declared.fields
        if (made := _check_of(each.type)) is not None
    ]

    def check(value: Any) -> _Mismatch | None:
        if not isinstance(value, declared.cls):
            return _wrong_class(value, declared.cls.__name__)
        for attribute, exact, check_entry, nullable in checks:
            entry = getattr(value, attribute)
            if entry.__class__ in exact or (entry is None and nullable):
                continue
            if found := check_entry(entry):
                return f".{attribute}{found[0]}", found[1]
        return None

    return check


def _wrong_class(value: Any, wanted: str, where: str = "", what: str = "") -> _Mismatch:
    seen = "None" if value is None else type(value).__name__
    return where, f"{what}{seen}, not {wanted}"
