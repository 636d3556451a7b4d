"""What a plugin's exports answer (ABI section 2): Manifest and Result, and both in the older app's form."""

from __future__ import annotations

from collections.abc import Callable
from time import gmtime
from typing import Any

from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    KeyValueCapability,
    KeyValueRule,
    NetworkCapability,
    NetworkRule,
)
from reglet.domain.entities.manifest import ExampleManifest, Manifest, OperationManifest, ServiceManifest
from reglet.domain.entities.result import ErrorDetail, Result, ResultStatus, RunMetadata
from reglet.infrastructure.wire.go_json import (
    escaped,
    escaped_text,
    escaped_to_bytes,
    ordered_text,
    string_text,
    to_bytes,
)
from reglet.infrastructure.wire.record import (
    ANY,
    BOOLEAN,
    BYTES,
    INTEGER,
    OBJECT,
    SCHEMA,
    STRING,
    STRINGS,
    TIME,
    Field,
    Kind,
    Record,
    nullable,
    one_of,
)

_KEY_OPERATION = one_of({name: name for name in ("read", "write", "read-write")})

_NETWORK_RULE = Record(
    "NetworkRule", NetworkRule, Field("hosts", STRINGS, always=True), Field("ports", STRINGS, always=True)
)
_FILE_RULE = Record("FileSystemRule", FileSystemRule, Field("read", STRINGS), Field("write", STRINGS))
_KEY_RULE = Record(
    "KeyValueRule",
    KeyValueRule,
    Field("op", _KEY_OPERATION, always=True, required=True),
    Field("keys", STRINGS, always=True),
)
_NETWORK = Record("network", NetworkCapability, Field("rules", _NETWORK_RULE.listed, always=True))
_FILES = Record("fs", FileSystemCapability, Field("rules", _FILE_RULE.listed, always=True))
_ENVIRONMENT = Record("env", EnvironmentCapability, Field("vars", STRINGS, always=True))
_EXEC = Record("exec", ExecCapability, Field("commands", STRINGS, always=True))
_KEYS = Record("kv", KeyValueCapability, Field("rules", _KEY_RULE.listed, always=True))

GRANTS = Record(
    "GrantSet",
    GrantSet,
    Field("network", _NETWORK.kind),
    Field("fs", _FILES.kind),
    Field("env", _ENVIRONMENT.kind),
    Field("exec", _EXEC.kind),
    Field("kv", _KEYS.kind),
)
"""As users write it in files, too. A kind that is there without rules keeps its empty list."""

_EXAMPLE = Record(
    "Example",
    ExampleManifest,
    Field("name", STRING, always=True),
    Field("description", STRING),
    Field("input", ANY, always=True),
    Field("expected_output", ANY, default=None),
    Field("expected_error", STRING),
)
_OPERATION = Record(
    "Operation",
    OperationManifest,
    Field("name", STRING, always=True),
    Field("description", STRING, always=True),
    Field("input_fields", STRINGS),
    Field("output_schema", SCHEMA, default=None),
    Field("examples", _EXAMPLE.listed),
)
_SERVICE = Record(
    "Service",
    ServiceManifest,
    Field("name", STRING, always=True),
    Field("description", STRING, always=True),
    Field("operations", _OPERATION.listed, always=True),
)
MANIFEST = Record(
    "Manifest",
    Manifest,
    Field("services", _SERVICE.named, always=True),
    Field("name", STRING, always=True),
    Field("version", STRING, always=True),
    Field("description", STRING, always=True),
    Field("sdk_version", STRING, always=True),
    Field("min_host_version", STRING),
    Field("config_schema", nullable(SCHEMA), always=True),
    Field("capabilities", GRANTS.kind, always=True, default=GrantSet()),
)
"""Services are sorted by name; operations and schemas keep their own order."""


def encode_schema(manifest: Manifest) -> bytes:
    """Return a Manifest's config schema as JSON: the answer of the older app's `schema`."""
    return to_bytes(ordered_text(manifest.config_schema or {}))


def legacy_capabilities(grants: GrantSet) -> list[tuple[str, str]]:
    """Return grants as the older app's pairs of kind and pattern; keys have no place there."""
    pairs: list[tuple[str, str]] = []
    if grants.network is not None:
        pairs += [("network", f"outbound:{','.join(rule.ports)}") for rule in grants.network.rules]
        if any(rule.private_hosts for rule in grants.network.rules):
            pairs.append(("network", "outbound:private"))  # without it that app refuses these addresses
    if grants.fs is not None:
        for rule in grants.fs.rules:
            pairs += [("fs", f"read:{path}") for path in rule.read]
            pairs += [("fs", f"write:{path}") for path in rule.write]
    if grants.env is not None:
        pairs += [("env", name) for name in grants.env.vars]
    if grants.exec is not None:
        pairs += [("exec", command) for command in grants.exec.commands]
    return list(dict.fromkeys(pairs))


_PATTERN = Record(
    "Capability",
    tuple,
    Field("kind", STRING, always=True, derive=lambda pair: pair[0]),
    Field("pattern", STRING, always=True, derive=lambda pair: pair[1]),
)
DESCRIPTION = Record(
    "Description",
    Manifest,
    Field("name", STRING, always=True),
    Field("version", STRING, always=True),
    Field("description", STRING, always=True),
    Field(
        "capabilities",
        _PATTERN.listed,
        always=True,
        derive=lambda manifest: legacy_capabilities(manifest.capabilities),
    ),
)
"""What the older app's `describe` answers: its name, and its capabilities as patterns. Only written."""


