"""From JSON values to models: a cattrs converter, and every problem at once as `message @ $.path`.

What the schema accepts, this accepts. Beyond it: a numeric string for a number, an integral float for an
integer, null for a field that has a default, and keys that are not known.

A config is read by one function made for its model. Where that stops, a converter goes on and finds the rest.
cattrs is imported when the first model is structured: it would be a third of `import reglet`.
"""

from __future__ import annotations

import json
import math
import operator
import re
import typing
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from datetime import datetime, timedelta
from enum import Enum, EnumMeta
from functools import cache, partial
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, Union

import attrs
from attrs import NOTHING

from reglet.application.models.error_messages import (
    CONVERTED,
    InvalidLength,
    InvalidValue,
    error_messages,
    shown,
    shown_secret,
    wanted,
)
from reglet.application.models.model_types import (
    DICTS,
    LISTS,
    AnyType,
    BoolType,
    DictType,
    EnumType,
    Field,
    IntType,
    ListType,
    ModelType,
    StrType,
    is_model,
    model_type,
    type_of,
)
from reglet.application.models.strings import compile_pattern, format_check
from reglet.application.models.to_json import REDACTED, field_to_json
from reglet.domain.errors import DefinitionError, SchemaError
from reglet.domain.time import is_date_time, parse_duration, parse_time

if TYPE_CHECKING:
    from cattrs import Converter

Hook: TypeAlias = Callable[[Any, Any], Any]
"""Takes a JSON value and its type, and returns the Python value or raises."""

Parser: TypeAlias = Callable[[Any], tuple[Any, list[str]]]
"""Takes a JSON value and returns the model and no problems, or None and every problem."""

_LIMITS: Mapping[str, tuple[str, Callable[[Any, Any], bool], str]] = {
    "ge": (">=", operator.le, "be at least {}"),
    "gt": (">", operator.lt, "be greater than {}"),
    "le": ("<=", operator.ge, "be at most {}"),
    "lt": ("<", operator.gt, "be less than {}"),
    "min_length": (">=", operator.le, "have at least {} {}"),
    "max_length": ("<=", operator.ge, "have at most {} {}"),
}
"""How a number or length that keeps to a limit stands to it, in Python; how the limit does; and the rule."""

_COUNTED: Mapping[type[Any], str] = {StrType: "characters", ListType: "items", DictType: "entries"}
"""What the length of a value is a number of."""

_NUMERAL = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")
_LONGEST_NUMERAL = 400
_FINITE = "be a number that a double can hold"


def parse_model(model: type[Any], data: Any) -> tuple[Any, list[str]]:
    """Return a model made of `data`, or None and every problem as `message @ $.path`."""
    return model_parser(model)(data)


def model_parser(model: type[Any]) -> Parser:
    """Return what `parse_model` does for one model."""
    structure: Hook = _converter(detailed=False).get_structure_hook(model)
    _converter(detailed=True).get_structure_hook(model)  # made now, since it takes time, and a guest keeps it

    def parse(data: Any) -> tuple[Any, list[str]]:
        try:
            return structure(data, model), []
        except Exception:  # noqa: BLE001, S110 - what it is, the detailed converter finds
            pass
        return parse_in_detail(model, data)

    return parse


def parse_in_detail(annotation: Any, data: Any, show: Callable[[Any], str] = shown) -> tuple[Any, list[str]]:
    """Return what is made of `data`, or None and every problem; `show` writes values in their messages."""
    try:
        return _converter(detailed=True).structure(data, annotation), []
    except Exception as error:  # noqa: BLE001 - what is no problem of the data is raised again below
        found = error
    return None, error_messages(found, show)


def default_in_json(field: Field) -> Any:
    """Return a field's default as a config would have it, secrets included; raises if it does not fit."""
    return field_to_json(_checked(field, field.default_value(), "default"), field.annotation, redact=False)


def examples_in_json(field: Field) -> list[Any]:
    """Return a field's examples as a config would have them, without secrets; raises if one does not fit."""
    return [
        field_to_json(_checked(field, example, "example"), field.annotation)
        for example in field.meta.examples
    ]


