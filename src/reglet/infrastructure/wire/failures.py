"""What a host's error means: its kind, whether a target was asked, and the grant that is missing.

Hosts have a type (the ABI), a code alone (the Go host SDK), that code in place of the type (the newer app),
or nothing but Go's own words (the older app).
"""

from __future__ import annotations

import re

from attrs import evolve

from reglet.domain.entities.result import ERROR_TYPES, ErrorDetail
from reglet.domain.errors import TIMEOUT_WORDS, CapabilityError, HostError, RegletError

_GUARD_CODE = "SSRF_BLOCKED"
_TIMEOUT, _NOT_FOUND, _REFUSED, _LOST = "TIMEOUT", "HOST_NOT_FOUND", "CONNECTION_REFUSED", "LOOKUP_FAILED"
_TYPES = {
    _TIMEOUT: "timeout",
    "EXECUTION_FAILED": "exec",
    **dict.fromkeys(
        (
            _LOST, _NOT_FOUND, _REFUSED, "CONNECTION_FAILED", "READ_BANNER_FAILED", "READ_BODY_FAILED",
            "REQUEST_FAILED", "SMTP_CLIENT_FAILED", "STARTTLS_FAILED", "TLS_CERTIFICATE_ERROR", "TLS_ERROR",
            "TOO_MANY_REDIRECTS",
        ),
        "network",
    ),
    **dict.fromkeys(("INVALID_REQUEST", "UNSUPPORTED_TYPE", "VALIDATION_ERROR"), "validation"),
    **dict.fromkeys((_GUARD_CODE, "CAPABILITY_DENIED", "PERMISSION_DENIED"), "capability"),
}  # fmt: skip
"""The types behind the codes of the Go host SDK, whose errors have none."""

_GUARD_TYPE = "ssrf_protection"
"""What the older app has in place of the type where its guard refuses, or cannot look a name up."""

_REQUEST = re.compile(r'[A-Z][a-z]+ "[^"]*": ')
"""What Go writes before the failure of an HTTP request; words in a URL say nothing of it."""

_WORDS = (
    (re.compile("no such host"), _NOT_FOUND),
    (re.compile("^(dial tcp: )?lookup .*connection refused"), _LOST),
    (re.compile("connection refused|actively refused"), _REFUSED),
    (
        re.compile(
            "i/o timeout|deadline exceeded|Client.Timeout|handshake timeout|timeout awaiting|timed out"
            f"|did not properly respond|{TIMEOUT_WORDS}"
        ),
        _TIMEOUT,
    ),
)
"""What Go writes, on any system, and we do, for failures to which hosts give no code of their own."""

_MISNAMED = frozenset({"", _TIMEOUT, "TOO_MANY_REDIRECTS"})
"""Codes that are left out, or that the Go host SDK also gives for a word in the URL."""

_UNRESOLVED = re.compile("DNS resolution failed: |failed to resolve host: |no IP addresses found")
"""What a guard writes for a name that it cannot look up, in the place where it says what it blocks."""

_NOT_ASKED = re.compile(
    "^hostfuncs: |^failed to (create HTTP request|decode request body): |unsupported protocol scheme"
    "|no Host in request URL|unsupported record type|(context|request) canceled|too many open files"
    "|cannot assign requested address|no buffer space|address family not supported"
    "|(connect|socket): (operation not permitted|permission denied)"
)
"""What hosts and Go write where nothing left the host; of what was to be asked nothing is known then."""

_ASKED = re.compile(
    r"(dial|read|write) (tcp|udp)|lookup |connection (failed|reset)|broken pipe|\btls: |x509: |EOF"
    r"|server misbehaving|HTTP/1.x transport|malformed HTTP|gave HTTP response|stopped after \d+ redirects"
    "|http2: |gzip: |no route to host|is unreachable|SMTP banner|SMTP client creation|STARTTLS"
    "|TLS connection failed|TLS state"
)
"""What they write where the target was asked, and did not answer as it should."""

_QUOTED = re.compile("SMTP banner: |STARTTLS failed: |SMTP client creation failed: |malformed HTTP ")
"""What stands before words of the target's own."""

_GUARD = re.compile(
    "SSRF protection|(localhost/loopback|private|link-local|multicast|unspecified) address(es)? blocked"
    r"|\(requires network:outbound:private capability\)",
    re.IGNORECASE,
)
_LISTED = re.compile("port not in allowlist|port is blocked|address in blocklist|IP in blocklist CIDR")
_MALFORMED = "invalid address format: "
_DENIED = "capability denied: "
_REQUIRES = re.compile(r"requires '?(network|fs|env|exec|kv):([^']*)")
_NOTHING_GRANTED = "no capabilities granted"
_MISSING = "missing capability: "
_KINDS = {"filesystem": "fs", "environment": "env"}
"""What hosts call the kinds of capabilities, where it is not their name."""

