"""The context of a check on the wire, there and back."""

from __future__ import annotations

import math
import time
from datetime import timedelta
from typing import Any

from reglet.domain.context import Cancellation, Context
from reglet.domain.errors import CancelledError, TimeoutError  # noqa: A004 - our own family
from reglet.infrastructure.wire.messages import CallContext
from tests.vectors import go_values as go
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal

_SLOWEST_MS = 10_000
"""How long the making of a context may have taken where Go's answer was made."""


def run(vector: Vector) -> Rule | None:
    """Compare what is told, or what is understood."""
    given, expected = vector["input"], vector["expected"]
    if vector["kind"] == "to_wire":
        _to_wire(given, expected)
    else:
        _from_wire(given, expected)
    return None


def _to_wire(given: dict[str, Any], expected: dict[str, Any]) -> None:
    cancellation = Cancellation()
    # What is no string is no id in Go either.
    told = given.get("request_id")
    request_id = told if isinstance(told, str) else None
    ctx = Context(request_id=request_id, cancellation=cancellation)
    began = time.monotonic()
    if "timeout_ms" in given:
        ctx = ctx.with_timeout(timedelta(milliseconds=given["timeout_ms"]))
    if given.get("cancel"):
        cancellation.cancel()
    wait = given.get("timeout_ms")
    must_equal(expected["deadline"], None if wait is None else "set")
    must_equal(expected["canceled"], bool(given.get("cancel")) or (wait is not None and wait <= 0))
    must_equal(expected["request_id"], request_id or "")
    call = CallContext.of(ctx)
    passed = math.ceil((time.monotonic() - began) * 1000) + 1  # the machine may have stood still meanwhile
    must_equal(call.canceled, expected["canceled"])
    must_equal(call.request_id, expected["request_id"])
    must_equal(call.deadline is not None, expected["deadline"] is not None)
    least, most = expected["timeout_ms_range"]
    must_equal([max(wait or 0, 0), True], [most, max(most - _SLOWEST_MS, 0) <= least <= most])
    assert min(least, most - passed) <= call.timeout_ms <= most, (
        f"timeout_ms {call.timeout_ms} is not in {least}..{most}"
    )


def _from_wire(given: dict[str, Any], expected: dict[str, Any]) -> None:
    deadline = go.moment(given["deadline"])
    call = CallContext(deadline, given["request_id"], given["timeout_ms"], given["canceled"])
    ctx = call.to_context()
    must_equal(ctx.request_id or "", expected["request_id"])
    must_equal(ctx.deadline is not None, expected["has_deadline"])
    must_equal(deadline is not None and ctx.deadline == deadline, expected["deadline_is_wire_deadline"])
    must_equal(_refusal(ctx), expected["err"])


def _refusal(ctx: Context) -> str | None:
    try:
        ctx.ensure_live("a call")
    except TimeoutError:
        return "context deadline exceeded"
    except CancelledError:
        return "context canceled"
    return None
