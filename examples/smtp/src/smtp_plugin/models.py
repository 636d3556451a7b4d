"""What the smtp plugin takes and what it answers."""

from __future__ import annotations

import reglet


@reglet.model
class ConnectInput:
    """A mail server to greet."""

    host: str = reglet.field(description="Name or address of the mail server", pattern="^[^ /]+$")
    port: int = reglet.field(default=25, ge=1, le=65535, description="25, 465 for TLS, 587 for STARTTLS")
    timeout_ms: int = reglet.field(
        default=5000, ge=1, le=3_600_000, description="Time limit, in milliseconds"
    )
    use_tls: bool = reglet.field(default=False, description="Negotiate TLS at once")
    use_starttls: bool = reglet.field(default=False, description="Negotiate TLS after the greeting")
    insecure_skip_verify: bool = reglet.field(
        default=False, description="Accept any certificate; refused where the host cannot"
    )


@reglet.model
class ConnectOutput:
    """What the mail server announced. Every field is always there."""

    host: str = reglet.field(description="The host that was asked for")
    port: int = reglet.field(description="The port that was asked for")
    connected: bool = reglet.field(description="Whether the server greeted")
    error: str = reglet.field(default="", description="Why it did not, empty if it did")
    banner: str = reglet.field(default="", description="Its greeting")
    extensions: list[str] = reglet.field(
        factory=list, description="What it offers, such as `STARTTLS`; empty if the host does not report it"
    )
    supports_auth: bool | None = reglet.field(
        default=None, description="Whether it offers AUTH; null if the host does not report it"
    )
    tls: bool = reglet.field(default=False, description="Whether TLS was negotiated")
    tls_version: str = reglet.field(default="", description="Such as `TLS 1.3`, empty without TLS")
    tls_cipher_suite: str = reglet.field(default="", description="The cipher suite, empty without TLS")
    tls_server_name: str = reglet.field(default="", description="The name asked for, empty without TLS")
    response_time_ms: int = reglet.field(default=0, description="How long it took; 0 if not known")
