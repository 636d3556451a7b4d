"""AWS Signature Version 4 of a GET request, on hashlib and hmac alone."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from attrs import frozen

from aws_plugin.credentials import Credentials

_ALGORITHM = "AWS4-HMAC-SHA256"
_EMPTY_BODY = hashlib.sha256(b"").hexdigest()


@frozen
class Scope:
    """What a signature is good for: one service in one region."""

    region: str
    service: str


def canonical_query(parameters: Mapping[str, str]) -> str:
    """Return a query sorted and encoded as AWS signs it; it is sent the same way."""
    encoded = sorted((_encoded(name), _encoded(value)) for name, value in parameters.items())
    return "&".join(f"{name}={value}" for name, value in encoded)


def signed_headers(
    host: str, query: str, credentials: Credentials, scope: Scope, timestamp: datetime
) -> dict[str, str]:
    """Return the headers that sign `GET https://host/?query`, made at `timestamp` (in UTC)."""
    headers = {"host": host, "x-amz-date": timestamp.strftime("%Y%m%dT%H%M%SZ")}
    if credentials.session_token:
        headers["x-amz-security-token"] = credentials.session_token
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = f"GET\n/\n{query}\n{lines}\n{names}\n{_EMPTY_BODY}"
    day = timestamp.strftime("%Y%m%d")
    scoped = f"{day}/{scope.region}/{scope.service}/aws4_request"
    signed = (
        f"{_ALGORITHM}\n{headers['x-amz-date']}\n{scoped}\n{hashlib.sha256(request.encode()).hexdigest()}"
    )
    signature = _hmac(_key(credentials, day, scope), signed).hex()
    signer = f"Credential={credentials.access_key_id}/{scoped}"
    authorization = f"{_ALGORITHM} {signer}, SignedHeaders={names}, Signature={signature}"
    del headers["host"]  # the HTTP client sends it
    return {**headers, "authorization": authorization}


def _key(credentials: Credentials, day: str, scope: Scope) -> bytes:
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in (day, scope.region, scope.service, "aws4_request"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, message: str) -> bytes:
    return hmac.new(key, message.encode(), hashlib.sha256).digest()


def _encoded(string: str) -> str:
    return quote(string, safe="-_.~")
