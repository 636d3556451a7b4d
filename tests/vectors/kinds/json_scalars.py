"""Single values as Go's encoding/json writes them; durations and times as text."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from reglet.domain.errors import WireFormatError
from reglet.domain.time import Timestamp, format_nanoseconds, format_time
from reglet.infrastructure.wire.go_json import encode_json
from tests.vectors import go_values as go
from tests.vectors.go_fmt import printed_float
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_READ = {
    "float64": float,
    "float32": lambda given: _shortest(float(given)),
    "int64": int,
    "uint64": int,
    "string": lambda given: given,
    "string_bytes": lambda given: base64.b64decode(given["$bytes_b64"]).decode(errors="surrogateescape"),
}


def run(vector: Vector) -> Rule | None:
    """Compare the text, or that there is an error where Go has one."""
    kind, given, expected = vector["kind"], vector["input"], vector["expected"]
    if kind == "duration_string":
        must_equal(format_nanoseconds(given), expected)
    elif kind == "time":
        return _time(given, expected)
    elif kind == "map":
        return _map(given, expected)
    elif isinstance(expected, dict):
        must_equal(_encoded(_READ[kind](given)), None)
        must_equal(expected, {"error": f"json: unsupported value: {printed_float(float(given))}"})
    else:
        must_equal(_encoded(_READ[kind](given)), expected)
    return None


def _map(given: Any, expected: Any) -> Rule | None:
    if isinstance(expected, dict):
        must_equal(_encoded(go.value(given)), None)
        must_equal(str(expected["error"]).startswith("json: "), True)
        return None
    return go.settled(lambda each: str(_encoded(go.value(each))), given, expected)


def _shortest(number: float) -> float:
    """Return a float of 32 bits as the one that has its fewest digits."""
    return float(printed_float(number, "float32"))


def _encoded(value: Any) -> str | None:
    try:
        return encode_json(value).decode()
    except WireFormatError:
        return None


def _time(given: dict[str, int], expected: dict[str, Any]) -> Rule | None:
    """Compare the texts; a year that Python lacks is that of another era, whose calendar is the same."""
    if abs(given["offset_s"]) >= _DAY_S:
        return _zone_beyond(given, expected)
    try:
        moment, eras = _moment(given), 0
    except (OverflowError, ValueError):
        eras = 1 if given["unix_s"] > 0 else -1
        moment = _moment(given | {"unix_s": given["unix_s"] - eras * _ERA_S})

    def text(moment: datetime) -> str:
        year, rest = format_time(moment).split("-", 1)
        return f"{int(year) + eras * _ERA_YEARS:04}-{rest}"

    must_equal(expected["rfc3339nano"], text(moment))
    must_equal(expected["rfc3339"], text(moment.replace(microsecond=0)))
    if eras > 0:
        must_equal(expected["json"], {"error": f"{_OUTSIDE}year outside of range [0,9999]"})
        return None
    must_equal(expected["json"], f'"{text(moment)}"')
    if eras:
        return Rule.YEARS
    must_equal(encode_json(moment).decode(), expected["json"])
    return None


def _zone_beyond(given: dict[str, int], expected: dict[str, Any]) -> None:
    """Compare a time whose zone is a day away or more, which neither writes as JSON and Python does not have."""
    offset = given["offset_s"]
    hours, minutes = divmod(abs(offset) // 60, 60)
    local = _moment(given | {"offset_s": 0, "unix_s": given["unix_s"] + offset})
    zone = f"{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"
    must_equal(expected["rfc3339nano"], format_time(local).removesuffix("Z") + zone)
    must_equal(expected["rfc3339"], format_time(local.replace(microsecond=0)).removesuffix("Z") + zone)
    must_equal(expected["json"], {"error": f"{_OUTSIDE}timezone hour outside of range [0,23]"})


_DAY_S = 86400
_ERA_YEARS, _ERA_S = 400, 146097 * _DAY_S
_OUTSIDE = "json: error calling MarshalJSON for type time.Time: Time.MarshalJSON: "


def _moment(given: dict[str, int]) -> Timestamp:
    zone = timezone(timedelta(seconds=given["offset_s"])) if given["offset_s"] else UTC
    whole = (_EPOCH + timedelta(seconds=given["unix_s"])).astimezone(zone)
    microsecond, nanosecond = divmod(given["ns"], 1000)
    return Timestamp.of(whole.replace(microsecond=microsecond), nanosecond)
