"""What the world answers in an example: plain data that fakes are made of."""

from reglet.application.answers import (
    Answer,
    CommandAnswer,
    DNSAnswer,
    HTTPAnswer,
    SMTPAnswer,
    TCPAnswer,
    command,
    dns,
    http,
    smtp,
    tcp,
)

__all__ = [
    "Answer",
    "CommandAnswer",
    "DNSAnswer",
    "HTTPAnswer",
    "SMTPAnswer",
    "TCPAnswer",
    "command",
    "dns",
    "http",
    "smtp",
    "tcp",
]
