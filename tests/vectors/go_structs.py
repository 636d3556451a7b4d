"""Go struct types as the vectors write them, made into models."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import Enum
from queue import Queue
from typing import Any, Literal

from attrs import evolve, frozen

import reglet
from tests.vectors.running import NoCounterpartError

_TAG = re.compile(r'(\w+):"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_NOTE = re.compile(r"(?<!func)\s*\((\w+ [^)]*)\)")
_ALIAS = re.compile(r"type (\w+) ([\w.\[\]*]+)")
_ARRAY = re.compile(r"\[(\d+)\]")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_COMMA = re.compile(r"(?<!\\),")
_DECLARED = re.compile(r"^type \w+ (?=struct\b)")
_STRUCT = re.compile(r"\bstruct\s+\{")
_PACKAGES = ("abi", "config", "entities", "hostfunc", "log", "main", "ports")
_REMARK = re.compile(r"\s*\((?:no fields|empty)\)|\s+(?:with no|without a) type name$")
TYPES = {
    "sInner": 'X int `json:"x" jsonschema:"minimum=1,maximum=9"`; Y string `json:"y,omitempty"`',
    "sEmbed": 'Base string `json:"base"`',
    "Embedded": 'Base string `json:"base"`',
    "sTree": 'V int `json:"v"`; Kids []*sTree `json:"kids,omitempty"`',
    "checkIn": 'URL string `json:"url"`; ExpectedStatus int `json:"expected_status"`',
    "checkOut": 'StatusCode int `json:"status_code"`; URL string `json:"url"`',
    "target": 'Name string `json:"name"`; N int `json:"n"`; L []string `json:"l"`',
    "ContextWire": (
        'Deadline *time.Time `json:"deadline,omitempty"`; RequestID string `json:"request_id,omitempty"`; '
        'TimeoutMs int64 `json:"timeout_ms,omitempty"`; Canceled bool `json:"canceled,omitempty"`'
    ),
    "DNSRequest": (
        'Hostname string `json:"hostname"`; Type string `json:"type"`; '
        'Nameserver string `json:"nameserver,omitempty"`; Context ContextWire `json:"context"`'
    ),
    "DNSResponse": (
        'Error *ErrorDetail `json:"error,omitempty"`; Records []string `json:"records,omitempty"`; '
        'MXRecords []MXRecord `json:"mx_records,omitempty"`'
    ),
    "HTTPRequest": (
        'Headers map[string][]string `json:"headers,omitempty"`; Method string `json:"method"`; '
        'URL string `json:"url"`; Body string `json:"body,omitempty"`; Context ContextWire `json:"context"`'
    ),
    "HTTPResponse": (
        'Headers map[string][]string `json:"headers,omitempty"`; Error *ErrorDetail `json:"error,omitempty"`; '
        'Body string `json:"body,omitempty"`; Proto string `json:"proto,omitempty"`; '
        'StatusCode int `json:"status_code"`; BodyTruncated bool `json:"body_truncated,omitempty"`'
    ),
    "TCPRequest": (
        'Host string `json:"host"`; Port string `json:"port"`; Context ContextWire `json:"context"`; '
        'TimeoutMs int `json:"timeout_ms,omitempty"`; TLS bool `json:"tls"`'
    ),
    "TCPResponse": (
        'TLSCertNotAfter *time.Time `json:"tls_cert_not_after,omitempty"`; '
        'Error *ErrorDetail `json:"error,omitempty"`; TLSVersion string `json:"tls_version,omitempty"`; '
        'LocalAddr string `json:"local_addr,omitempty"`; '
        'TLSCipherSuite string `json:"tls_cipher_suite,omitempty"`; '
        'TLSServerName string `json:"tls_server_name,omitempty"`; '
        'TLSCertSubject string `json:"tls_cert_subject,omitempty"`; '
        'TLSCertIssuer string `json:"tls_cert_issuer,omitempty"`; '
        'RemoteAddr string `json:"remote_addr,omitempty"`; Address string `json:"address,omitempty"`; '
        'ResponseTimeMs int64 `json:"response_time_ms,omitempty"`; TLS bool `json:"tls,omitempty"`; '
        'Connected bool `json:"connected"`'
    ),
    "SMTPRequest": (
        'Host string `json:"host"`; Port string `json:"port"`; Context ContextWire `json:"context"`; '
        'TimeoutMs int `json:"timeout_ms,omitempty"`; TLS bool `json:"tls"`; StartTLS bool `json:"starttls"`'
    ),
    "SMTPResponse": (
        'Error *ErrorDetail `json:"error,omitempty"`; Address string `json:"address,omitempty"`; '
        'Banner string `json:"banner,omitempty"`; TLSVersion string `json:"tls_version,omitempty"`; '
        'TLSCipherSuite string `json:"tls_cipher_suite,omitempty"`; '
        'TLSServerName string `json:"tls_server_name,omitempty"`; '
        'ResponseTimeMs int64 `json:"response_time_ms,omitempty"`; Connected bool `json:"connected"`; '
        'TLS bool `json:"tls,omitempty"`'
    ),
    "ExecRequest": (
        'Args []string `json:"args"`; Env []string `json:"env,omitempty"`; Command string `json:"command"`; '
        'Dir string `json:"dir,omitempty"`; Context ContextWire `json:"context"`'
    ),
    "ExecResponse": (
        'Error *ErrorDetail `json:"error,omitempty"`; Stdout string `json:"stdout"`; '
        'Stderr string `json:"stderr"`; ExitCode int `json:"exit_code"`; '
        'DurationMs int64 `json:"duration_ms,omitempty"`; IsTimeout bool `json:"is_timeout,omitempty"`'
    ),
    "hostlib.HTTPRequest": (
        'Headers map[string]string `json:"headers,omitempty"`; '
        'FollowRedirects *bool `json:"follow_redirects,omitempty"`; Method string `json:"method"`; '
        'URL string `json:"url"`; Body []byte `json:"body,omitempty"`; Timeout int `json:"timeout_ms,omitempty"`; '
        'MaxRedirects int `json:"max_redirects,omitempty"`'
    ),
    "hostlib.DNSLookupRequest": (
        'Hostname string `json:"hostname"`; RecordType string `json:"type"`; '
        'Nameserver string `json:"nameserver,omitempty"`; Timeout int `json:"timeout_ms,omitempty"`'
    ),
    "hostlib.TCPConnectRequest": (
        'Host string `json:"host"`; Port int `json:"port"`; Timeout int `json:"timeout_ms,omitempty"`; '
        'UseTLS bool `json:"use_tls,omitempty"`'
    ),
    "hostlib.SMTPConnectRequest": (
        'Host string `json:"host"`; Port int `json:"port"`; UseTLS bool `json:"use_tls,omitempty"`; '
        'UseSTARTTLS bool `json:"use_starttls,omitempty"`; Timeout int `json:"timeout_ms,omitempty"`'
    ),
    "hostlib.ExecCommandRequest": (
        'Command string `json:"command"`; Args []string `json:"args"`; Dir string `json:"dir,omitempty"`; '
        'Env []string `json:"env,omitempty"`; Timeout int `json:"timeout_ms,omitempty"`'
    ),
    "LogMessageWire": (
        'Timestamp time.Time `json:"timestamp"`; Attrs []LogAttrWire `json:"attrs,omitempty"`; '
        'Level string `json:"level"`; Message string `json:"message"`; Context ContextWire `json:"context"`'
    ),
    "LogMessage": (
        'Timestamp time.Time `json:"timestamp"`; Level string `json:"level"`; '
        'Message string `json:"message"`; Attrs []LogAttr `json:"attrs,omitempty"`; '
        'Context ContextWire `json:"context"`'
    ),
    "LogAttrWire": 'Key string `json:"key"`; Type string `json:"type"`; Value string `json:"value"`',
    "LogAttr": 'Key string `json:"key"`; Type string `json:"type"`; Value string `json:"value"`',
    "Config": (
        'LogLevel string `json:"log_level,omitempty"`; DefaultTimeout time.Duration `json:"default_timeout"`; '
        'MaxRetries int `json:"max_retries"`; EnableLogging bool `json:"enable_logging"`'
    ),
    "MXRecord": 'Host string `json:"host"`; Pref uint16 `json:"pref"`',
    "RunMetadata": (
        'StartTime time.Time `json:"start_time"`; EndTime time.Time `json:"end_time"`; '
        'SDKVersion string `json:"sdk_version,omitempty"`; PluginID string `json:"plugin_id,omitempty"`; '
        'Duration time.Duration `json:"duration_ns"`'
    ),
    "ErrorDetail": (
        'Wrapped *ErrorDetail `json:"wrapped,omitempty"`; Details map[string]any `json:"details,omitempty"`; '
        'Message string `json:"message"`; Type string `json:"type"`; Code string `json:"code"`; '
        'Stack []byte `json:"stack,omitempty"`; IsTimeout bool `json:"is_timeout,omitempty"`; '
        'IsNotFound bool `json:"is_not_found,omitempty"`'
    ),
    "Result": (
        'Timestamp time.Time `json:"timestamp"`; Data map[string]any `json:"data,omitempty"`; '
        'Metadata *RunMetadata `json:"metadata,omitempty"`; Error *ErrorDetail `json:"error,omitempty"`; '
        'Status string `json:"status"`; Message string `json:"message,omitempty"`'
    ),
    "Manifest": (
        'Services map[string]ServiceManifest `json:"services"`; Name string `json:"name"`; '
        'Version string `json:"version"`; Description string `json:"description"`; '
        'SDKVersion string `json:"sdk_version"`; MinHostVersion string `json:"min_host_version,omitempty"`; '
        'ConfigSchema json.RawMessage `json:"config_schema"`; Capabilities GrantSet `json:"capabilities"`'
    ),
    "ServiceManifest": (
        'Name string `json:"name"`; Description string `json:"description"`; '
        'Operations []OperationManifest `json:"operations"`'
    ),
    "OperationManifest": (
        'Name string `json:"name"`; Description string `json:"description"`; '
        'InputFields []string `json:"input_fields,omitempty"`; '
        'OutputSchema json.RawMessage `json:"output_schema,omitempty"`; '
        'Examples []OperationExample `json:"examples,omitempty"`'
    ),
    "OperationExample": (
        'Name string `json:"name"`; Description string `json:"description,omitempty"`; '
        'Input json.RawMessage `json:"input"`; ExpectedOutput json.RawMessage `json:"expected_output,omitempty"`; '
        'ExpectedError string `json:"expected_error,omitempty"`'
    ),
    "GrantSet": (
        'Network *NetworkCapability `json:"network,omitempty"`; FS *FileSystemCapability `json:"fs,omitempty"`; '
        'Env *EnvironmentCapability `json:"env,omitempty"`; Exec *ExecCapability `json:"exec,omitempty"`; '
        'KV *KeyValueCapability `json:"kv,omitempty"`'
    ),
    "NetworkCapability": 'Rules []NetworkRule `json:"rules"`',
    "NetworkRule": 'Hosts []string `json:"hosts"`; Ports []string `json:"ports"`',
    "FileSystemCapability": 'Rules []FileSystemRule `json:"rules"`',
    "FileSystemRule": 'Read []string `json:"read,omitempty"`; Write []string `json:"write,omitempty"`',
    "EnvironmentCapability": 'Vars []string `json:"vars"`',
    "ExecCapability": 'Commands []string `json:"commands"`',
    "KeyValueCapability": 'Rules []KeyValueRule `json:"rules"`',
    "KeyValueRule": (
        'Op string `json:"op" jsonschema:"enum=read,enum=write,enum=read-write"`; Keys []string `json:"keys"`'
    ),
}
"""Types that the vectors name without their fields."""
_SCALARS: dict[str, Any] = {
    "string": str,
    "bool": bool,
    "any": Any,
    "interface{}": Any,
    "json.RawMessage": Any,
    "json.Number": str,
    "fmt.Stringer": Any,
    "url.URL": str,
    "net.IP": str,
    "error": Any,
    "time.Time": datetime,
    "time.Duration": int,
    "[]byte": str,
    "byte": int,
    "rune": int,
} | {
    f"{kind}{size}": made
    for kind, made in (("int", int), ("uint", int), ("float", float))
    for size in ("", "8", "16", "32", "64")
}
_NUMBERS = tuple(name for name, made in _SCALARS.items() if made in (int, float))
BOUNDS = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_length",
    "maxItems": "max_length",
}
_FORMATS = {"url.URL": "uri", "net.IP": "ipv4"}
"""Types that Go's generator gives a format."""
_TEXTS = ("pattern", "format", "title", "description")


