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

    is_embedded: bool = False
    """Whether it is an embedded struct with a name of its own."""

    @property
    def json_name(self) -> str:
        """Its name in JSON, empty if it has none there."""
        tag = self.tags.get("json", "")
        is_exported = self.is_embedded or self.name[0].isupper()
        if tag == "-" or not is_exported or self.tags.get("jsonschema") == "-":
            return ""
        return tag.split(",")[0] or self.name

    @property
    def is_required(self) -> bool:
        """Whether Go's generator lists it as required."""
        omitted = "omitempty" in self.tags.get("json", "").split(",")[1:]
        return not omitted or "required" in self.all_marks

    @property
    def all_marks(self) -> list[str]:
        """The parts of its `jsonschema` tag."""
        parts = _COMMA.split(self.tags["jsonschema"]) if "jsonschema" in self.tags else []
        return [part.replace("\\,", ",") for part in parts]

    @property
    def json_type(self) -> str:
        """Its type in JSON, empty where it may be any, or one of some, or is a reference."""
        kinds = [mark.partition("=")[2] for mark in self.all_marks if mark.startswith("type=")]
        has_several = any(mark.startswith(("oneof_type=", "anyof_type=")) for mark in self.all_marks)
        return "" if has_several else kinds[-1] if kinds else json_type(self.type)

    @property
    def marks(self) -> list[str]:
        """The parts of its `jsonschema` tag that its type gives a meaning to; of two of one name, the last."""
        kind, items = self.json_type, json_type(_ARRAY.sub("[]", self.type.lstrip("*"), count=1)[2:])
        made: dict[tuple[str, str], str] = {}
        for mark in self.all_marks:
            name, is_pair, text = mark.partition("=")
            known = _KEYWORDS.get(kind, ())
            is_item = kind == "array" and name not in known and name in _KEYWORDS.get(items, ())
            if not is_pair or (name not in known and not is_item):
                continue
            if _is_said(name, text, items if is_item else kind):
                is_kept = name in ("enum", "example") or (name == "default" and kind == "array")
                made[name, f"{len(made)}" if is_kept else ""] = mark
        return list(made.values())


_OF_NUMBERS = ("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_KEYWORDS: dict[str, tuple[str, ...]] = {
    "string": (
        *("minLength", "maxLength", "pattern", "format", "readOnly", "writeOnly"),
        "default",
        "example",
        "enum",
    ),
    "number": (*_OF_NUMBERS, "default", "example", "enum"),
    "integer": (*_OF_NUMBERS, "default", "example", "enum"),
    "boolean": ("default",),
    "array": ("minItems", "maxItems", "uniqueItems", "default", "format", "pattern"),
}
"""What Go's generator reads of a tag, by the type of the field in JSON."""


def _is_said(name: str, text: str, kind: str) -> bool:
    """Whether Go's generator takes the value of a keyword."""
    if name in _OF_NUMBERS or (kind in ("number", "integer") and name in ("default", "example", "enum")):
        return _NUMBER.fullmatch(text) is not None
    if name in ("minLength", "maxLength", "minItems", "maxItems"):
        return text.isdecimal()
    if name in ("readOnly", "writeOnly"):
        return text in ("1", "t", "T", "true", "TRUE", "True")
    return kind != "boolean" or text in ("true", "false")


def json_type(go_type: str) -> str:
    """Return a Go type's type in JSON, empty where it may be any, and for a named struct, which is a reference."""
    go_type = go_type.lstrip("*")
    if go_type.startswith("[") and go_type != "[]byte":
        return "array"
    if go_type.startswith(("map[", "struct{")):
        return "object"
    made = _SCALARS.get(go_type)
    return {str: "string", datetime: "string", bool: "boolean", int: "integer", float: "number"}.get(made, "")


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
    if bare(text) in TYPES:
        text = TYPES[bare(text)]
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


def declared_name(source: str) -> str:
    """Return the name of a known type where a source is it alone, its fields told or not."""
    text = source.strip().lstrip("&*")
    told = re.match(r"(\w+)\{", text)
    name = told[1] if told is not None and text not in ("", f"{told[1]}{{}}") else bare(text)
    return name if name in TYPES and len(_split(text)) == 1 else ""


