"""Secrets: how a model is shown without them, and how they are found and taken out of strings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from reglet.application.models.meta import META, Meta
from reglet.application.models.model_types import DictType, ListType, ModelType, Type, model_type
from reglet.application.models.to_json import REDACTED
from reglet.domain.errors import RegletError

_SHORT = 4
"""Secrets shorter than this are taken out only where they are the whole string: they are parts of words."""


def model_repr(value: Any) -> str:
    """Return what `repr` shows of a model: as attrs would, but for secrets.

    While annotations cannot be read, every field that may be secret counts as secret.
    """
    model = type(value)
    try:
        secret = {each.attribute for each in model_type(model).fields if each.meta.secret}
    except RegletError:
        secret = {
            each.name
            for each in attrs.fields(model)
            if each.metadata.get(META, Meta()).secret or "secret" in str(each.type).lower()
        }
    shown = (
        f"{each.name}={REDACTED if each.name in secret else getattr(value, each.name)!r}"
        for each in attrs.fields(model)
    )
    return f"{model.__qualname__}({', '.join(shown)})"


def secret_strings(model: ModelType, config: Any) -> Iterator[str]:
    """Yield every string in the secret fields of a config, whether it fits or not, and in their defaults."""
    if not model.has_secrets or not isinstance(config, Mapping):
        return
    for each in model.fields:
        entry = config.get(each.name)
        if not each.meta.secret:
            yield from _inside(each.type, entry)
        elif entry is not None:
            yield from _strings(entry)
        elif not each.required:
            yield from _strings(each.default_value())


def _inside(type_: Type, value: Any) -> Iterator[str]:
    match type_, value:
        case ModelType(), _:
            yield from secret_strings(type_, value)
        case ListType(item=item_type), list():
            for item in value:
                yield from _inside(item_type, item)
        case DictType(value=value_type), Mapping():
            for entry in value.values():
                yield from _inside(value_type, entry)


def _strings(value: Any) -> Iterator[str]:
    """Yield the strings, and the numbers as strings, in a secret value of any kind."""
    match value:
        case bool() | None:
            return
        case str() | int() | float():
            yield str(value)
        case Mapping():
            for entry in value.values():
                yield from _strings(entry)
        case Iterable():
            for each in value:
                yield from _strings(each)
        case _ if attrs.has(type(value)):
            for attribute in attrs.fields(type(value)):
                yield from _strings(getattr(value, attribute.name))


class Redaction:
    """Takes known secrets out of whatever is about to be shown.

    Attributes:
        secrets: as they are, and as a repr and JSON write them, longest first.
    """

    __slots__ = ("secrets",)

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Take the secrets."""
        forms = {form for each in secrets for form in (each, repr(each)[1:-1], json.dumps(each)[1:-1])}
        self.secrets = tuple(sorted(forms - {""}, key=len, reverse=True))

    def __bool__(self) -> bool:
        """Whether there is anything to take out."""
        return bool(self.secrets)

    def string(self, string: str) -> str:
        """Return a string without the secrets."""
        for secret in self.secrets:
            if string == secret:
                return REDACTED
            if len(secret) >= _SHORT and secret in string:
                string = string.replace(secret, REDACTED)
        return string

    def value(self, value: Any) -> Any:
        """Return a JSON value without the secrets, in its keys neither."""
        if isinstance(value, str):
            return self.string(value)
        if isinstance(value, Mapping):
            return {self.string(str(name)): self.value(entry) for name, entry in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(each) for each in value]
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            written = str(value)
            return REDACTED if len(written) >= _SHORT and written in self.secrets else value
        return value