@reglet.model
class Tree:
    """`sTree`, which holds itself."""

    v: int
    kids: list[Tree] = reglet.field(factory=list)


@frozen
class GoField:
    """One field of a Go struct."""

    name: str
    type: str
    tags: dict[str, str]
    is_promoted: bool = False
    """Whether it is a field of an embedded struct."""

    @property
    def json_name(self) -> str:
        """Its name in JSON, empty if it has none there."""
        tag = self.tags.get("json", "")
        if tag == "-" or not self.name[0].isupper() or self.tags.get("jsonschema") == "-":
            return ""
        return tag.split(",")[0] or self.name

    @property
    def is_required(self) -> bool:
        """Whether Go's generator lists it as required."""
        omitted = "omitempty" in self.tags.get("json", "").split(",")[1:]
        return not omitted or "required" in self.marks

    @property
    def marks(self) -> list[str]:
        """The parts of its `jsonschema` tag."""
        parts = _COMMA.split(self.tags["jsonschema"]) if "jsonschema" in self.tags else []
        return [part.replace("\\,", ",") for part in parts]


def struct_fields(source: str) -> list[GoField]:
    """Return the fields of a struct in the vectors' notation; embedded structs give theirs.

    A field of the struct's own hides one of an embedded struct that has its name, as in Go.
    """
    lower = "json names lower case" in source
    text = _without_notes(source).strip()
    text = _DECLARED.sub("", text).lstrip("&*").strip()
    text = _STRUCT.sub("struct{", text)
    if text.startswith("struct{"):
        text = text[len("struct{") : text.rindex("}")].removesuffix("}{")
    if _bare(text) in TYPES:
        text = TYPES[_bare(text)]
    elif re.fullmatch(r"[\w.]+(\{\})?", text) and text[1:].strip("{}"):
        raise NoCounterpartError(f"the Go type {text} is named without its fields")
    fields = [made for part in _split(text) for made in _fields(part)]
    own = {each.json_name: each for each in fields if not each.is_promoted}
    hidden = {each.json_name for each in fields if each.is_promoted} & own.keys()
    fields = [
        own[each.json_name] if each.is_promoted and each.json_name in hidden else each
        for each in fields
        if each.is_promoted or each.json_name not in hidden
    ]
    if not lower:
        return fields
    return [GoField(each.name, each.type, {"json": each.name.lower()}) for each in fields]