_LONGEST_KIND = 64
_LONGEST_MESSAGE = 16 * 1024
"""Characters of a host's message that are read and passed on."""


def type_of_code(code: str) -> str:
    """Return the error type that a host's code implies; `internal` where it implies none."""
    return _TYPES.get(code.upper(), "internal")


def failure(detail: ErrorDetail, needs: str = "") -> RegletError:
    """Return the exception for what a host said, a denial as `CapabilityError` that says what to grant."""
    detail = _classified(detail)
    cause, denied = detail, _denied(detail, needs)
    while not denied and cause.wrapped is not None:
        cause = cause.wrapped
        denied = _denied(cause, needs)
    if not denied:
        return HostError(detail)
    said = cause.message.removeprefix(f"{_MISSING}{denied}").removeprefix("; ")
    if not _is_blocked(cause):
        advice = f"declare it in the plugin's {denied.partition(':')[0]} capability and have it granted"
    elif _LISTED.search(cause.message):
        advice = "this host has a list of its own for addresses and ports, which no grant changes"
    else:
        advice = (
            "this host's guard blocks private and reserved addresses, whatever names them: the Go host SDK "
            'dials them where a network rule with the host and 127.0.0.1 has port "*" or "0", the Reglet app '
            "where network:outbound:private is granted"
        )
    return CapabilityError(denied, hint=f"{advice} ({said})" if said else advice)


def _classified(detail: ErrorDetail) -> ErrorDetail:
    """Return a host's error, and what it wraps, with type, code and flags, whichever dialect it came in."""
    message, wrapped = detail.message, detail.wrapped and _classified(detail.wrapped)
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}… (cut)"
    kind, code = _named(detail.type, detail.code)
    cause = _REQUEST.sub("", message, count=1)
    implied = next((code for words, code in _WORDS if words.search(cause)), "")
    if _UNRESOLVED.search(message):
        kind, code = "network", implied or _LOST
    elif _MALFORMED in message and code == _GUARD_CODE:
        kind, code = "validation", "INVALID_REQUEST"
    if kind == "network" or (kind == "timeout" and code == _TIMEOUT) or (kind == "internal" and not code):
        if implied:
            kind, code = type_of_code(implied), implied if code in _MISNAMED else code
        elif _NOT_ASKED.search(message):
            kind = "internal"
        elif cause != message or _ASKED.search(message):
            kind = "timeout" if kind == "timeout" else "network"
    if wrapped is not None and kind == "internal":
        kind, code = wrapped.type, code or wrapped.code
    return evolve(
        detail,
        message=message,
        type=kind,
        code=code,
        wrapped=wrapped,
        is_timeout=detail.is_timeout or kind == "timeout" or (wrapped is not None and wrapped.is_timeout),
        is_not_found=detail.is_not_found
        or (kind == "network" and _NOT_FOUND in (code, implied))
        or (wrapped is not None and wrapped.is_not_found),
    )


def _named(kind: str, code: str) -> tuple[str, str]:
    """Return the type and the code that a host means, in whatever case and place it writes them."""
    code = code.upper() if code.upper() in _TYPES else code
    if kind in ERROR_TYPES:
        return kind, code
    if kind.lower() == _GUARD_TYPE:
        return "capability", code or _GUARD_CODE
    if kind.upper() in _TYPES:
        return type_of_code(kind), code or kind.upper()
    return (kind.lower(), code) if kind.lower() in ERROR_TYPES else (type_of_code(code), code or kind)


def _denied(detail: ErrorDetail, needs: str) -> str:
    """Return the grant that is missing, empty where none is."""
    message = detail.message
    if _is_blocked(detail):
        return needs or "network:outbound:private"
    if _QUOTED.search(message):
        return ""
    before, denied, pattern = message.partition(_DENIED)
    found = _REQUIRES.search(message)
    # a host that denies says so by its type; of other texts a part may be anybody's
    if detail.type in ("capability", "validation"):
        kind = before[-_LONGEST_KIND:].rstrip().rpartition(" ")[2]
        if denied and before.endswith(" ") and kind.isidentifier():
            return f"{_KINDS.get(kind, kind)}:{pattern.partition('; ')[0]}"
        if found:
            return f"{found[1]}:{found[2]}"
    if detail.type == "capability":
        return detail.code if ":" in detail.code else needs or detail.code or message or detail.type
    return needs or message if denied or found or _NOTHING_GRANTED in message else ""


def _is_blocked(detail: ErrorDetail) -> bool:
    """Report whether a guard of the host refused an address, whatever the grant says."""
    return detail.type != "validation" and (
        detail.code == _GUARD_CODE
        or (_UNRESOLVED.search(detail.message) is None and _GUARD.search(detail.message) is not None)
    )
