"""The log over a host's `log_message`."""

from __future__ import annotations

from reglet.domain.entities.records import LogMessage
from reglet.domain.ports import HostFunctions
from reglet.infrastructure.guest.host_caller import MAX_REQUEST_BYTES
from reglet.infrastructure.wire.log import encode_log_message

_FUNCTION = "log_message"
_MOST_TEXT = 64 * 1024
_CUT = "… (cut: hosts read at most 1 MB)"


class HostLogSink:
    """Hands messages to the host. A message that is too large for a host is cut, and says so."""

    def __init__(self, functions: HostFunctions) -> None:
        """Take the seam."""
        self._functions = functions

    def write(self, message: LogMessage) -> None:
        """Hand one message over."""
        request = encode_log_message(message)
        if len(request) > MAX_REQUEST_BYTES:
            request = encode_log_message(_cut(message))
        self._functions.call(_FUNCTION, request)


def _cut(message: LogMessage) -> LogMessage:
    text = message.message[:_MOST_TEXT] + _CUT
    return LogMessage(message.level, text, (), message.timestamp, message.request_id)