def _bare(go_type: str) -> str:
    """Return a type's name without its package, if it is one of the SDK's own."""
    package, _, name = go_type.removesuffix("{}").rpartition(".")
    return name if package in ("", *_PACKAGES) else go_type


def _without_notes(source: str) -> str:
    """Return the source without remarks in parentheses; one that names a type's kind replaces the type."""
    pieces = source.split("`")
    notes = [note for piece in pieces[::2] for note in _NOTE.findall(piece)]
    pieces[::2] = [_NOTE.sub("", piece) for piece in pieces[::2]]
    text = "`".join(pieces)
    for alias, kind in _ALIAS.findall(" ".join(notes)):
        text = re.sub(rf"(?<=[ *\]]){alias}\b", kind, text)
    return _REMARK.sub("", text)


def model_of(source: str, name: str = "Model") -> type[Any]:
    """Return the model that is the counterpart of a Go struct.

    Raises:
        DefinitionError: a field has a type that models cannot have.
        NoCounterpartError: the source names a type whose fields it does not say, or is no such notation.
    """
    name_of = re.match(r"[&*]*([\w.]+)", source)
    known = _bare(name_of[1]) if name_of else ""
    if re.search(rf"\*{known} ", TYPES.get(known, "")):
        return Tree  # what holds itself is refused, whatever else it holds
    fields = [each for each in struct_fields(source) if each.json_name]
    fields.sort(key=lambda each: default_of(each) is not None or not each.is_required)
    annotations: dict[str, Any] = {}
    body: dict[str, Any] = {"__annotations__": annotations, "__module__": __name__}
    for place, each in enumerate(fields):
        attribute = f"f{place}"
        annotations[attribute] = _annotation(each)
        body[attribute] = reglet.field(**_field_arguments(each))
    return reglet.model(type(name, (), body))


