"""Take secrets out of recorded host calls: by the names that they have, and by value in every encoding."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from reglet.domain.entities import JSONValue
from reglet.domain.ports import Plugin
from reglet.testing.assertions import is_number

MASK = "***"

_SECRET_NAME = re.compile(
    r"(?i)(^|[^a-z])(authorization|cookie|set-cookie|pass|\w*pass(word|wd|phrase)|sshpass|\w*[-_]pwd|(?-i:pwd)"
    r"|secret\w*|credential\w*|signature|jwt|(api|access|private|secret)[-_]?key(id)?|(\w*[-_])?token|sig)"
    r"($|[^a-z])"
)
_SECRET_QUERY = re.compile(r"(?i)x-amz-(signature|credential|security-token)")
_ABOUT_SECRETS = re.compile(
    r"(?i)^access-control-|(^|[^a-z])(age|alg(orithm)?|authentication|count|days|enabled|endpoint|exp(ires|iry|iration)?"
    r"|file|format|length|lifetime|max|methods?|min|name|path|policy|required|rotation|stdin|supported|ttl|type|ur[il])$"
)
"""Names that speak of a secret and do not hold it: `token_type`, `Access-Control-Allow-Credentials`."""

_NO_SECRET = frozenset({"", MASK, "true", "false", "yes", "no", "on", "off", "none", "null"})
_ONE_BYTE = 256
_LEAST_SECRET = 4
_LEAST_LEARNT = 6
"""Characters of a value that is a secret by its name, to be looked for elsewhere too."""

_BASE32 = re.compile(r"(?<![A-Z2-7])[A-Z2-7]{7,}={0,6}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{6,}={0,2}")
_USER_OF_URL = re.compile(r"(?<=://)[^/?#\s@\"'<>]+(?=@)")
_PARAMETER = re.compile(r"(?<![^\s?&;#\"'])([\w.%\[\]-]{1,80})=(\"[^\"\n]*\"|'[^'\n]*'|[^&;#\s\"'<>]+)")
_JSON_NAME = re.compile(r'"((?:[^"\\]|\\.){1,80})"\s*:\s*')
_JSON_SCALAR = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|-?\d[\d.eE+-]*')
_XML_ELEMENT = re.compile(r"<([\w:.-]{1,80})(?:\s[^<>]*)?>([^<>]+)</")
_LINE = re.compile(r"(?m)^([ \t>*-]*)([A-Za-z][\w.-]{0,80})([ \t]*:[ \t]*|[ \t]+=[ \t]*)(\S.*)$")
_PRIVATE_KEY = re.compile(r"(?s)(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)(.+?)(?=-----END |\Z)")
_SIGNED_TOKEN = re.compile(r"(\beyJ[\w-]{10,4000}\.eyJ[\w-]{2,8000}\.)[\w-]{20,2000}")
"""A JSON Web Token: what is said in it, and the signature that makes it one."""

_PART_NAME = re.compile(r'\bname="([^"\r\n]{1,80})"')
_BLANK_LINE = re.compile(r"\r?\n\r?\n")
_HTML_FIELD = re.compile(r"(?i)<(?:input|meta)\s[^<>]{1,2000}>")
_HTML_NAME = re.compile(r"(?i)\sname\s*=\s*[\"']?([\w.\[\]:-]{1,80})")
_HTML_VALUE = re.compile(r"(?i)(\s(?:value|content)\s*=\s*)(\"[^\"]*\"|'[^']*'|[^\s\"'>]+)")
_OPTION = re.compile(r"(?:--?|/)[A-Za-z][\w-]*")
_LOGIN_OPTIONS = frozenset({"-u", "-U", "--user", "--proxy-user"})
"""Options of curl and the like, behind which stands `user:password`."""

_SCHEME = re.compile(r"[A-Za-z][\w-]*(?= +\S)")


def is_secret_name(name: str) -> bool:
    """Whether a header, parameter, field or variable of this name holds a secret."""
    separated = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("_", "-")
    if _SECRET_QUERY.fullmatch(name) is not None:
        return True
    return _SECRET_NAME.search(separated) is not None and _ABOUT_SECRETS.search(separated) is None


class Masker:
    """Masks the values that have a secret's name, and every known secret wherever it stands.

    Known secrets are those that it is given and those that it learns. They are found as they are, quoted for
    a URL, escaped for JSON, HTML or source code, in hexadecimal digits, base64, base32 and UTF-16, and in
    what these make of each other. Those shorter than four characters would stand everywhere: they are masked
    as whole values of a config, arguments and headers alone.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Know these secrets."""
        self._secrets: set[str] = set()
        self._short: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._know(secrets)

    def learn(self, message: JSONValue) -> None:
        """Know from now on what has a secret's name in a message."""
        found: set[str] = set()
        _Masking(self, found).masked(message)
        self._know(value for value in found if len(value) >= _LEAST_LEARNT)

    def masked(self, message: JSONValue) -> JSONValue:
        """Return a request, an answer or a config without its secrets."""
        return _Masking(self, set()).masked(message)

    def masked_config(self, config: JSONValue) -> JSONValue:
        """Return a config without its secrets, however short they are, numbers too."""
        if isinstance(config, Mapping):
            return self.masked({name: self.masked_config(value) for name, value in config.items()})
        if isinstance(config, list):
            return [self.masked_config(value) for value in config]
        return self.masked(MASK if self.is_short(config) else config)

    def is_short(self, value: JSONValue) -> bool:
        """Whether a value is a known secret that is too short to be looked for in others."""
        return (isinstance(value, str) or is_number(value)) and str(value) in self._short

    def known_in(self, text: str) -> str:
        """Return a string with a mask for every known secret in it."""
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        return _BASE32.sub(self._encoded, _BASE64.sub(self._encoded, text))

    def is_known(self, number: float) -> bool:
        """Whether a number is a known secret."""
        return str(number) in self._secrets

    def _know(self, secrets: Iterable[str]) -> None:
        new = set(secrets) - self._secrets - _NO_SECRET
        if new or self._pattern is None:
            self._short |= {secret for secret in new if len(secret) < _LEAST_SECRET}
            self._secrets |= new - self._short
            known = sorted({MASK, *self._secrets}, key=lambda secret: (-len(secret), secret))
            self._pattern = re.compile("|".join(map(_written, known)))

    def _encoded(self, match: re.Match[str]) -> str:
        """Return a mask where what is encoded has a known secret, or a mask already, in it."""
        encoded = match.group().rstrip("=").replace("-", "+").replace("_", "/")
        # digits to a group, and the lengths of a last group that no bytes have
        decode, group, cut_off = (
            (base64.b64decode, 4, (1,)) if match.re is _BASE64 else (base64.b32decode, 8, (1, 3, 6))
        )
        is_whole = len(encoded) % group not in cut_off
        decoded = decode(encoded + "=" * (-len(encoded) % group)) if is_whole else b""
        text = decoded.decode("utf-8", "replace")
        return MASK if MASK in text or self.known_in(text) != text else match.group()


