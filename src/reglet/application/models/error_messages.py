"""What is wrong with a value, and where: `message @ $.path`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from reglet.application.models.model_types import (
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
    model_type,
)
from reglet.application.names import path_step
from reglet.domain.errors import ConfigError

CONVERTED = "field_"
"""What the converter knows a field by, before its name: cattrs has arguments of its own."""

_LONGEST_SHOWN = 60
_JSON_TYPES = {
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    list: "a list",
    dict: "an object",
}


class InvalidValue(Exception):  # noqa: N818 - an answer
    """A JSON value that is not what it must be: the rules that it breaks, and itself."""

    def __init__(self, *rules: str, value: Any) -> None:
        """Take rules such as `be a string`, and the value that breaks them."""
        super().__init__(*rules)
        self.rules = rules
        self.value = value


class InvalidLength(InvalidValue):
    """A list or object with too few or too many members; `value` is their number."""


def error_messages(error: Exception, show: Callable[[Any], str], path: str = "$") -> list[str]:
    """Return what the detailed converter raised as `message @ $.path`, in the order of the fields.

    Args:
        error: a group of cattrs, or one problem.
        show: writes a value in a message; of secret fields only the kind is shown.
        path: where the value lies.

    Raises:
        Exception: what is no problem of the data, such as a bug in a model's own rule.
    """
    from cattrs.errors import ClassValidationError, IterableValidationError

    messages: list[str] = []
    if isinstance(error, InvalidValue):
        found = str(error.value) if isinstance(error, InvalidLength) else show(error.value)
        messages += [f"must {rule}, not {found} @ {path}" for rule in error.rules]
    elif isinstance(error, IterableValidationError):
        inside, beside = error.group_exceptions()
        for each in beside:
            messages += error_messages(each, show, path)
        for each, item in inside:
            messages += error_messages(each, show, path + path_step(item.index))
    elif isinstance(error, ClassValidationError):
        fields = {CONVERTED + each.attribute: each for each in model_type(error.cl).fields}
        fields_wrong, beside = error.group_exceptions()
        for each, note in fields_wrong:
            field = fields[note.name]
            below = path + path_step(field.name)
            is_null = isinstance(each, InvalidValue) and each.value is None
            if is_null or isinstance(each, KeyError):
                not_null = ", not null" if is_null else ""
                messages.append(f"is required: {wanted(field.type)}{not_null} @ {below}")
            else:
                messages += error_messages(each, shown_secret if field.meta.secret else show, below)
        for each in beside:
            messages += error_messages(each, show, path)
    elif isinstance(error, ValueError | ConfigError):  # a model's own rule
        messages.append(f"{error} @ {path}")
    else:
        raise error
    return messages


def wanted(type_: Type) -> str:
    """Return what a value of a type is, such as `a string`."""
    if isinstance(type_, EnumType):
        return f"one of {', '.join(map(shown, type_.members))}"
    return _KINDS[type(type_)]


def shown(value: Any) -> str:
    """Return a JSON value as a person would see it in a config, shortened."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    written = json.dumps(value, ensure_ascii=False, default=repr)  # a dict of the author's may hold anything
    return written if len(written) <= _LONGEST_SHOWN else written[:_LONGEST_SHOWN] + "…"


def shown_secret(value: Any) -> str:
    """Return what may be shown of a secret: nothing but its kind."""
    return "null" if value is None else f"{_JSON_TYPES.get(type(value), 'a value')} (secret)"


_KINDS: Mapping[type[Any], str] = {
    StrType: "a string",
    IntType: "an integer",
    FloatType: "a number",
    BoolType: "true or false",
    DateTimeType: "a timestamp",
    TimeDeltaType: "a duration",
    ListType: "a list",
    DictType: "an object",
    ModelType: "an object",
    AnyType: "any value that JSON has",
}