def _field_arguments(each: GoField) -> dict[str, Any]:
    arguments: dict[str, Any] = {"json_name": each.json_name}
    arguments |= dict(_marks(each))
    default = default_of(each)
    if default is not None and not isinstance(default, list):
        arguments["default"] = default
    elif default is not None:
        arguments["factory"] = lambda: list(default)
    elif not each.is_required:
        arguments["default"] = None
    return arguments


def _marks(each: GoField) -> Iterator[tuple[str, Any]]:
    number = float if "float" in each.type else int
    for mark in each.marks:
        name, _, given = mark.partition("=")
        if name in BOUNDS and not has_choices(each) and _NUMBER.fullmatch(given):
            yield BOUNDS[name], number(given) if "Length" not in name and "Items" not in name else int(given)
        elif name in _TEXTS:
            yield name, given
    shown = [mark.partition("=")[2] for mark in each.marks if mark.startswith("example=")]
    if shown and each.type in ("string", *_NUMBERS):  # Go's generator has examples of these only
        yield "examples", tuple(_value(each.type, text) for text in shown)
    if size := _ARRAY.match(each.type):
        yield "min_length", int(size[1])
        yield "max_length", int(size[1])
    if each.type.lstrip("*") in _FORMATS:
        yield "format", _FORMATS[each.type.lstrip("*")]
    if "jsonschema_description" in each.tags:
        yield "description", each.tags["jsonschema_description"]


