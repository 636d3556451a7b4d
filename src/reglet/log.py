"""What goes to the host's log: `logging`, `print` and warnings; and how a test or a tool takes it."""

from reglet.application.logging import Group, LogInstallation, LogSinkHandler, group, logging_to
from reglet.domain.entities.records import LogAttribute, LogMessage
from reglet.domain.ports import LogSink

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
