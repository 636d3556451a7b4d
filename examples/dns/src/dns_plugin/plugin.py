"""The dns plugin: one service, one operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

import reglet
from dns_plugin.models import ResolveInput, ResolveOutput
from reglet import answers

plugin = reglet.define_plugin(
    name="dns",
    description="DNS resolution and record lookup",
    capabilities=reglet.GrantSet(
        network=reglet.NetworkCapability(rules=[reglet.NetworkRule(hosts=["*"], ports=["53"])])
    ),
)

EXAMPLES = [
    reglet.Example(
        "basic_a",
        ResolveInput(hostname="example.com"),
        description="Addresses, IPv4 only",
        expected_output=ResolveOutput(
            hostname="example.com", record_type="A", records=["93.184.216.34"], record_count=1
        ),
        answers=[
            answers.dns("example.com", "A", records=["93.184.216.34"]),
            answers.dns("example.com", "AAAA", records=["2606:2800:21f::1"]),
        ],
    ),
    reglet.Example(
        "mail",
        ResolveInput(hostname="example.com", record_type="MX"),
        description="Mail exchangers with their preference",
        expected_output=ResolveOutput(
            hostname="example.com",
            record_type="MX",
            records=["10 mx1.example.com", "20 mx2.example.com"],
            record_count=2,
        ),
        answers=[
            answers.dns(
                "example.com",
                "MX",
                mx_records=[
                    reglet.MXRecord("mx1.example.com", 10),
                    reglet.MXRecord("mx2.example.com", 20),
                ],
            )
        ],
    ),
    reglet.Example(
        "text_from_nameserver",
        ResolveInput(hostname="example.com", record_type="TXT", nameserver="1.1.1.1"),
        description="Text records, asked of one name server",
        expected_output=ResolveOutput(
            hostname="example.com",
            record_type="TXT",
            records=["v=spf1 -all"],
            record_count=1,
            nameserver="1.1.1.1",
        ),
        answers=[answers.dns("example.com", "TXT", records=["v=spf1 -all"])],
    ),
    reglet.Example(
        "nxdomain",
        ResolveInput(hostname="invalid.test"),
        description="A name that does not exist",
        expected_error="DNS lookup failed",
        answers=[answers.dns("invalid.test", error="not_found")],
    ),
]


@plugin.service("dns", description="DNS resolution")
class DNSService:
    """Looks names up."""

    @reglet.operation(description="Look a name up and report its records", examples=EXAMPLES)
    def resolve(self, ctx: reglet.Context, request: ResolveInput) -> ResolveOutput | reglet.Result:
        """Look a name up; a look-up that fails is an error that says whether the name exists."""
        result = reglet.run_dns_check(
            ctx,
            {
                "hostname": request.hostname,
                "record_type": request.record_type,
                "nameserver": request.nameserver,
            },
        )
        if result.error is not None:
            return _failed(result.error)
        facts: Mapping[str, Any] = result.data or {}
        return ResolveOutput(
            hostname=request.hostname,
            record_type=request.record_type,
            records=[*facts.get("records", []), *map(_exchanger, facts.get("mx_records", []))],
            record_count=facts["record_count"],
            nameserver=request.nameserver,
            query_time_ms=facts["query_time_ms"],
        )


def _exchanger(record: Mapping[str, Any]) -> str:
    return f"{record['pref']} {record['host']}"


def _failed(error: reglet.ErrorDetail) -> reglet.Result:
    return reglet.result_error(attrs.evolve(error, message=f"DNS lookup failed: {error.message}"))