_HTML_NAMES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "#x27"}


def _written(secret: str) -> str:
    """Return a pattern of all ways to write a secret.

    Those are hexadecimal digits, or each character as it is, or as addresses, HTML, JSON and source code
    write it; of these the first that fits, whatever follows: else many would be tried.
    """
    characters = []
    for character in secret:
        code = ord(character)
        units = character.encode("utf-16-be", "surrogatepass").hex()
        ways = [
            "".join(f"%(?:25){{0,4}}(?i:{byte:02x})" for byte in character.encode("utf-8", "surrogatepass")),
            f"&(?:amp;){{0,4}}#(?:0*{code}|[xX]0*(?i:{code:x}));",
            "".join(f"\\\\{{1,4}}u(?i:{units[at : at + 4]})" for at in range(0, len(units), 4)),
        ]
        if character in _HTML_NAMES:
            ways.append(f"&(?:amp;){{0,4}}{_HTML_NAMES[character]};")
        if code < _ONE_BYTE:
            ways += [f"\\\\{{1,4}}x(?i:{code:02x})", f"\\\\{{1,4}}{code:03o}"]
        if character == " ":
            ways.append("\\+")
        plain = dict.fromkeys((json.dumps(character)[1:-1].lstrip("\\"), character))
        ways.append(f"\\\\{{0,4}}(?:{'|'.join(map(re.escape, plain))})")
        characters.append(f"(?>{'|'.join(ways)})")
    digits = "[:\\s-]?".join(f"{byte:02x}" for byte in secret.encode("utf-8", "surrogatepass"))
    return "\0?".join(characters) + f"|(?i:{digits})"


