"""The seam inside a module."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reglet.domain.entities.records import LogMessage
from reglet.domain.errors import CapabilityError, WireFormatError
from reglet.infrastructure.guest.clients import HostLogSink, ImportedFunctions
from tests.guest.hosts import ScriptedHost


class Module:
    """A built-in module whose imports are answered by a function."""

    def __init__(self, answer: Callable[[], bytes | None]) -> None:
        self._answer = answer

    def call(self, name: str, request: bytes) -> bytes | None:
        """Answer."""
        return self._answer()


def test_an_answer_is_passed_through() -> None:
    """A packed 0 is an empty answer."""
    assert ImportedFunctions(Module(lambda: b"{}")).call("http_request", b"") == b"{}"
    assert ImportedFunctions(Module(lambda: b"")).call("log_message", b"") == b""


@pytest.mark.parametrize(
    ("name", "kind"), [("http_request", "network"), ("smtp_connect", "network"), ("exec_command", "exec")]
)
def test_a_function_that_is_not_imported_names_the_capability(name: str, kind: str) -> None:
    """The author learns what to declare."""
    with pytest.raises(CapabilityError, match=f"declares no {kind} capability") as caught:
        ImportedFunctions(Module(lambda: None)).call(name, b"{}")
    assert caught.value.required == kind


def test_a_corrupt_packed_value_is_a_wire_format_error() -> None:
    """A pointer of 0 with a length is no answer."""

    def corrupt() -> bytes | None:
        raise ValueError("packed pointer 0 with length 5")

    with pytest.raises(WireFormatError, match="pointer 0 with length 5"):
        ImportedFunctions(Module(corrupt)).call("dns_lookup", b"{}")


def test_a_log_message_that_is_too_large_is_cut() -> None:
    """It arrives, and says that it was cut."""
    host = ScriptedHost({})
    HostLogSink(host).write(LogMessage("INFO", "x" * 2_000_000, request_id="r"))
    (message,) = host.messages
    assert "cut" in message["message"]
    assert message["context"] == {"request_id": "r"}
