"""Hosts for tests: the seam answered from a script, or by a function."""

from __future__ import annotations

import json
from typing import Any


class ScriptedHost:
    """Answers calls with the given answers in turn, the last one for ever; keeps the requests."""

    def __init__(self, *answers: bytes | dict[str, Any]) -> None:
        self._answers = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in answers]
        self.calls: list[tuple[str, bytes]] = []

    def call(self, name: str, request: bytes) -> bytes:
        """Keep the call and answer it; the log has no answer."""
        self.calls.append((name, request))
        if name == "log_message":
            return b""
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The requests of all calls."""
        return [json.loads(request) for _, request in self.calls]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What was logged."""
        return [json.loads(request) for name, request in self.calls if name == "log_message"]


UNREADABLE = {
    "error": "VALIDATION_ERROR",
    "message": "failed to unmarshal request: json: cannot unmarshal string into Go struct field port of type int",
    "code": 400,
}


class HostlibHost:
    """Refuses what the Go host SDK cannot decode, and answers the rest."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self._answer = answer
        self.requests: list[dict[str, Any]] = []

    def call(self, name: str, request: bytes) -> bytes:
        """Answer as the Go host SDK does."""
        decoded = json.loads(request)
        self.requests.append(decoded)
        lists = any(isinstance(value, list) for value in decoded.get("headers", {}).values())
        refused = lists or isinstance(decoded.get("port"), str)
        return json.dumps(UNREADABLE if refused else self._answer).encode()
