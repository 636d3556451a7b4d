"""What the tcp plugin takes and what it answers."""

from __future__ import annotations

from typing import Literal

import reglet

TLSVersion = Literal["TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"]


@reglet.model
class ConnectInput:
    """A port to connect to."""

    host: str = reglet.field(description="Name or address to connect to", pattern="^[^ /]+$")
    port: int = reglet.field(description="Port to connect to", ge=1, le=65535)
    timeout_ms: int = reglet.field(
        default=5000, ge=1, le=3_600_000, description="Time limit, in milliseconds"
    )
    tls: bool = reglet.field(default=False, description="Negotiate TLS")
    insecure_skip_verify: bool = reglet.field(
        default=False, description="Accept any certificate, to read its facts; refused where the host cannot"
    )
    expected_tls_version: TLSVersion | None = reglet.field(
        default=None, description="Fail on any other version; set `tls` too"
    )


@reglet.model
class ConnectOutput:
    """The facts of the connection. Every field is always there."""

    host: str = reglet.field(description="The host that was asked for")
    port: int = reglet.field(description="The port that was asked for")
    connected: bool = reglet.field(description="Whether a connection was made")
    error: str = reglet.field(default="", description="Why there is none, empty if there is one")
    remote_addr: str = reglet.field(default="", description="The address that was connected to, if known")
    local_addr: str = reglet.field(default="", description="The address connected from, if known")
    tls: bool = reglet.field(default=False, description="Whether TLS was negotiated")
    tls_version: str = reglet.field(default="", description="Such as `TLS 1.3`, empty without TLS")
    tls_cipher_suite: str = reglet.field(default="", description="The cipher suite, empty without TLS")
    tls_server_name: str = reglet.field(default="", description="The name asked for, empty without TLS")
    tls_cert_subject: str = reglet.field(default="", description="Whom the certificate is for, if known")
    tls_cert_issuer: str = reglet.field(default="", description="Who issued it, if known")
    tls_expiry: str = reglet.field(default="", description="When it expires, RFC 3339, if known")
    tls_cert_days_remaining: int | None = reglet.field(
        default=None, description="Whole days until then, below zero once expired; null if not known"
    )
    response_time_ms: int = reglet.field(default=0, description="How long connecting took; 0 if it failed")
    expectation_failed: bool = reglet.field(default=False, description="Whether an expectation was not met")
    expectation_error: str = reglet.field(default="", description="Which one, empty if none")