def bare(go_type: str) -> str:
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
    known = bare(name_of[1]) if name_of else ""
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
    kind = each.json_type
    if size := _ARRAY.match(each.type.lstrip("*")):
        yield "min_length", int(size[1])
        yield "max_length", int(size[1])
    for mark in each.marks:
        name, _, given = mark.partition("=")
        is_item = kind == "array" and name not in _KEYWORDS["array"]  # which models have no bounds for
        if name in BOUNDS and not is_item and (kind == "array" or not has_choices(each)):
            yield BOUNDS[name], float(given) if kind == "number" else int(given)
        elif name in ("pattern", "format") and kind == "string" and not has_choices(each):
            yield name, given
    for mark in each.all_marks:
        name, is_pair, given = mark.partition("=")
        if is_pair and name in ("title", "description"):
            yield name, given
    shown = [mark.partition("=")[2] for mark in each.marks if mark.startswith("example=")]
    if shown and kind in ("string", "integer", "number"):  # Go's generator has examples of these only
        yield "examples", tuple(_value(kind, text) for text in shown)
    if each.type.lstrip("*") in _FORMATS and "format=" not in str(each.marks):
        yield "format", _FORMATS[each.type.lstrip("*")]
    if "jsonschema_description" in each.tags and "description=" not in str(each.all_marks):
        yield "description", each.tags["jsonschema_description"]


def has_choices(each: GoField) -> bool:
    """Whether a field is one of some values; bounds say nothing more then, and models refuse them."""
    return any(mark.startswith("enum=") for mark in each.marks)


def default_of(each: GoField) -> Any:
    given = [mark.partition("=")[2] for mark in each.marks if mark.startswith("default=")]
    if not given:
        return None
    if each.json_type != "array":
        return _value(each.json_type, given[-1])
    items = json_type(_ARRAY.sub("[]", each.type.lstrip("*"), count=1)[2:])
    try:
        return [_value(items, text) for text in given]
    except ValueError:
        return given  # which no field takes


def _value(kind: str, text: str) -> Any:
    if kind == "integer":
        return int(text)
    if kind == "number":
        return float(text)
    return text == "true" if kind == "boolean" else text


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


_JSON_TYPES = {"string": "string", "integer": "int", "number": "float64", "boolean": "bool", "array": "[]any"}


def _annotation(each: GoField) -> Any:
    go_type = _ARRAY.sub("[]", each.type.lstrip("*"), count=1)
    is_list = go_type.startswith("[]") and go_type != "[]byte"
    inner = go_type[2:].lstrip("*") if is_list else go_type
    kind = json_type(inner) if is_list else each.json_type
    several = [mark.partition("=")[2].split(";") for mark in each.all_marks if "_type=" in mark]
    if not is_list and (several or kind != json_type(go_type)):
        kinds = [name for names in several for name in names if name != "null"]
        inner = _JSON_TYPES.get(kinds[0] if len(kinds) == 1 else kind, "any")
    enum = tuple(_value(kind, mark[5:]) for mark in each.marks if mark.startswith("enum="))
    made = _choice(enum) if enum else _python_type(inner)
    made = list[made] if is_list else made  # type: ignore[valid-type]  # made is the inner type
    optional = not each.is_required and default_of(each) is None and made is not Any
    return made | None if optional else made


def _choice(values: tuple[Any, ...]) -> Any:
    """Return a type of these values; typing has no literal floats."""
    if all(isinstance(value, float) for value in values):
        return Enum("Choice", {f"v{place}": value for place, value in enumerate(values)})
    return Literal[values]  # type: ignore[valid-type]  # a type made at run time


def _python_type(go_type: str) -> Any:
    kept = _STRUCT.sub("struct{", _ARRAY.sub("[]", go_type.lstrip("*"), count=1))
    if kept in _SCALARS:
        return _SCALARS[kept]
    for prefix, read in _COMPOSITES.items():
        if kept.startswith(prefix):
            return read(kept)
    name = bare(kept)
    if name not in TYPES:
        raise NoCounterpartError(f"the Go type {go_type} is named without its fields")
    if f"*{name} " in TYPES[name]:
        return Tree  # what holds itself is refused, whatever else it holds
    return model_of(TYPES[name], name)


_COMPOSITES: dict[str, Any] = {
    "chan": lambda _: Queue,
    "func": lambda _: Callable,
    "complex": lambda _: complex,
    "uintptr": lambda _: Queue,  # Go's generator refuses it, as it does a channel
    "unsafe.": lambda _: Queue,
    "sTree": lambda _: Tree,
    "interface{": lambda _: Any,
    "struct{": lambda kept: model_of(kept, "Anonymous"),
    "[]": lambda kept: list[_python_type(kept[2:])],  # type: ignore[misc]  # a type made at run time
    "map[": lambda kept: dict[str, _python_type(kept.partition("]")[2])],  # type: ignore[misc]  # as above
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
    names = names if go_type else bare(names.lstrip("*"))
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
    is_embedded = not go_type and names in TYPES
    yield GoField(names, go_type or _implied(names), tags, is_embedded=is_embedded)


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