def check_model(model: type[Any]) -> None:
    """Raise `SchemaError` if the default or an example of a field does not fit the field."""
    model_type(model)  # what is no model is refused in our words
    _converter(detailed=False).get_structure_hook(model)


@cache
def _converter(*, detailed: bool) -> Converter:
    """Return the converter that stops at the first problem, or the one that finds all; one set of hooks."""
    from cattrs import Converter

    converter = Converter(detailed_validation=detailed)
    for kind, hook in _HOOKS.items():
        converter.register_structure_hook(kind, hook)
    for applies, factory in _FACTORIES:
        converter.register_structure_hook_factory(applies, factory)
    return converter


def _string(value: Any, kind: Any) -> Any:
    if kind is not str and isinstance(kind, EnumMeta):
        return _enum(kind)(value, kind)
    if value.__class__ is str:
        return value
    raise InvalidValue("be a string", value=value)


def _anything(value: Any, _: Any) -> Any:
    pending = [value]
    while pending:
        each = pending.pop()
        if each.__class__ is dict:
            pending += each.values()
        elif each.__class__ is list:
            pending += each
        elif each.__class__ is float and not math.isfinite(each):  # of JSON's numbers, those like 1e400
            raise InvalidValue(_FINITE, value=each)
    return value


def _boolean(value: Any, _: Any) -> bool:
    if value is True or value is False:
        return value
    raise InvalidValue("be true or false", value=value)


def _integer(value: Any, kind: Any) -> Any:
    if kind is not int and isinstance(kind, EnumMeta):
        return _enum(kind)(value, kind)
    if value.__class__ is int:
        return value
    whole = _whole(value)
    if whole is None:
        raise InvalidValue("be an integer", value=value)
    return whole


def _whole(value: Any) -> Any:
    """Return the integer that an integer, an integral float or a numeric string means, or None."""
    if value.__class__ is int:
        return value
    if value.__class__ is float:
        return int(value) if value.is_integer() else None
    numeral = _numeral(value)
    if numeral is None:
        return None
    return int(value) if numeral[1] is None and numeral[2] is None else _whole(float(value))


def _float(value: Any, _: Any) -> Any:
    number = value
    if value.__class__ is not float:
        number = math.nan
        if value.__class__ is int or _numeral(value):
            with suppress(OverflowError):
                number = float(value)
    if not math.isfinite(number):
        raise InvalidValue(_FINITE, value=value)
    return number


def _numeral(value: Any) -> re.Match[str] | None:
    if value.__class__ is not str or len(value) > _LONGEST_NUMERAL:
        return None
    return _NUMERAL.match(value)


def _datetime(value: Any, _: Any) -> datetime:
    if value.__class__ is str:
        string = value.replace(" ", "T", 1).upper()  # which RFC 3339 leaves to its readers
        if is_date_time(string):
            with suppress(ValueError):  # a leap second, or the year 0000
                return parse_time(string)
    raise InvalidValue("be a timestamp like 2026-01-31T12:00:00Z", value=value)


def _timedelta(value: Any, _: Any) -> timedelta:
    found = parse_duration(value) if value.__class__ is str else None
    if found is None:
        raise InvalidValue("be a duration like 1m30s or 500ms", value=value)
    return found


@cache
def _enum(annotation: Any) -> Hook:
    type_ = type_of(annotation)
    assert isinstance(type_, EnumType)
    members, kind = dict(type_.members), str if type_.is_string else int
    rule = f"be one of {', '.join(map(shown, members))}"

    def structure(value: Any, _: Any) -> Any:
        key = value if value.__class__ is kind else None if kind is str else _whole(value)
        if key is None or key not in members:
            raise InvalidValue(rule, value=value)
        return members[key]

    return structure


