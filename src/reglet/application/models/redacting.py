"""Secrets: how a model is shown without them, and how they are found and taken out of texts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from reglet.application.models.declaring import MARKS
from reglet.application.models.marks import Marks
from reglet.application.models.reading import record_of
from reglet.application.models.shapes import ABSENT, Listing, Record, Shape, Table
from reglet.application.models.writing import REDACTED
from reglet.domain.errors import RegletError

_SHORT = 4
"""Secrets shorter than this are taken out only where they are the whole text: they are parts of words."""


def shown_fields(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the names of a model's fields and how a repr shows their values."""
    secret = _secret_attributes(type(value))
    for attribute in attrs.fields(type(value)):
        hidden = attribute.name in secret
        yield attribute.name, f"'{REDACTED}'" if hidden else repr(getattr(value, attribute.name))


def _secret_attributes(model: type[Any]) -> frozenset[str]:
    """Return the names of secret attributes; while annotations cannot be read, of all that may be."""
    try:
        return frozenset(each.attribute for each in record_of(model).fields if each.marks.secret)
    except RegletError:
        attributes = attrs.fields(model)
        marked = {each.name for each in attributes if each.metadata.get(MARKS, Marks()).secret}
        return frozenset(marked | {each.name for each in attributes if "Secret" in str(each.type)})


def secret_texts(record: Record, config: Any) -> Iterator[str]:
    """Yield every text in the secret fields of a config, whether it fits or not, and in their defaults."""
    if not record.has_secrets or not isinstance(config, Mapping):
        return
    for each in record.fields:
        entry = config.get(each.name)
        if not each.marks.secret:
            yield from _inside(each.shape, entry)
        elif entry is not None:
            yield from _texts(entry)
        elif each.default is not ABSENT:
            yield from _texts(each.default_value())


def _inside(shape: Shape, value: Any) -> Iterator[str]:
    if isinstance(shape, Record):
        yield from secret_texts(shape, value)
    elif isinstance(shape, Listing) and isinstance(value, list):
        for item in value:
            yield from _inside(shape.item, item)
    elif isinstance(shape, Table) and isinstance(value, Mapping):
        for entry in value.values():
            yield from _inside(shape.value, entry)


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts, and the numbers as text, in a secret value of any kind."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, Mapping):
        value = value.values()
    if isinstance(value, (str, int, float)):
        yield str(value)
    elif isinstance(value, Iterable):
        for each in value:
            yield from _texts(each)
    elif attrs.has(type(value)):
        for attribute in attrs.fields(type(value)):
            yield from _texts(getattr(value, attribute.name))


def _longest_first(texts: Iterable[str]) -> tuple[str, ...]:
    """Return texts as they are and as a repr and JSON write them, longest first."""
    forms = {form for text in texts for form in (text, repr(text)[1:-1], json.dumps(text)[1:-1])}
    return tuple(sorted(forms - {""}, key=len, reverse=True))


class Redaction:
    """Takes known secrets out of whatever is about to be shown."""

    __slots__ = ("secrets",)

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Take the secrets."""
        self.secrets = _longest_first(secrets)

    def __bool__(self) -> bool:
        """Whether there is anything to take out."""
        return bool(self.secrets)

    def text(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in self.secrets:
            if text == secret:
                return REDACTED
            if len(secret) >= _SHORT and secret in text:
                text = text.replace(secret, REDACTED)
        return text

    def value(self, value: Any) -> Any:
        """Return a JSON value without the secrets, in its keys neither."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(name)): self.value(entry) for name, entry in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(each) for each in value]
        return REDACTED if self._is_secret_number(value) else value

    def _is_secret_number(self, value: Any) -> bool:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_number and len(str(value)) >= _SHORT and str(value) in self.secrets
