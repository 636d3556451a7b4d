"""From models to JSON values: what a Result's data, a schema's default and an example hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from reglet.application.models.inspect import is_model, model_type
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
