"""A registry over HTTPS: artifacts are sent and fetched with `oras`, and every answer is checked.

Plain HTTP is spoken to this machine alone. Credentials go into headers and nowhere else.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import ssl
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from inspect import unwrap
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from attrs import field, frozen
from oras.auth import AuthenticationException
from oras.auth.token import TokenAuth
from oras.auth.utils import get_basic_auth
from oras.provider import Registry
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from reglet.domain.errors import RegletError
from reglet.domain.urls import SCHEME_PORTS
from reglet.infrastructure.registry import Reference, is_loopback
from reglet.infrastructure.registry.artifact import (
    INDEX_TYPE,
    MANIFEST_TYPE,
    MAX_JSON_BYTES,
    Artifact,
    Descriptor,
    DigestError,
    check_digest,
    digest_of,
)

_ACCEPT = f"{MANIFEST_TYPE}, {INDEX_TYPE}"
_TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two reads
_RETRIES = Retry(
    total=2,
    backoff_factor=0.3,
    status_forcelist=(429, 502, 503, 504),
    allowed_methods=("GET", "HEAD"),
    raise_on_status=False,
    respect_retry_after_header=False,  # it may say an hour
)
_CHUNK_BYTES = 1 << 16
_MOST_SHOWN = 200
_UNREACHABLE = "check the name and the network"
_DIGEST_HEADER = "Docker-Content-Digest"

# The library reports what it raises too, and an application hears of it if it wants to.
logging.getLogger("oras").addHandler(logging.NullHandler())


class RegistryError(RegletError):
    """A registry could not be used; the message names the reference, the cause and what to do."""

    error_type = "network"


class LoginError(RegistryError):
    """The registry wants a login, or refuses the one that it got."""


class NotInRegistryError(RegistryError):
    """The registry does not have it."""

    @property
    def is_not_found(self) -> bool:
        """True."""
        return True


class UntrustedRegistryError(RegistryError):
    """The registry speaks plain HTTP, or its certificate is not trusted."""


@frozen
class Credentials:
    """A user's name and password as HTTP's basic authentication has them, and where they were found."""

    basic: str = field(repr=False)
    origin: str


def find_credentials(reference: Reference, environment: Mapping[str, str]) -> Credentials | None:
    """Return what to log in to a registry with, if there is anything.

    Raises:
        LoginError: one of the two variables is set alone, or a file of logins cannot be read.
    """
    username, password = environment.get("REGISTRY_USERNAME", ""), environment.get("REGISTRY_PASSWORD", "")
    if bool(username) != bool(password):
        there, missing = ("USERNAME", "PASSWORD") if username else ("PASSWORD", "USERNAME")
        raise LoginError(
            f"{reference}: REGISTRY_{there} is set without REGISTRY_{missing}: set both, or neither"
        )
    if username:
        return Credentials(get_basic_auth(username, password), "REGISTRY_USERNAME and REGISTRY_PASSWORD")

    chosen = environment.get("DOCKER_CONFIG")  # the file of docker and oras, then podman's
    files = [(Path(chosen) if chosen else Path.home() / ".docker") / "config.json"]
    if "REGISTRY_AUTH_FILE" in environment:
        files.append(Path(environment["REGISTRY_AUTH_FILE"]))
    elif "XDG_RUNTIME_DIR" in environment:
        files.append(Path(environment["XDG_RUNTIME_DIR"]) / "containers" / "auth.json")
    for path in files:
        try:
            content = path.read_bytes()
        except OSError:
            continue
        try:
            found = _KeptLogins(json.loads(content)).find(reference)
        except (OSError, ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
            raise LoginError(
                f"{reference}: the logins in {path} cannot be read ({type(error).__name__}): log in again"
            ) from error
        if found is not None:
            return Credentials(found, str(path))
    return None


class _KeptLogins(TokenAuth):
    """The library's reader of a docker config and its helpers, to which a registry is its bare name."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the library has no types there
        auths = config.get("auths") or {}
        # A key may be a URL, such as https://registry.example.com/v2/.
        bare = {name.rpartition("://")[2].partition("/")[0]: entry for name, entry in auths.items()}
        self._auth_config = {
            "auths": {**bare, **auths},
            "credHelpers": config.get("credHelpers") or {},
            "credsStore": config.get("credsStore"),
        }

    def find(self, reference: Reference) -> str | None:
        return self._basic_auth if any(map(self._load_auth, reference.login_names)) else None


