"""What hosts answer in an example: plain data that fakes are made of."""

from reglet.application.examples import (
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
from reglet.domain.entities.records import MXRecord, TLSFacts

__all__ = [
    "Answer",
    "CommandAnswer",
    "DNSAnswer",
    "HTTPAnswer",
    "MXRecord",
    "SMTPAnswer",
    "TCPAnswer",
    "TLSFacts",
    "command",
    "dns",
    "http",
    "smtp",
    "tcp",
]