def has_choices(each: GoField) -> bool:
    """Whether a field is one of some values; bounds say nothing more then, and models refuse them."""
    return any(mark.startswith("enum=") for mark in each.marks)


def default_of(each: GoField) -> Any:
    given = [mark.partition("=")[2] for mark in each.marks if mark.startswith("default=")]
    if not given:
        return None
    try:
        values = [_value(each.type.removeprefix("[]"), text) for text in given]
    except ValueError:
        return None
    if each.type == "bool" and given[0] not in ("true", "false"):
        return None
    return values if each.type.startswith("[]") else values[0]


def _value(go_type: str, text: str) -> Any:
    if "int" in go_type:
        return int(text)
    if "float" in go_type:
        return float(text)
    return text == "true" if go_type == "bool" else text


def is_anonymous(source: str) -> bool:
    """Whether a Go struct has no type name, which Go's generator needs."""
    return _STRUCT.sub("struct{", source.strip().lstrip("&*")).startswith("struct{")


def root_type(source: str) -> Any:
    """Return the counterpart of a Go value that is no struct, None for one that is."""
    text = _without_notes(source).strip().lstrip("&*")
    if text in _SCALARS:
        return _SCALARS[text]
    for pattern, made in _LITERALS.items():
        if re.match(pattern, text):
            return made
    return None


_LITERALS: dict[str, Any] = {
    r'"': str,
    r"-?\d+$": int,
    r"-?\d+\.\d+$": float,
    r"(true|false)$": bool,
    r"nil$": type(None),
    r"\[": list,
    r"map\[": dict,
    r"chan\b": Queue,
    r"func\b": Callable,
    r"interface\b": object,
}


_JSON_TYPES = {"integer": "int", "number": "float64", "boolean": "bool", "array": "[]any"}


def _annotation(each: GoField) -> Any:
    go_type = _ARRAY.sub("[]", each.type, count=1).lstrip("*")
    inner = go_type if go_type == "[]byte" else go_type.removeprefix("[]").removeprefix("*")
    inner = next((mark[5:] for mark in each.marks if mark.startswith("type=")), inner)
    inner = _JSON_TYPES.get(inner, inner)
    enum = tuple(
        _value(inner, mark[5:]) for mark in each.marks if mark.startswith("enum=") and inner != "bool"
    )
    made = _choice(enum) if enum else _python_type(inner)
    if go_type.startswith("[]") and go_type != "[]byte":
        made = list[made]  # type: ignore[valid-type]  # made is the inner type
    optional = not each.is_required and default_of(each) is None and made is not Any
    return made | None if optional else made


