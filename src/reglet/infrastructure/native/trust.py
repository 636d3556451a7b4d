"""TLS: whom connections trust, how they start and fail, and what their handshakes and certificates show.

What a certificate has is read from its DER and written as Go's `crypto/x509` writes it.
"""

from __future__ import annotations

import re
import socket
import ssl
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from attrs import frozen

from reglet.domain.entities.records import TLSFacts
from reglet.domain.policy.network import canonical_host, parse_address
from reglet.infrastructure.native.dialer import Deadline

_CIPHERS = "@SECLEVEL=1:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:DHE+AES:!aNULL:!eNULL:!aDSS:!AESCCM"
"""Python's own, and what Go takes of older servers: CBC with SHA-1, and RSA keys from 1024 bits on."""


@frozen
class Trust:
    """The certificate authorities to trust: those of the system, or only those of a PEM file."""

    ca_file: str | None = None

    def context(self, *, verify: bool = True, protocols: tuple[str, ...] = ()) -> ssl.SSLContext:
        """Return a client context that offers these application protocols (ALPN).

        With `verify` off it takes any certificate. Contexts are shared, since reading the authorities takes
        many milliseconds: do not change them. Raises `OSError` where the authorities cannot be read.
        """
        path = (self.ca_file or system_roots(ssl.get_default_verify_paths())) if verify else None
        changed = Path(path).stat().st_mtime_ns if path else 0
        return _context(path, changed, protocols, verify=verify)


@lru_cache(maxsize=16)
def _context(path: str | None, _changed: int, protocols: tuple[str, ...], *, verify: bool) -> ssl.SSLContext:
    if verify:
        try:
            context = ssl.create_default_context(cafile=path)
        except ssl.SSLError as error:
            raise OSError(f"{path} holds no certificate authorities in PEM: {in_words(error)}") from error
        context.hostname_checks_common_name = False  # RFC 9525, as Go: names are alternative names alone
        # as Go, and as Python before 3.13: what is trusted need be no root, and need not be perfect
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    else:  # it takes any certificate, and so reads no authorities
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(_CIPHERS)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def system_roots(paths: ssl.DefaultVerifyPaths, platform: str = sys.platform) -> str | None:
    """Return the file of the system's authorities, certifi's where OpenSSL knows of none (macOS).

    None stands for those that `ssl` finds itself: in a folder, on Windows in the system's store.
    """
    if paths.cafile:
        return paths.cafile
    if platform == "win32":
        return None
    if paths.capath and any(Path(paths.capath).iterdir()):
        return None
    try:
        import certifi
    except ImportError:
        return None
    return certifi.where()


def secure(plain: socket.socket, host: str, context: ssl.SSLContext, deadline: Deadline) -> ssl.SSLSocket:
    """Start TLS on a connection, asking for `host`. The connection is closed if that fails.

    Raises:
        InvalidHostError: `host` is neither a name nor an address.
        TimeoutError: time ran out.
        OSError: the handshake failed, or the certificate is not to be trusted.
    """
    try:
        plain.settimeout(deadline.seconds())
        return context.wrap_socket(plain, server_hostname=canonical_host(host))
    except BaseException:
        plain.close()
        raise


_ALERT = re.compile(r"(?:sslv3|tlsv1|tlsv13) (?:alert )?(.+)")
_NO_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}
)
"""What OpenSSL says of bytes that are no TLS record."""


def in_words(error: Exception) -> Exception | str:
    """Return an error of TLS in words that do not take OpenSSL's sources to read, any other as it is."""
    if not isinstance(error, ssl.SSLError):
        return error
    words = re.sub(r" \(_ssl\.c:[0-9]+\)$", "", str(error.strerror or error))
    alert = _ALERT.fullmatch(words.rpartition("] ")[2])
    if isinstance(error, ssl.SSLEOFError):
        return "the server closed the connection within the TLS handshake (EOF)"
    if alert is not None:
        return f"the server refused the TLS handshake: {alert[1]} (a TLS alert)"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{words.removesuffix('.')}; insecure_skip_verify takes any certificate, and shows its facts"
    if error.reason in _NO_TLS:
        return f"the server does not speak TLS on this port ({words})"
    return words


