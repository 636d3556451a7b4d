"""From models to JSON values; and whether what a model holds is of the types that it declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from reglet.application.models.inspect import is_model, model_type
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
from reglet.domain.time import format_duration, format_time

if TYPE_CHECKING:
    from cattrs import Converter


REDACTED = "***"
"""What stands for a secret."""

Hook: TypeAlias = Callable[[Any], Any]
"""Takes a Python value and returns the JSON value."""


def unstructure_model(value: Any, *, redact: bool = True) -> dict[str, Any]:
    """Return a model as a JSON object with every field, secrets redacted unless `redact` is false."""
    data: dict[str, Any] = _converter(redact=redact).get_unstructure_hook(type(value))(value)
    return data


def unstructure(value: Any) -> Any:
    """Return a value with the models and enum members in it as JSON values; what else there is stays."""
    if is_model(type(value)):
        return unstructure_model(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {name: unstructure(entry) for name, entry in value.items()}
    return [unstructure(each) for each in value] if isinstance(value, list | tuple) else value


def unstructure_hook(model: type[Any]) -> Hook:
    """Return what `unstructure_model` does for one model."""
    hook: Hook = _converter(redact=True).get_unstructure_hook(model)
    return hook


def unstructure_as(value: Any, annotation: Any, *, redact: bool = True) -> Any:
    """Return a value of a field's type as JSON; it may raise anything if it is of another."""
    return _converter(redact=redact).unstructure(value, annotation)


@cache
def _converter(*, redact: bool) -> Converter:
    from cattrs import Converter

    converter = Converter(unstruct_collection_overrides={Sequence: list})
    converter.register_unstructure_hook(datetime, format_time)
    converter.register_unstructure_hook(timedelta, format_duration)
    converter.register_unstructure_hook_func(lambda kind: kind in (Any, object), unstructure)
    converter.register_unstructure_hook_factory(is_model, lambda cls: _model(cls, converter, redact=redact))
    return converter


def _model(cls: type[Any], converter: Converter, *, redact: bool) -> Hook:
    from cattrs.gen import make_dict_unstructure_fn, override

    overrides: dict[str, Any] = {
        each.attribute: override(
            rename=each.name,
            unstruct_hook=_redacted
            if redact and each.meta.secret
            else converter.get_unstructure_hook(each.annotation),
        )
        for each in model_type(cls).fields
    }
    return make_dict_unstructure_fn(cls, converter, _cattrs_use_linecache=False, **overrides)


def _redacted(_: Any) -> str:
    return REDACTED


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
