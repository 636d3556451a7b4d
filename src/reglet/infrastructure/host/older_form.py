"""Plugins of the older Reglet app: what `describe`, `schema` and `observe` answer, as Manifest and Result.

That app knows no operations, and capabilities as pairs of kind and pattern, such as `network` and
`outbound:80,443`: any public host on these ports. Its evidence has a boolean for its status.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from reglet.domain.entities import JSONObject
from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    NetworkCapability,
    NetworkRule,
)
from reglet.domain.entities.manifest import Manifest
from reglet.domain.entities.result import ErrorDetail, Result, ResultStatus
from reglet.domain.errors import WireFormatError
from reglet.domain.policy.network import PRIVATE_BLOCKS
from reglet.infrastructure.wire.exports import ERROR
from reglet.infrastructure.wire.go_json import decode_json
from reglet.infrastructure.wire.record import ANY, BOOLEAN, OBJECT, STRING, TIME, Field, Kind, Record

_OUTBOUND, _PRIVATE = "outbound:", "private"


def decode_description(answer: bytes) -> Manifest:
    """Return what `describe` answers; it has no schema and no operations. Raises `WireFormatError`."""
    return _DESCRIPTION.of(_described(answer, "describe"))


def decode_schema(answer: bytes) -> JSONObject:
    """Return the JSON Schema that `schema` answers. Raises `WireFormatError`."""
    return _described(answer, "schema")


def decode_evidence(answer: bytes) -> Result:
    """Return what `observe` answers as a Result. Raises `WireFormatError`.

    With an error, whatever the status, the check could not be made, as that app says where expectations
    follow; without, true is a success and false a failure. What the plugin gives as raw stands among the
    data by that name, unless they have one.
    """
    return _EVIDENCE.decode(answer)


def grants_of(patterns: Iterable[tuple[str, str]]) -> GrantSet:
    """Return the grants that pairs of kind and pattern mean; those that have no place in grants mean nothing.

    `outbound:private` adds the private addresses to those that the ports are open for.
    """
    of_kind: dict[str, list[str]] = {}
    for kind, pattern in patterns:
        of_kind.setdefault(kind, []).append(pattern)
    outbound = [each.removeprefix(_OUTBOUND) for each in of_kind.get("network", ()) if _OUTBOUND in each]
    private = PRIVATE_BLOCKS if _PRIVATE in outbound else ()
    rules = [
        NetworkRule(["*", *private], [port.strip() for port in each.split(",")])
        for each in outbound
        if each != _PRIVATE
    ]
    paths = {
        operation: [
            path.removeprefix(f"{operation}:")
            for path in of_kind.get("fs", ())
            if path.startswith(f"{operation}:")
        ]
        for operation in ("read", "write")
    }
    return GrantSet(
        network=NetworkCapability(rules) if rules else None,
        fs=FileSystemCapability([FileSystemRule(**paths)]) if any(paths.values()) else None,
        env=EnvironmentCapability(of_kind["env"]) if "env" in of_kind else None,
        exec=ExecCapability(of_kind["exec"]) if "exec" in of_kind else None,
    )


def _described(answer: bytes, call: str) -> JSONObject:
    """Return an object that describes the plugin; the Go SDK puts evidence in its place where it fails."""
    values = decode_json(answer, call)
    if not isinstance(values, dict):
        raise WireFormatError("decode", call, "expected an object")
    if values.get("Status") is False and values.get("Error"):
        raise WireFormatError("decode", call, f"the plugin reports {_EVIDENCE.of(values).message!r}")
    return values


def _result(
    *, status: bool, error: ErrorDetail | None, timestamp: datetime, data: JSONObject | None, raw: Any
) -> Result:
    if error is not None:
        result = ResultStatus.ERROR
    else:
        result = ResultStatus.SUCCESS if status else ResultStatus.FAILURE
    if raw is not None:
        data = {"raw": raw, **(data or {})}
    return Result(result, error.message if error else "", data, error, timestamp=timestamp)


_PATTERN = Record(
    "Capability",
    lambda *, kind, pattern: (kind, pattern),
    Field("kind", STRING, always=True),
    Field("pattern", STRING, always=True),
)
_DESCRIPTION = Record(
    "describe",
    Manifest,
    Field("name", STRING),
    Field("version", STRING),
    Field("description", STRING),
    Field("sdk_version", STRING),
    Field("min_host_version", STRING),
    Field("capabilities", Kind(lambda value: grants_of(_PATTERN.listed.read(value)), str, GrantSet())),
)
_EVIDENCE = Record(
    "observe",
    _result,
    Field("status", BOOLEAN, required=True),
    Field("error", ERROR.kind),
    Field("timestamp", TIME),
    Field("data", OBJECT, default=None),
    Field("raw", ANY),
)