_TLS_VERSIONS = {"TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1", "TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3"}
_SUITE = re.compile(
    r"(?:(ECDHE|DHE)-)?(?:(ECDSA|RSA|DSS)-)?(?:(AES|ARIA|CAMELLIA)(128|256)-(.+)|(CHACHA20-POLY1305))"
)


def tls_facts(connection: ssl.SSLSocket, host: str) -> TLSFacts:
    """Return what a handshake showed; `ValueError` if the certificate cannot be read."""
    name = canonical_host(host)
    encoded = connection.getpeercert(binary_form=True)
    certificate = Certificate.parse(encoded) if encoded else None
    version = connection.version() or ""
    suite = connection.cipher()
    return TLSFacts(
        version=_TLS_VERSIONS.get(version, version),
        cipher_suite=iana_name(suite[0]) if suite else "",
        server_name="" if parse_address(name) is not None else name,
        cert_subject=certificate.subject if certificate else "",
        cert_issuer=certificate.issuer if certificate else "",
        cert_not_after=certificate.not_after if certificate else None,
    )


def iana_name(openssl_name: str) -> str:
    """Return a cipher suite's IANA name for OpenSSL's (`ECDHE-RSA-AES128-GCM-SHA256`)."""
    if openssl_name.startswith("TLS_"):
        return openssl_name
    match = _SUITE.fullmatch(openssl_name)
    if match is None:
        return openssl_name
    exchange, signature, cipher, bits, mode, _ = match.groups()
    agreement = f"{exchange}_{signature or 'RSA'}" if exchange else "RSA"
    if cipher is None:
        return f"TLS_{agreement}_WITH_CHACHA20_POLY1305_SHA256"
    hashed = f"CBC_{mode}" if mode.startswith("SHA") else mode.replace("CCM8", "CCM_8").replace("-", "_")
    return f"TLS_{agreement}_WITH_{cipher}_{bits}_{hashed}"


_VERSION, _UTC_TIME = 0xA0, 0x17
_UTF8_STRING, _PRINTABLE_STRING, _BMP_STRING = 0x0C, 0x13, 0x1E
"""Tags of DER (X.690)."""
_CHARACTER_SETS = {0x14: "latin-1", 0x1C: "utf-32-be", _BMP_STRING: "utf-16-be"}
"""Of T61String (by common use), UniversalString and BMPString."""
_STRINGS = frozenset({_UTF8_STRING, _PRINTABLE_STRING, 0x12, 0x16, 0x1A, 0x1B, *_CHARACTER_SETS})
_LONG_FORM = 0x80
_TIME = re.compile(r"([0-9]{2}|[0-9]{4})([0-9]{8})([0-9]{2})?(?:Z|([+-][0-9]{2})([0-9]{2}))")
_CENTURY_TURNS = 50
"""Two digits of a year are of the 20th century from here on (RFC 5280 section 4.1.2.5.1)."""

_NAMED = {
    "2.5.4.6": "C",
    "2.5.4.8": "ST",
    "2.5.4.7": "L",
    "2.5.4.9": "STREET",
    "2.5.4.17": "POSTALCODE",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.3": "CN",
    "2.5.4.5": "SERIALNUMBER",
}
"""The attributes that Go knows, in the order in which it puts them; it writes a name from its end."""
_SINGLE = frozenset({"CN", "SERIALNUMBER"})
_SPECIAL = re.compile(r'[,+"\\<>;]|^[ #]| \Z')
_ESCAPED = r"\\\g<0>"
_PRINTABLE = re.compile(r"[A-Za-z0-9'()+,./:=? -]*")