def _list(annotation: Any, converter: Converter) -> Hook:
    from cattrs.cols import list_structure_factory

    item = typing.get_args(annotation)[0]
    items: Any = list.__class_getitem__(item)
    structure_items = list_structure_factory(items, converter)
    make = list if typing.get_origin(annotation) is list else tuple
    same = frozenset((item,) if item in (str, bool, int) else ())

    def structure(value: Any, _: Any) -> Any:
        if value.__class__ is not list:
            raise InvalidValue("be a list", value=value)
        if same.issuperset(map(type, value)):  # many strings are as quick as one this way
            return make(value)
        made = structure_items(value, items)
        return made if make is list else tuple(made)

    return structure


def _dict(annotation: Any, converter: Converter) -> Hook:
    from cattrs.cols import mapping_structure_factory

    structure_values = mapping_structure_factory(annotation, converter, key_type=Any)
    [*_, entry] = typing.get_args(annotation) or (Any,)
    same = entry if entry in (str, bool, int) else None

    def structure(value: Any, _: Any) -> Any:
        if value.__class__ is not dict:
            raise InvalidValue("be an object", value=value)
        for each in value.values():  # for the few that there are, quicker than in C
            if each.__class__ is not same:
                return structure_values(value, annotation)
        return value.copy()

    return structure


def _optional(annotation: Any, converter: Converter) -> Hook:
    [inner] = (each for each in typing.get_args(annotation) if each is not type(None))
    structure: Hook = converter.get_structure_hook(inner)
    return lambda value, _: None if value is None else structure(value, inner)


def _narrowed(annotation: Any, converter: Converter) -> Hook:  # noqa: C901 - a case a limit
    """Return the hook of an annotation with limits."""
    plain, type_ = annotation.__origin__, type_of(annotation)
    make: Hook = converter.get_structure_hook(plain)
    has_length = isinstance(type_, ListType | DictType)
    counted = _COUNTED.get(type(type_))
    checks: list[tuple[Callable[[Any], Any], str]] = []
    for name, (_, stands, rule) in _LIMITS.items():
        if (limit := getattr(type_, name, None)) is not None:
            check: Callable[[Any], bool] = partial(stands, limit)
            if counted is not None:
                check = partial(lambda of_length, value: of_length(len(value)), check)
            checks.append((check, rule.format(limit, counted)))
    if isinstance(type_, StrType):
        if type_.pattern is not None:
            checks.append((compile_pattern(type_.pattern).search, f"match {type_.pattern}"))
        if type_.format is not None:
            checks.append((format_check(type_.format), f"be of format {type_.format}"))
    predicates = [holds for holds, _ in checks]
    same = plain if plain in (str, int) else None

    def structure(value: Any, _: Any) -> Any:
        try:
            made = value if value.__class__ is same else make(value, plain)
        except ExceptionGroup as items:  # the problems of items; one of their number stands beside them
            raise items.derive([*broken(value), *items.exceptions]) from None
        for holds in predicates:
            if not holds(made):
                [error] = broken(value, made)
                raise error
        return made

    def broken(value: Any, made: Any = None) -> list[InvalidValue]:
        subject = value if made is None else made
        rules = [rule for holds, rule in checks if not holds(subject)]
        if not rules:
            return []
        return [InvalidLength(*rules, value=len(value)) if has_length else InvalidValue(*rules, value=value)]

    return structure


