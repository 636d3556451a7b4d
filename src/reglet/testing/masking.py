"""Take secrets out of recorded host calls, the same way each time, so that a masked call can be compared."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from reglet.application.models.inspect import model_type
from reglet.application.models.redaction import secret_strings
from reglet.application.plugin import PluginDefinition
from reglet.domain.entities import JSONValue
from reglet.domain.ports import Plugin
from reglet.testing.runners import definition_of

MASK = "***"

_SECRET_NAME = re.compile(
    r"(?i)(^|[^a-z])(authorization|cookie|set-cookie|pass(word|wd|phrase)?|secret\w*|credential\w*|signature"
    r"|(api|access|private|secret)[-_]?key(id)?|(\w*[-_])?token|sig)($|[^a-z])"
)
_SECRET_QUERY = re.compile(r"(?i)x-amz-(signature|credential|security-token)")
_VOLATILE_HEADERS = frozenset({"date", "x-amz-date", "traceparent", "x-request-id"})
_LEAST_SECRET = 4


def is_secret_name(name: str) -> bool:
    """Whether a header, parameter or variable of this name holds a secret."""
    separated = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("_", "-")
    return _SECRET_NAME.search(separated) is not None or _SECRET_QUERY.fullmatch(name) is not None


class Masker:
    """Masks what has a secret's name, and every text that is known to be one.

    Known secrets shorter than four characters are not looked for: they would stand everywhere.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Know these secrets."""
        longest_first = sorted((s for s in set(secrets) if len(s) >= _LEAST_SECRET), key=len, reverse=True)
        self._known = [
            form for secret in longest_first for form in dict.fromkeys((secret, quote(secret, "")))
        ]

    def masked(self, value: JSONValue) -> JSONValue:
        """Return a request or an answer without its secrets."""
        if isinstance(value, Mapping):
            return {key: self._member(str(key), item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.masked(item) for item in value]
        return self._text(value) if isinstance(value, str) else value

    def _member(self, key: str, value: JSONValue) -> JSONValue:
        if key == "headers" and isinstance(value, Mapping):
            return {name: self._header(name, item) for name, item in value.items()}
        if key == "env" and isinstance(value, list):
            return [self._assignment(str(item)) for item in value]
        if key == "body" and isinstance(value, str):
            return self._body(value)
        if key == "url" and isinstance(value, str):
            return self._url(value)
        return MASK if is_secret_name(key) and isinstance(value, str) else self.masked(value)

    def _header(self, name: str, value: JSONValue) -> JSONValue:
        if is_secret_name(name) or name.lower() in _VOLATILE_HEADERS:
            return [MASK] * len(value) if isinstance(value, list) else MASK
        return self.masked(value)

    def _assignment(self, assignment: str) -> str:
        name, equals, value = assignment.partition("=")
        return f"{name}{equals}{MASK}" if is_secret_name(name) else f"{name}{equals}{self._text(value)}"

    def _body(self, encoded: str) -> str:
        try:
            text = base64.b64decode(encoded, validate=True).decode()
        except ValueError:  # no base64, or not of a text
            return self._text(encoded)
        return base64.b64encode(self._text(text).encode()).decode()

    def _url(self, url: str) -> str:
        try:
            parts = urlsplit(url)
            query = parse_qsl(parts.query, keep_blank_values=True)
        except ValueError:
            return self._text(url)
        _, at, host = parts.netloc.rpartition("@")
        netloc = f"{MASK}@{host}" if at else parts.netloc
        if any(is_secret_name(name) for name, _ in query):
            pairs: list[tuple[str, Any]] = [(n, MASK if is_secret_name(n) else v) for n, v in query]
            parts = parts._replace(query=urlencode(pairs, safe="*"))
        return self._text(urlunsplit(parts._replace(netloc=netloc)))

    def _text(self, text: str) -> str:
        for secret in self._known:
            text = text.replace(secret, MASK)
        return text


def known_secrets(
    config: bytes, plugin: Plugin | None = None, environment: Mapping[str, str] | None = None
) -> list[str]:
    """Return the secrets that a check may put into its host calls.

    Those are the texts of fields that the plugin's models mark as secret, of config fields with a secret's
    name, and of environment variables with one (`AWS_SECRET_ACCESS_KEY`).
    """
    variables = os.environ if environment is None else environment
    named = (value for name, value in variables.items() if is_secret_name(name))
    return list(dict.fromkeys([*_of_config(config, plugin), *named]))


def _of_config(config: bytes, plugin: Plugin | None) -> Iterator[str]:
    try:
        decoded = json.loads(config)
    except ValueError:
        return
    yield from _named_secrets(decoded)
    definition = None if plugin is None else definition_of(plugin)
    if isinstance(definition, PluginDefinition):
        inputs = [operation.input for operation in definition.operations]
        for model in dict.fromkeys([definition.config, *inputs]):
            if model is not None:
                yield from secret_strings(model_type(model), decoded)


def _named_secrets(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            if isinstance(item, str):
                yield from [item] if is_secret_name(name) else []
            else:
                yield from _named_secrets(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named_secrets(item)