def _choice(values: tuple[Any, ...]) -> Any:
    """Return a type of these values; typing has no literal floats."""
    if all(isinstance(value, float) for value in values):
        return Enum("Choice", {f"v{place}": value for place, value in enumerate(values)})
    return Literal[values]  # type: ignore[valid-type]  # a type made at run time


def _python_type(go_type: str) -> Any:
    bare = _STRUCT.sub("struct{", _ARRAY.sub("[]", go_type.lstrip("*"), count=1))
    if bare in _SCALARS:
        return _SCALARS[bare]
    for prefix, read in _COMPOSITES.items():
        if bare.startswith(prefix):
            return read(bare)
    bare = _bare(bare)
    if bare not in TYPES:
        raise NoCounterpartError(f"the Go type {go_type} is named without its fields")
    if f"*{bare} " in TYPES[bare]:
        return Tree  # what holds itself is refused, whatever else it holds
    return model_of(TYPES[bare], bare)


_COMPOSITES: dict[str, Any] = {
    "chan": lambda _: Queue,
    "func": lambda _: Callable,
    "complex": lambda _: complex,
    "uintptr": lambda _: Queue,  # Go's generator refuses it, as it does a channel
    "unsafe.": lambda _: Queue,
    "sTree": lambda _: Tree,
    "interface{": lambda _: Any,
    "struct{": lambda bare: model_of(bare, "Anonymous"),
    "[]": lambda bare: list[_python_type(bare[2:])],  # type: ignore[misc]  # a type made at run time
    "map[": lambda bare: dict[str, _python_type(bare.partition("]")[2])],  # type: ignore[misc]  # as above
}


def _split(text: str) -> list[str]:
    """Split at `;` and ends of lines outside of braces, quotes and backticks."""
    parts, depth, quoted, start = [], 0, False, 0
    for place, character in enumerate(text):
        if character == "`":
            quoted = not quoted
        elif not quoted and character in "{}":
            depth += 1 if character == "{" else -1
        elif not quoted and character in ";\n" and not depth:
            parts.append(text[start:place])
            start = place + 1
    return [part.strip() for part in (*parts, text[start:]) if part.strip()]


def _fields(part: str) -> Iterator[GoField]:
    declared, tag_text = part, ""
    if part.endswith("`"):
        start = part.rindex("`", 0, -1)
        declared, tag_text = part[:start].strip(), part[start:]
    tags = {name: _ESCAPED.sub(r"\1", text) for name, text in _TAG.findall(tag_text)}
    embedded = re.fullmatch(r"\*?([\w.]+)\{(.*)\}", declared, re.DOTALL)
    if embedded is not None and embedded[1] not in ("struct", "interface"):
        yield from _promoted(embedded[2])
        return
    names, _, go_type = (piece.strip() for piece in declared.partition(" "))
    names = names if go_type else _bare(names.lstrip("*"))
    if "," in names:  # short for fields of these names in lower case
        yield from (GoField(each, go_type, {"json": each.lower()}) for each in names.split(","))
        return
    if not go_type and tags and names not in TYPES:
        go_type = "string"
    if go_type.startswith("unexported"):
        go_type = go_type.removeprefix("unexported").strip() or "string"
    if not go_type and names in TYPES and not tags.get("json", "").split(",")[0]:
        yield from _promoted(TYPES[names])
        return
    yield GoField(names, go_type or _implied(names), tags)


def _promoted(source: str) -> Iterator[GoField]:
    for each in struct_fields(source):
        yield evolve(each, is_promoted=True)


def _implied(name: str) -> str:
    """Return the type of a field that is written by its name alone, such as `U16` or `Embedded`."""
    if name in TYPES:
        return name
    kind = {"U": "uint", "I": "int", "F": "float"}.get(name[:1])
    if kind is not None and name[1:].isdigit():
        return kind + name[1:]
    if not name.isidentifier() or not name[0].isupper():
        raise NoCounterpartError(f"what is the type of {name!r}?")
    return "string"