class _Masking:
    """One pass over a message, which collects the secrets that it finds by name."""

    def __init__(self, masker: Masker, found: set[str]) -> None:
        self._masker = masker
        self._found = found

    def masked(self, value: JSONValue) -> JSONValue:
        if isinstance(value, Mapping):
            return {key: self._member(str(key), item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.masked(item) for item in value]
        if isinstance(value, str):
            return self._text(value)
        return MASK if is_number(value) and self._masker.is_known(value) else value

    def _member(self, key: str, value: JSONValue) -> JSONValue:
        match key, value:
            case "headers", Mapping():
                return {name: self._header(name, item) for name, item in value.items()}
            case "env", list():
                return [self._assignment(item) for item in value]
            case "args", list():  # `--token X` and `--token=X` without the X
                masked, option = [], ""
                for argument in value:
                    text = argument if isinstance(argument, str) else ""
                    is_option = _OPTION.fullmatch(text) is not None
                    is_secret = option and not (is_option and text.startswith("-"))
                    user, colon, password = text.partition(":")
                    if is_secret and option in _LOGIN_OPTIONS:
                        masked.append(
                            f"{user}:{self._secret(password)}" if colon else self._assignment(argument)
                        )
                    else:
                        masked.append(self._secret(argument) if is_secret else self._assignment(argument))
                    is_about = is_secret_name(text.lstrip("-/")) or text in _LOGIN_OPTIONS
                    option = text if is_option and is_about else ""
                return masked
            case "body", str():
                try:
                    data = base64.b64decode(value, validate=True)
                except ValueError:
                    return self._text(value)
                try:
                    text, encoding = data.decode(), "utf-8"
                except UnicodeDecodeError:  # only what is known is looked for, byte by byte
                    text, encoding = data.decode("latin-1"), "latin-1"
                shown = self._text(text) if encoding == "utf-8" else self._masker.known_in(text)
                return value if shown == text else base64.b64encode(shown.encode(encoding)).decode()
        return self._secret(value) if is_secret_name(key) else self.masked(value)

    def _secret(self, value: JSONValue) -> JSONValue:
        """Return what has a secret's name with a mask for every string and number in it."""
        if isinstance(value, Mapping):
            return {key: self._secret(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._secret(item) for item in value]
        if is_number(value) or (isinstance(value, str) and value.lower() not in _NO_SECRET):
            self._found.add(str(value))
            return MASK
        return value

    def _header(self, name: str, value: JSONValue) -> JSONValue:
        if isinstance(value, list):
            return [self._header(name, item) for item in value]
        if self._masker.is_short(value):
            return MASK
        if not isinstance(value, str) or not is_secret_name(name):
            return self.masked(value)
        kind = name.lower()
        if kind in ("cookie", "set-cookie"):
            pairs = value.split(";")
            first = 1 if kind == "set-cookie" else None  # attributes stand behind it
            for index, pair in enumerate(pairs[:first]):
                name, equals, secret = pair.partition("=")
                start, secret = (f"{name}=", secret) if equals else ("", pair)
                self._secret(secret.strip().strip('"'))
                pairs[index] = start + MASK if secret.strip() else pair
            return ";".join(pairs)
        scheme = _SCHEME.match(value) if kind.endswith("authorization") else None
        start = "" if scheme is None else f"{scheme.group()} "
        self._secret(value[len(start) :].strip())
        return start + MASK if value.strip() else value

    def _assignment(self, value: JSONValue) -> JSONValue:
        """Return `NAME=X` or `--name=X` without its X, whatever is in it."""
        if self._masker.is_short(value):
            return MASK
        name, equals, secret = value.partition("=") if isinstance(value, str) else ("", "", "")
        if not equals or not is_secret_name(name.lstrip("-/")):
            return self.masked(value)
        return f"{name}={self._secret(secret)}"

    def _text(self, text: str) -> str:
        masked = _PRIVATE_KEY.sub(rf"\1{MASK}", text)
        masked = _SIGNED_TOKEN.sub(rf"\1{MASK}", masked)
        if masked.startswith("--"):
            masked = self._form(masked)
        masked = _HTML_FIELD.sub(self._html_field, masked)
        masked = _USER_OF_URL.sub(MASK, masked)
        masked = _PARAMETER.sub(self._parameter, masked)
        parts, end = [], 0
        for match in _JSON_NAME.finditer(masked):
            if match.start() < end or not is_secret_name(match.group(1)):
                continue
            try:
                _, stop = json.JSONDecoder().raw_decode(masked, match.end())
            except (ValueError, RecursionError):  # cut off, or no JSON
                continue
            parts += [masked[end : match.end()], _JSON_SCALAR.sub(self._scalar, masked[match.end() : stop])]
            end = stop
        masked = "".join([*parts, masked[end:]])
        masked = _XML_ELEMENT.sub(self._element, masked)
        masked = _LINE.sub(self._line, masked)
        masked = self._masker.known_in(masked)
        if masked == text or _is_json(masked) or not _is_json(text):
            return masked
        # a mask in place of a number broke it: value by value then
        return json.dumps(self.masked(json.loads(text)), ensure_ascii=False)

    def _parameter(self, match: re.Match[str]) -> str:
        name, value = match.groups()
        if not is_secret_name(unquote(name).lstrip("-")):
            return match.group()
        masked = self._secret(unquote(value.strip("\"'")))
        return f"{name}={MASK}" if masked == MASK else match.group()

    def _form(self, text: str) -> str:
        """Return `multipart/form-data`, whose first line is its boundary, without its secrets."""
        boundary = "\n" + text.partition("\n")[0].rstrip("\r")
        parts = text.split(boundary)
        for index, part in enumerate(parts):
            blank = _BLANK_LINE.search(part)
            name = None if blank is None else _PART_NAME.search(part, 0, blank.start())
            if blank is not None and name is not None and is_secret_name(name.group(1)):
                content = part[blank.end() :].removesuffix("\r")
                parts[index] = (
                    f"{part[: blank.end()]}{self._secret(content)}{part[blank.end() + len(content) :]}"
                )
        return boundary.join(parts)

    def _html_field(self, match: re.Match[str]) -> str:
        """Return `<input name=… value=…>` or `<meta name=… content=…>` without the value."""
        name = _HTML_NAME.search(match.group())
        if name is None or not is_secret_name(name.group(1)):
            return match.group()

        from html import unescape  # with a table of all that HTML names

        def masked(value: re.Match[str]) -> str:
            quote = value.group(2)[0] if value.group(2)[0] in "\"'" else ""
            plain = value.group(2).strip(quote) if quote else value.group(2)
            return f"{value.group(1)}{quote}{self._secret(unescape(plain))}{quote}"

        return _HTML_VALUE.sub(masked, match.group())

    def _scalar(self, match: re.Match[str]) -> str:
        if match.group(2) is not None:  # a name
            return match.group()
        masked = self._secret(json.loads(match.group()))
        return json.dumps(masked) if masked == MASK else match.group()

    def _element(self, match: re.Match[str]) -> str:
        from html import unescape

        name, value = match.groups()
        if not is_secret_name(name.rpartition(":")[2]) or self._secret(unescape(value.strip())) != MASK:
            return match.group()
        return match.group().replace(f">{value}</", f">{MASK}</")

    def _line(self, match: re.Match[str]) -> str:
        """Return a line as settings and headers are printed: `password: X`, `Authorization: Bearer X`."""
        start, name, between, value = match.groups()
        value = value.rstrip()
        if not is_secret_name(name) or value[:1] in "{[" or value.lower() in _NO_SECRET:
            return match.group()
        masked = self._header(name, value) if ":" in between else self._secret(value)
        return f"{start}{name}{between}{masked}"


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def known_secrets(
    config: bytes,
    plugin: Plugin | None = None,
    environment: Mapping[str, str] | None = None,
    schema: Mapping[str, Any] | None = None,
) -> list[str]:
    """Return the secrets that a check may put into its host calls.

    Those are the strings and numbers of fields that the plugin's models mark as secret, and its config schema
    as `writeOnly`; of config fields with a secret's name, and of environment variables with one
    (`AWS_SECRET_ACCESS_KEY`).
    """
    secrets: list[str] = []
    with suppress(ValueError):
        decoded = json.loads(config)
        secrets += _named_secrets(decoded, named=False)
        secrets += _write_only(decoded, schema or {})
        if plugin is not None:
            from reglet.application.models.model_types import model_type
            from reglet.application.models.redaction import secret_strings
            from reglet.application.plugin import PluginDefinition
            from reglet.testing.runners import definition_of

            definition = definition_of(plugin)
            if isinstance(definition, PluginDefinition):
                inputs = [operation.input for operation in definition.operations]
                for model in filter(None, dict.fromkeys([definition.config, *inputs])):
                    secrets += secret_strings(model_type(model), decoded)
    variables = os.environ if environment is None else environment
    secrets += (
        value
        for name, value in variables.items()
        if len(value) >= _LEAST_SECRET
        and is_secret_name(name)  # a shorter one has nothing to do with the config
    )
    return list(dict.fromkeys(secrets))


def _named_secrets(value: Any, *, named: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _named_secrets(item, named=named or is_secret_name(name))
    elif isinstance(value, list):
        for item in value:
            yield from _named_secrets(item, named=named)
    elif named and (is_number(value) or isinstance(value, str)) and str(value).lower() not in _NO_SECRET:
        yield str(value)


def _write_only(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the strings and numbers of a config in what its schema says is never shown."""
    if schema.get("writeOnly") is True:
        yield from _named_secrets(value, named=True)
        return
    properties, others, items = map(schema.get, ("properties", "additionalProperties", "items"))
    if isinstance(value, Mapping):
        for name, entry in value.items():
            below = properties.get(name, others) if isinstance(properties, Mapping) else others
            if isinstance(below, Mapping):
                yield from _write_only(entry, below)
    elif isinstance(value, list) and isinstance(items, Mapping):
        for item in value:
            yield from _write_only(item, items)