def _model(cls: type[Any], converter: Converter) -> Hook:
    """Return the hook of a model; null for a field that has a default and may not be None is no value.

    Raises:
        SchemaError: a default or an example does not fit its field.
    """
    from cattrs.gen import make_dict_structure_fn_from_attrs, override

    fields = model_type(cls).fields
    absent: dict[str, Any] = {}
    for each in fields:
        try:
            value = _stand_in(each)
        except DefinitionError as error:
            raise SchemaError(f"{cls.__qualname__}.{each.attribute}", str(error)) from None
        if value is not NOTHING:
            absent[each.name] = value
    hooks: list[Hook] = [
        _enum(each.annotation)
        if _is_enum(each.annotation)  # the hook of str would be given `Annotated`, where that stands
        else converter.get_structure_hook(each.annotation)
        for each in fields
    ]
    if not converter.detailed_validation:
        return _in_one_pass(cls, fields, hooks, absent)
    overrides: dict[str, Any] = {
        CONVERTED + each.attribute: override(rename=each.name, struct_hook=hook)
        for each, hook in zip(fields, hooks, strict=True)
    }
    renamed: list[Any] = [
        each.evolve(name=CONVERTED + each.name, alias=each.alias) for each in attrs.fields(cls)
    ]
    structure_fields = make_dict_structure_fn_from_attrs(
        renamed, cls, converter, _cattrs_use_linecache=False, **overrides
    )
    not_null = frozenset(each.name for each in fields if _is_absent_when_null(each))

    def structure(value: Any, _: Any) -> Any:
        if value.__class__ is not dict:
            raise InvalidValue("be an object", value=value)
        if not_null and None in value.values():
            value = {name: each for name, each in value.items() if each is not None or name not in not_null}
        return structure_fields({**deepcopy(absent), **value} if absent else value, cls)

    return structure


def _stand_in(field: Field) -> Any:
    """Return the JSON that a model is made from where a field is absent, NOTHING where there is no need.

    There is where a default can change, or is of another type than its field: `rate: float = 30`.

    Raises:
        DefinitionError: the default or an example does not fit the field, or all models would share it.
    """
    for example in field.meta.examples:
        _checked(field, example, "example")
    if field.required:
        return NOTHING
    value = field.default_value()
    made = _checked(field, value, "default")
    does_as_it_is = made.__class__ is value.__class__ and bool(made == value)
    if field.is_factory:
        if not does_as_it_is:
            values = ("***", f"a {type(made).__name__}") if field.meta.secret else (repr(value), repr(made))
            raise DefinitionError("its factory makes {}; let it make {}".format(*values))
        if not _is_hashable(value) and field.default_value() is value:
            raise DefinitionError("its factory makes one object, which every model would share; make it anew")
    elif field.default is NOTHING or not (does_as_it_is and _is_hashable(value)):
        return field_to_json(made, field.annotation, redact=False)
    return NOTHING


