"""What the dns plugin takes and what it answers."""

from __future__ import annotations

from typing import Literal

import reglet

RecordType = Literal["A", "AAAA", "MX", "TXT", "CNAME", "NS"]


@reglet.model
class ResolveInput:
    """A name to look up."""

    hostname: str = reglet.field(description="Name to look up", min_length=1)
    record_type: RecordType = reglet.field(default="A", description="Type of the records")
    nameserver: str = reglet.field(
        default="", description="Name server to ask, such as `1.1.1.1`; the host's own if empty"
    )


@reglet.model
class ResolveOutput:
    """The records that were found. Every field is always there."""

    hostname: str = reglet.field(description="The name that was looked up")
    record_type: RecordType = reglet.field(description="The type of the records")
    record_count: int = reglet.field(description="How many records there are")
    records: list[str] = reglet.field(
        factory=list, description="The records; of type MX as `10 mail.example.com`, lowest preference first"
    )
    nameserver: str = reglet.field(default="", description="The name server that was asked, if any")
    query_time_ms: int = reglet.field(default=0, description="How long it took, in milliseconds")
