"""What goes to the host's log: `logging`, `print` and warnings; and how a test or a tool takes it."""

from reglet.application.log_attributes import Group, group
from reglet.application.log_handler import LogSinkHandler
from reglet.application.log_streams import LogInstallation, logging_to
from reglet.domain.entities.log_record import LogAttribute, LogMessage
from reglet.domain.ports.log_sink import LogSink

__all__ = [
    "Group",
    "LogAttribute",
    "LogInstallation",
    "LogMessage",
    "LogSink",
    "LogSinkHandler",
    "group",
    "logging_to",
]