_OCTETS = range(2**8)


def _read_stack(value: Any) -> bytes:
    """Return a stack, which Go reads as a list of numbers too."""
    if isinstance(value, list) and all(type(octet) is int and octet in _OCTETS for octet in value):
        return bytes(value)
    return BYTES.read(value)


_WRAPPED: Kind[ErrorDetail] = Kind(
    lambda value: ERROR.kind.read(value),  # noqa: PLW0108 - the table holds itself
    lambda value: ERROR.text(value),  # noqa: PLW0108 - likewise
    None,
)
ERROR: Record[ErrorDetail] = Record(
    "ErrorDetail",
    ErrorDetail,
    Field("wrapped", _WRAPPED),
    Field("details", OBJECT),
    Field("message", STRING, always=True),
    Field("type", STRING, always=True),
    Field(
        "code",
        Kind(lambda code: str(code) if type(code) is int else STRING.read(code), STRING.write, ""),
        always=True,
    ),
    Field("stack", Kind(_read_stack, BYTES.write, b"")),
    Field("is_timeout", BOOLEAN),
    Field("is_not_found", BOOLEAN),
)

METADATA = Record(
    "RunMetadata",
    RunMetadata,
    Field("start_time", TIME, always=True),
    Field("end_time", TIME, always=True),
    Field("sdk_version", STRING),
    Field("plugin_id", STRING),
    Field("duration_ns", INTEGER, always=True),
)
RESULT = Record(
    "Result",
    Result,
    Field("timestamp", TIME, always=True),
    Field("data", OBJECT),
    Field("metadata", METADATA.kind),
    Field("error", ERROR.kind),
    Field("status", one_of({str(status): status for status in ResultStatus}), always=True, required=True),
    Field("message", STRING),
)
"""Its data, and its error's details, must be JSON: NaN is a `WireFormatError`."""

LEGACY_RESULT = Record(
    "Result",
    Result,
    Field("Status", BOOLEAN, "is_success", always=True),
    Field("Error", nullable(ERROR.kind), "error", always=True),
    Field("Timestamp", TIME, "timestamp", always=True),
    Field("Data", nullable(OBJECT), "data", always=True),
    Field("Raw", nullable(OBJECT), always=True, derive=lambda _: None),
)
"""The older app's form, with a boolean for its status. Only written."""


_SECOND = 1_000_000


def _clock_writer() -> Callable[[int, int], tuple[str, str]]:
    """Return what writes begin and end, in microseconds since 1970, but for the Z; it knows the last second.

    A `datetime` writes itself by the C library's `printf`, which costs a guest as much as a Result's JSON, as
    does a number of two digits.
    """
    last = -(2**63), ""  # longer ago than any clock says
    two = [f"{number:02}" for number in range(60)]

    def write(start: int, end: int) -> tuple[str, str]:
        nonlocal last
        second, written = last  # whole, since other threads write too
        started, ended = start - second, end - second
        if not 0 <= started <= ended < _SECOND:
            whole = start // _SECOND
            if whole != end // _SECOND:
                return write(start, start)[0], write(end, end)[0]
            year, month, day, hour, minute, of_minute = gmtime(whole)[:6]
            second = whole * _SECOND
            written = f"{year}-{two[month]}-{two[day]}T{two[hour]}:{two[minute]}:{two[of_minute]}"
            last = second, written
            started, ended = start - second, end - second
        begin = f"{written}.{str(_SECOND + started)[1:]}"
        if not started % 10:
            begin = begin.rstrip("0").removesuffix(".")
        over = f"{written}.{str(_SECOND + ended)[1:]}"
        if not ended % 10:
            over = over.rstrip("0").removesuffix(".")
        return begin, over

    return write


_clock_texts = _clock_writer()


def run_text(sdk_version: str, plugin_id: str) -> str:
    """Return as JSON the fields of a RunMetadata that are the same for every check, for `encode_check`."""
    return "".join(
        f',"{name}":{escaped(string_text(value))}'
        for name, value in (("sdk_version", sdk_version), ("plugin_id", plugin_id))
        if value
    )


def encode_check(result: Result, start: int, end: int, run: str) -> bytes:
    """Return the JSON of a Result that has neither metadata nor timestamp, with those of its check.

    It is what `RESULT` writes, in one expression, without an object for what is but written: every check of
    a plugin ends here.

    Args:
        result: what the plugin answered.
        start: when the check began, in microseconds since 1970.
        end: when it ended.
        run: what `run_text` returns.

    Raises:
        WireFormatError: something in the Result has no form in JSON.
    """
    started, ended = _clock_texts(start, end)
    data = f'"data":{escaped_text(result.data)},' if result.data else ""
    error = "" if result.error is None else f'"error":{escaped(ERROR.text(result.error))},'
    message = f',"message":{escaped_text(result.message)}' if result.message else ""
    return escaped_to_bytes(
        f'{{"timestamp":"{ended}Z",{data}"metadata":{{"start_time":"{started}Z","end_time":"{ended}Z"{run},'
        f'"duration_ns":{(end - start) * 1000}}},{error}"status":{string_text(result.status)}{message}}}'
    )