def _is_hashable(value: object) -> bool:
    """Report whether a value has a hash, which what can change has not."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _is_absent_when_null(field: Field) -> bool:
    return not (field.required or field.nullable or isinstance(field.type, AnyType))


def _in_one_pass(
    cls: type[Any], fields: Sequence[Field], hooks: Sequence[Hook], absent: Mapping[str, Any]
) -> Hook:
    """Return the hook of a model that stops at the first problem: one function, made for its fields.

    Every check begins with it. What a field takes as it is, is looked at where it stands; the field's hook is
    asked for all else.
    """
    known: dict[str, Any] = {"cls": cls, "InvalidValue": InvalidValue, "deepcopy": deepcopy}
    lines = ["if value.__class__ is not dict: raise InvalidValue('be an object', value=value)"]
    for number, (each, hook) in enumerate(zip(fields, hooks, strict=True)):
        found, default = f"field_{number}", f"default_{number}"
        known |= {f"hook_{number}": hook, f"type_{number}": each.annotation}
        known[default] = absent.get(each.name, each.default)
        test, limits = _taken_as_it_is(each, found)
        known |= limits
        take = [f"{found} = value[{each.name!r}]"]
        take.append(f"{f'if not ({test}): ' if test else ''}{found} = hook_{number}({found}, type_{number})")
        if each.required:
            lines += take
            continue
        given = f"{each.name!r} in value"
        if _is_absent_when_null(each):
            given += f" and value[{each.name!r}] is not None"
        if each.is_factory:
            default += "()"
        elif absent.get(each.name) is not None:  # what a field of any type takes is not made anew by its hook
            default = f"hook_{number}(deepcopy({default}), type_{number})"
        lines += [f"if {given}:", *(f"    {line}" for line in take), f"else: {found} = {default}"]
    by_name = {each.name: f"{each.alias}=" for each in attrs.fields(cls) if each.kw_only}
    arguments = [f"{by_name.get(each.attribute, '')}field_{number}" for number, each in enumerate(fields)]
    lines.append(f"return cls({', '.join(sorted(arguments, key=lambda each: '=' in each))})")
    exec("\n    ".join(["def structure(value, _):", *lines]), known)  # noqa: S102 - of names, all by repr
    made: Hook = known["structure"]
    return made


def _taken_as_it_is(field: Field, found: str) -> tuple[str, dict[str, Any]]:
    """Return in Python whether a field takes what was found as it is, and the limits that this names.

    Nothing where only its hook knows. What a limit's repr means is known to its class alone.
    """
    type_ = field.type
    limits: dict[str, Any] = {}
    match type_:
        case BoolType():
            rules, limited = [f"({found} is True or {found} is False)"], found
        case IntType():
            rules, limited = [f"{found}.__class__ is int"], found
        case StrType(pattern=None, format=None):
            rules, limited = [f"{found}.__class__ is str"], f"len({found})"
        case _:
            return "", {}
    for name, (sign, _, _) in _LIMITS.items():
        if (limit := getattr(type_, name, None)) is not None:
            limits[f"{found}_{name}"] = limit
            rules.append(f"{limited} {sign} {found}_{name}")
    passes = " and ".join(rules)
    return f"{found} is None or {passes}" if field.nullable else passes, limits


def _checked(field: Field, value: Any, what: str) -> Any:
    """Return a default or an example as a config with it would give it."""
    if value is None and field.nullable:
        return None
    printed = REDACTED if field.meta.secret else repr(value)
    if value is None and not isinstance(field.type, AnyType):
        raise DefinitionError(
            f"its {what} None does not fit: must be {wanted(field.type)}; if it may be None, write … | None"
        )
    data = value.value if isinstance(value, Enum) else value
    kinds = {ListType: (list, tuple), ModelType: (getattr(field.type, "cls", ()),)}.get(type(field.type), ())
    fits = isinstance(data, (str, int, float, *kinds)) or not kinds
    found = "holds something else" if fits and kinds else f"is of type {type(value).__name__}"
    try:
        if not isinstance(data, str | int | float):
            data = field_to_json(data, field.annotation, redact=False)
        # without what JSON lacks: subclasses, tuples, keys that are numbers
        data = json.loads(json.dumps(data))
    except (TypeError, ValueError, AttributeError, KeyError, RecursionError):
        fits = False
        if isinstance(data, list | tuple) and all(type(each) in (str, int, float) for each in data):
            fits, data = True, list(data)  # the item that is wrong is named below
    if not fits:
        raise DefinitionError(f"its {what} {printed} does not fit: must be {wanted(field.type)}, and {found}")
    made, problems = parse_in_detail(field.annotation, data, shown_secret if field.meta.secret else shown)
    if problems:
        raise DefinitionError(f"its {what} {printed} does not fit: {problems[0].removesuffix(' @ $')}")
    return made


_HOOKS: Mapping[Any, Hook] = {
    str: _string,
    bool: _boolean,
    int: _integer,
    float: _float,
    datetime: _datetime,
    timedelta: _timedelta,
}
"""cattrs asks them for subclasses too, which only enums are; for a field, with whatever annotates it."""


def _origin_in(*origins: Any) -> Callable[[Any], bool]:
    return lambda annotation: (typing.get_origin(annotation) or annotation) in origins


def _is_enum(annotation: Any) -> bool:
    return typing.get_origin(annotation) is Literal or (
        isinstance(annotation, type) and issubclass(annotation, Enum)
    )


_FACTORIES: tuple[tuple[Callable[[Any], bool], Callable[..., Hook]], ...] = (
    (_origin_in(Any, object), lambda _: _anything),
    (_origin_in(*LISTS), _list),
    (_origin_in(*DICTS), _dict),
    (_origin_in(Union, UnionType), _optional),
    (_is_enum, _enum),
    (_origin_in(Annotated), _narrowed),
    (is_model, _model),
)
