"""The smtp plugin: one service, one operation."""

from __future__ import annotations

from datetime import timedelta

import reglet
from reglet import answers
from reglet.errors import ConfigError, RegletError
from smtp_plugin.models import ConnectInput, ConnectOutput

plugin = reglet.define_plugin(
    name="smtp",
    description="SMTP connection testing and server validation",
    capabilities=reglet.GrantSet(
        network=reglet.NetworkCapability(rules=[reglet.NetworkRule(hosts=["*"], ports=["25", "465", "587"])])
    ),
)

EXAMPLES = [
    reglet.Example(
        "basic",
        ConnectInput(host="mail.example.com"),
        description="A mail server's greeting",
        expected_output=ConnectOutput(
            host="mail.example.com", port=25, connected=True, banner="220 mail.example.com ESMTP"
        ),
        answers=[answers.smtp("mail.example.com", banner="220 mail.example.com ESMTP")],
    ),
    reglet.Example(
        "starttls",
        ConnectInput(host="mail.example.com", port=587, use_starttls=True),
        description="TLS after the greeting",
        expected_output=ConnectOutput(
            host="mail.example.com",
            port=587,
            connected=True,
            banner="220 mail.example.com ESMTP",
            tls=True,
            tls_version="TLS 1.3",
        ),
        answers=[
            answers.smtp(
                "mail.example.com",
                result=reglet.SMTPConnectResult(
                    banner="220 mail.example.com ESMTP", tls_enabled=True, tls_version="TLS 1.3"
                ),
            )
        ],
    ),
    reglet.Example(
        "unreachable",
        ConnectInput(host="down.example.com"),
        description="No greeting is an answer: the profile decides what to make of it",
        expected_output=ConnectOutput(host="down.example.com", port=25, connected=False),
        answers=[answers.smtp("down.example.com", error="refused")],
    ),
    reglet.Example(
        "both_kinds_of_tls",
        ConnectInput(host="mail.example.com", use_tls=True, use_starttls=True),
        description="TLS starts at once or after the greeting, not twice",
        expected_error="use_tls and use_starttls exclude each other",
    ),
]


@plugin.service("smtp", description="SMTP connections")
class SMTPService:
    """Greets mail servers."""

    @reglet.operation(description="Connect to a mail server and report what it announced", examples=EXAMPLES)
    def connect(self, request: ConnectInput, *, smtp: reglet.SMTPClient) -> ConnectOutput:
        """Connect; a server that cannot be reached is data, what the user did not grant is an error."""
        if request.use_tls and request.use_starttls:
            raise ConfigError("use_starttls", "use_tls and use_starttls exclude each other; set one of them")
        if request.insecure_skip_verify and not (request.use_tls or request.use_starttls):
            raise ConfigError(
                "insecure_skip_verify", "without TLS there is no certificate; set one of the two"
            )
        timeout = timedelta(milliseconds=request.timeout_ms)
        try:
            answer = smtp.connect(
                request.host,
                request.port,
                timeout,
                request.use_tls,
                request.use_starttls,
                insecure_skip_verify=request.insecure_skip_verify,
            )
        except RegletError as error:
            if not error.concerns_target:
                raise
            return _unreachable(request, error)
        return _answered(request, answer)


def _unreachable(request: ConnectInput, error: RegletError) -> ConnectOutput:
    return ConnectOutput(
        host=request.host, port=request.port, connected=False, error=f"connection failed: {error}"
    )


def _answered(request: ConnectInput, answer: reglet.SMTPConnectResult) -> ConnectOutput:
    return ConnectOutput(
        host=request.host,
        port=request.port,
        connected=answer.connected,
        error="" if answer.connected else "connection failed",
        banner=answer.banner,
        extensions=list(answer.extensions),
        supports_auth=answer.supports_auth,
        tls=answer.tls_enabled,
        tls_version=answer.tls_version,
        tls_cipher_suite=answer.tls_cipher_suite,
        tls_server_name=answer.tls_server_name,
        response_time_ms=answer.response_time // timedelta(milliseconds=1),
    )