class RegistryClient:
    """The registry that a reference names; a context manager, for its connections."""

    def __init__(self, reference: Reference, environment: Mapping[str, str] = os.environ) -> None:
        """Take the reference of a plugin; nothing is asked yet.

        Raises:
            LoginError: one of `REGISTRY_USERNAME` and `REGISTRY_PASSWORD` is set without the other.
        """
        self._reference = reference
        self._registry = _OrasRegistry(reference, environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._registry.session.close()

    def fetch_manifest(self) -> bytes:
        """Return the manifest that the reference means now.

        Raises:
            RegistryError: it cannot be fetched.
            DigestError: it is not what its digest says.
        """
        with self._named_errors(_UNREACHABLE):
            response = self._registry.do_request(
                self._url(f"manifests/{self._reference.version}"), headers={"Accept": _ACCEPT}, stream=True
            )
            manifest = self._read(response, MAX_JSON_BYTES)
        wanted = self._reference.digest or response.headers.get(_DIGEST_HEADER, "")
        if wanted:
            check_digest(manifest, wanted, str(self._reference))
        return manifest

    def fetch_blob(self, blob: Descriptor) -> bytes:
        """Return a blob, whose digest the caller checks.

        Raises:
            RegistryError: it cannot be fetched.
            DigestError: it is longer than its manifest says.
        """
        with self._named_errors(_UNREACHABLE):
            response = self._registry.do_request(self._url(f"blobs/{blob.digest}"), stream=True)
            return self._read(response, blob.size)

    def push(self, artifact: Artifact, tags: Sequence[str]) -> None:
        """Send an artifact and let tags mean it: first all its blobs, so that a tag never means half of one.

        Raises:
            RegistryError: it cannot be sent; the message reports what became of the tags.
            DigestError: the registry kept something else.
        """
        with (
            self._named_errors("the upload broke off, and no tag was changed; push again"),
            tempfile.TemporaryDirectory() as folder,
        ):
            self._registry.choose_scheme()
            for content in (artifact.config, artifact.module):
                path = Path(folder) / "blob"
                path.write_bytes(content)
                blob = {"digest": digest_of(content), "size": len(content)}
                goal = f"{self._reference.endpoint}/{self._reference.repository}:{tags[0]}"
                self._registry.upload_blob(str(path), goal, blob)
        headers = {"Content-Type": MANIFEST_TYPE}
        for tag in tags:
            with self._named_errors(f"whether the tag {tag} was changed is not known; push again"):
                url = self._url(f"manifests/{tag}")
                response = self._registry.do_request(url, "PUT", data=artifact.manifest, headers=headers)
            kept = response.headers.get(_DIGEST_HEADER, artifact.digest)
            if kept != artifact.digest:
                pushed = self._reference.with_tag(tag)
                raise DigestError(f"{pushed} was pushed as {artifact.digest}, but is kept as {kept}")

    def _url(self, path: str) -> str:
        scheme = self._registry.choose_scheme()
        return f"{scheme}://{self._reference.endpoint}/v2/{self._reference.repository}/{path}"

    def _read(self, response: requests.Response, most: int) -> bytes:
        content = bytearray()
        with response:
            for chunk in response.iter_content(_CHUNK_BYTES):
                content += chunk
                if len(content) > most:
                    raise DigestError(
                        f"{self._reference}: {self._reference.registry} sent more than {most} bytes"
                    )
        return bytes(content)

    @contextmanager
    def _named_errors(self, meaning: str) -> Iterator[None]:
        """Map what oras and requests raise; `meaning` is what a broken connection means, and what to do."""
        try:
            yield
        except (requests.RequestException, OSError, ValueError) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise UntrustedRegistryError(
                    f"{self._reference}: the certificate of {self._reference.registry} is not trusted "
                    f"({_cause(error)}); set REQUESTS_CA_BUNDLE to the PEM file of its authority"
                ) from error
            raise RegistryError(f"{self._reference}: {_cause(error)}: {meaning}") from error


class _OrasRegistry(Registry):
    """The library's client, with a time limit, few retries, and no plain HTTP to other machines."""

    def __init__(self, reference: Reference, environment: Mapping[str, str]) -> None:
        super().__init__(hostname=reference.endpoint)
        self._reference = reference
        self._scheme = ""
        self._credentials = find_credentials(reference, environment)
        # A login that is set, though it adds nothing, keeps requests from that of a .netrc file.
        self.session.auth = lambda request: request
        transport = _Transport(reference)
        self.session.mount("https://", transport)
        self.session.mount("http://", transport)
        self.auth = _Login(self.session, self._credentials)

    def choose_scheme(self) -> str:
        """Return `https`, or `http` for a registry on this machine that does not speak TLS."""
        if self._scheme:
            return self._scheme
        host, scheme = self._reference.host, "https"
        if is_loopback(host):
            context = ssl.create_default_context()
            # Whose server it is, is left to the requests that follow.
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with socket.create_connection((host, self._reference.port), _TIMEOUT[0]) as connection:
                try:
                    context.wrap_socket(connection, server_hostname=host).close()
                except (ssl.SSLError, ConnectionResetError):
                    scheme = "http"
        self._scheme = self.prefix = self.auth.prefix = scheme
        return scheme

    def do_request(self, url: str, method: str = "GET", *args: Any, **options: Any) -> requests.Response:
        """Ask once, and return an answer of success; to `HEAD` that something is not there, too.

        The library's own retries, unwrapped here, wait two minutes even for a refused login.

        Raises:
            RegistryError: the registry refuses.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or SCHEME_PORTS.get(parts.scheme)
            if (parts.hostname, port) != (self._reference.host, self._reference.port):
                # Another host that the registry has uploads go to, which is not given the login.
                response: requests.Response = self.session.request(method, url, *args, **options)
            else:
                response = unwrap(Registry.do_request)(self, url, method, *args, **options)
        except AuthenticationException as error:
            raise self._login_error() from error
        if response.status_code in {requests.codes.unauthorized, requests.codes.forbidden}:
            raise self._login_error()
        if response.ok or method == "HEAD":
            return response
        if method == "GET" and response.status_code == requests.codes.not_found:
            raise NotInRegistryError(
                f"{self._reference} is not in the registry: correct its name or tag, or push it"
            )
        status = _one_line(f"{response.status_code} {response.reason}")
        message = f"{self._reference}: {self._reference.registry} answered {status} to {method}"
        reason = ""
        with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
            # as the OCI distribution specification words it
            errors = json.loads(response.content[:MAX_JSON_BYTES])["errors"]
            reason = _one_line("; ".join(str(each.get("message") or each["code"]) for each in errors))
        raise RegistryError(f"{message}: {reason}" if reason else message)

    def _login_error(self) -> LoginError:
        registry = self._reference.registry
        if self._credentials is None:
            return LoginError(
                f"{self._reference} needs a login: run `docker login {registry}` or `oras login {registry}`, "
                "or set REGISTRY_USERNAME and REGISTRY_PASSWORD"
            )
        return LoginError(
            f"{self._reference}: {registry} refuses the login of {self._credentials.origin}: correct it, or "
            "ask for the right to do this"
        )


class _Transport(HTTPAdapter):
    """Connections with a time limit, none of which is plain HTTP to another machine."""

    def __init__(self, reference: Reference) -> None:
        super().__init__(max_retries=_RETRIES)
        self._reference = reference

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send a request, wherever it leads: the registry, its token service or where it keeps its blobs."""
        url = urlsplit(request.url or "")
        local = is_loopback(str(url.hostname))
        if url.scheme != "https" and not local:
            raise UntrustedRegistryError(
                f"{self._reference} leads to {url.scheme}://{url.hostname}, where others can read and change "
                "what is sent: a registry must use HTTPS on any other machine than this one"
            )
        options["timeout"] = options.get("timeout") or _TIMEOUT
        if local:
            options["proxies"] = {}
        response = super().send(request, *args, **options)
        if not response.ok:
            _ = response.content  # read now, so that its connection can be used again
        return response


class _Login(TokenAuth):
    """Answers a registry's challenge: basic where it asks for that, else a token for each scope asked for."""

    def __init__(self, session: requests.Session, credentials: Credentials | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the library has no types there
        self.session = session
        self._tls_verify = True
        if credentials is not None:
            self._basic_auth = credentials.basic
        self._scheme = "Bearer"

    def get_auth_header(self) -> dict[str, str]:
        """Return the answer to the last challenge, which goes along with every request from then on.

        A registry need not read a module before it refuses it for want of one.
        """
        return {"Authorization": f"{self._scheme} {self.token}"} if self.token else {}

    def authenticate_request(  # pyright: ignore[reportIncompatibleMethodOverride]  # literals, inferred there
        self, original: requests.Response, headers: dict[str, str], refresh: bool = False
    ) -> tuple[dict[str, str], bool]:
        """Return headers that answer the challenge.

        Raises:
            AuthenticationException: nothing answers it.
        """
        del refresh  # a token that was refused is of no use again
        scheme = original.headers.get("Www-Authenticate", "").partition(" ")[0].lower()
        basic: str | None = getattr(self, "_basic_auth", None)
        if scheme == "basic" and basic:
            self.token, self._scheme = basic, "Basic"
            return {**headers, **self.get_auth_header()}, True
        if scheme != "bearer" or 'realm="' not in original.headers["Www-Authenticate"]:
            raise AuthenticationException
        answered, changed = super().authenticate_request(original, headers, refresh=True)
        if not changed:
            raise AuthenticationException
        return answered, changed


def _cause(error: BaseException) -> str:
    """Return the innermost reason, on one line: what stands around it names objects."""
    reason: object = error
    while isinstance(reason, BaseException):
        inner = getattr(reason, "reason", None) if not isinstance(reason, OSError) else None
        inner = inner or next((each for each in reason.args if isinstance(each, BaseException)), None)
        if inner is None:
            break
        reason = inner
    return _one_line(str(getattr(reason, "strerror", None) or reason) or type(reason).__name__)


def _one_line(content: str) -> str:
    """Return the beginning of a string from elsewhere, without line ends and control characters."""
    printable = "".join(sign if sign.isprintable() else " " for sign in content)
    return " ".join(printable.split())[:_MOST_SHOWN]
