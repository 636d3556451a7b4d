"""The tcp plugin: one service, one operation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import reglet
from reglet import answers
from reglet.errors import ConfigError
from tcp_plugin.models import ConnectInput, ConnectOutput

plugin = reglet.define_plugin(
    name="tcp",
    description="TCP connection testing and TLS validation",
    # Which port is to be checked is the profile's choice; servers listen below the ephemeral range.
    capabilities=reglet.GrantSet(
        network=reglet.NetworkCapability(rules=[reglet.NetworkRule(hosts=["*"], ports=["1-32767"])])
    ),
)

_TLS = answers.TLSFacts(
    version="TLS 1.3",
    cipher_suite="TLS_AES_128_GCM_SHA256",
    server_name="example.com",
    cert_subject="CN=example.com",
    cert_issuer="CN=Example CA",
)

EXAMPLES = [
    reglet.Example(
        "basic",
        ConnectInput(host="example.com", port=22),
        description="A port that is open",
        expected_output=ConnectOutput(
            host="example.com", port=22, connected=True, remote_addr="93.184.216.34:22"
        ),
        answers=[answers.tcp("example.com:22", remote_addr="93.184.216.34:22")],
    ),
    reglet.Example(
        "tls",
        ConnectInput(host="example.com", port=443, tls=True, expected_tls_version="TLS 1.3"),
        description="A TLS server, its version and its certificate",
        expected_output=ConnectOutput(
            host="example.com",
            port=443,
            connected=True,
            tls=True,
            tls_version="TLS 1.3",
            tls_cipher_suite="TLS_AES_128_GCM_SHA256",
            tls_server_name="example.com",
            tls_cert_subject="CN=example.com",
            tls_cert_issuer="CN=Example CA",
        ),
        answers=[answers.tcp("example.com:443", tls=_TLS)],
    ),
    reglet.Example(
        "expired",
        ConnectInput(host="old.example.com", port=443, tls=True, insecure_skip_verify=True),
        description="A certificate that has expired: its facts can be read where it need not be trusted",
        expected_output=ConnectOutput(
            host="old.example.com",
            port=443,
            connected=True,
            tls=True,
            tls_version="TLS 1.2",
            tls_cert_subject="CN=old.example.com",
            tls_expiry="2020-01-01T00:00:00Z",
        ),
        answers=[
            answers.tcp(
                "old.example.com:443",
                tls=answers.TLSFacts(
                    version="TLS 1.2",
                    cert_subject="CN=old.example.com",
                    cert_not_after=datetime(2020, 1, 1, tzinfo=UTC),
                ),
            )
        ],
    ),
    reglet.Example(
        "closed",
        ConnectInput(host="example.com", port=23),
        description="A closed port is an answer: the profile decides what to make of it",
        expected_output=ConnectOutput(host="example.com", port=23, connected=False),
        answers=[answers.tcp("example.com:23", error="refused")],
    ),
    reglet.Example(
        "old_tls",
        ConnectInput(host="old.example.com", port=443, tls=True, expected_tls_version="TLS 1.3"),
        description="Another TLS version than expected: the check fails, and its data is there",
        expected_error="TLS version mismatch: expected TLS 1.3, got TLS 1.2",
        answers=[answers.tcp("old.example.com:443", tls=answers.TLSFacts(version="TLS 1.2"))],
    ),
]


@plugin.service("tcp", description="TCP connections")
class TCPService:
    """Connects to ports."""

    @reglet.operation(
        description="Connect to a port and report the facts of the connection", examples=EXAMPLES
    )
    def connect(self, ctx: reglet.Context, request: ConnectInput) -> ConnectOutput | reglet.Result:
        """Connect; a port that cannot be reached is data, what the user did not grant is an error."""
        if request.expected_tls_version and not request.tls:
            raise ConfigError("expected_tls_version", "without TLS there is no version; set tls too")
        if request.insecure_skip_verify and not request.tls:
            raise ConfigError("insecure_skip_verify", "without TLS there is no certificate; set tls too")
        result = reglet.run_tcp_check(
            ctx,
            {
                "host": request.host,
                "port": request.port,
                "timeout_ms": request.timeout_ms,
                "tls": request.tls,
                "insecure_skip_verify": request.insecure_skip_verify,
                "expected_tls_version": request.expected_tls_version,
            },
        )
        if result.error is None:
            return _connected(request, result)
        if result.error.type not in {"network", "timeout"}:
            return result
        return ConnectOutput(
            host=request.host, port=request.port, connected=False, error=result.error.message
        )


def _connected(request: ConnectInput, result: reglet.Result) -> ConnectOutput:
    facts: Mapping[str, Any] = result.data or {}
    output = ConnectOutput(
        host=request.host,
        port=request.port,
        connected=True,
        remote_addr=facts.get("remote_addr", ""),
        local_addr=facts.get("local_addr", ""),
        tls=facts.get("tls", False),
        tls_version=facts.get("tls_version", ""),
        tls_cipher_suite=facts.get("tls_cipher_suite", ""),
        tls_server_name=facts.get("tls_server_name", ""),
        tls_cert_subject=facts.get("tls_cert_subject", ""),
        tls_cert_issuer=facts.get("tls_cert_issuer", ""),
        tls_expiry=facts.get("tls_cert_not_after", ""),
        tls_cert_days_remaining=facts.get("tls_cert_days_remaining"),
        response_time_ms=facts["response_time_ms"],
        expectation_failed=result.is_failure,
        expectation_error=result.message if result.is_failure else "",
    )
    if result.is_failure:
        raise reglet.CheckFailed(result.message, output)
    return output