@frozen
class Certificate:
    """Whose a certificate is, who says so, and until when."""

    subject: str
    issuer: str
    not_after: datetime

    @classmethod
    def parse(cls, der: bytes) -> Certificate:
        """Read the beginning of a certificate (RFC 5280 section 4.1); `ValueError` if it has none."""
        try:
            ((_, certificate),) = _elements(der)
            fields = list(_elements(next(_elements(certificate))[1]))
            if fields[0][0] == _VERSION:
                del fields[0]
            _, _, (_, issuer), (_, validity), (_, subject) = fields[:5]
            _, (kind, not_after) = _elements(validity)
            return cls(go_name(subject), go_name(issuer), _time(kind, not_after))
        except (ValueError, LookupError, OverflowError, StopIteration) as error:
            raise ValueError(f"the server's certificate cannot be read: {error}") from error


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the elements that stand side by side, each as its tag and content."""
    at = 0
    while at < len(der):
        tag, size, begin = der[at], der[at + 1], at + 2
        if size >= _LONG_FORM:
            begin += size - _LONG_FORM
            size = int.from_bytes(der[at + 2 : begin])
        at = begin + size
        if at > len(der):
            raise ValueError(f"an element has {len(der) - begin} of {size} bytes")
        yield tag, der[begin:at]


def go_name(der: bytes) -> str:
    """Return a subject or issuer, given as the content of its element, as Go's `pkix.Name` writes it.

    The order is Go's own, whatever that of the certificate; attributes that Go does not know come last, as
    `oid=#` and the hex of their DER, encoded again.
    """
    known: dict[str, list[str]] = {each: [] for each in _NAMED.values()}
    parts: list[str] = []
    for _, members in _elements(der):
        for _, attribute in _elements(members):
            (_, encoded_oid), (tag, content) = _elements(attribute)
            oid = _dotted(encoded_oid)
            named = _NAMED.get(oid)
            value = _string(tag, content)
            if named is not None and value is not None:
                known[named] = [value] if named in _SINGLE else [*known[named], value]
                continue
            if value is not None:
                tag = _PRINTABLE_STRING if _PRINTABLE.fullmatch(value) else _UTF8_STRING
                content = value.encode()
            size = len(content).to_bytes((len(content).bit_length() + 7) // 8 or 1)
            form = bytes([_LONG_FORM | len(size)]) if len(content) >= _LONG_FORM else b""
            parts.append(f"{oid}=#{(bytes([tag]) + form + size + content).hex()}")
    for named, values in known.items():
        if values and (named not in _SINGLE or values[0]):
            parts.append("+".join(f"{named}={_SPECIAL.sub(_ESCAPED, value)}" for value in values))
    return ",".join(reversed(parts))


def _dotted(encoded: bytes) -> str:
    """Return an object identifier as its numbers with dots."""
    numbers, number = [], 0
    for byte in encoded:
        number = number << 7 | byte & 0x7F
        if byte < _LONG_FORM:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:]]))


def _string(tag: int, content: bytes) -> str | None:
    """Return what a string says, whatever characters its type allows; None for what is no string."""
    if tag not in _STRINGS:
        return None
    try:
        text = content.decode(_CHARACTER_SETS.get(tag, "utf-8"))
    except UnicodeDecodeError:
        return content.decode("latin-1")
    return text.removesuffix("\0") if tag == _BMP_STRING else text


def _time(tag: int, content: bytes) -> datetime:
    match = _TIME.fullmatch(content.decode("ascii"))
    if match is None:
        raise ValueError(f"{content[:40]!r} is no time")
    year, rest, seconds, hours, minutes = match.groups()
    number = int(year)
    if tag == _UTC_TIME:
        number += 1900 if number >= _CENTURY_TURNS else 2000
    local = datetime.strptime(f"{number:04}{rest}{seconds or '00'}", "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    if hours is None:
        return local
    return local - timedelta(hours=int(hours), minutes=int(hours[0] + minutes))
