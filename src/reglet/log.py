"""What goes to the host's log: `logging`, `print` and warnings; and how a test or a tool takes it."""

from reglet.application.logging import Group, LogRedirect, LogSinkHandler, group, redirect_logging
from reglet.domain.entities.records import LogAttribute, LogMessage
from reglet.domain.ports import LogSink

__all__ = [
    "Group",
    "LogAttribute",
    "LogMessage",
    "LogRedirect",
    "LogSink",
    "LogSinkHandler",
    "group",
    "redirect_logging",
]
