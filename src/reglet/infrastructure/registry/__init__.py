"""Plugins in OCI registries; here are their names there: `registry/org/repo/name:tag`, or `…@sha256:…`."""

from __future__ import annotations

import re
from ipaddress import ip_address

from attrs import evolve, frozen

from reglet.domain.errors import RegletError
from reglet.domain.urls import SCHEME_PORTS

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])"
_PORT = r"(?::\d{1,5})?"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_REFERENCE = re.compile(
    rf"(?P<registry>{_HOST}{_PORT})/(?P<repository>{_COMPONENT}(?:/{_COMPONENT})*)"
    rf"(?::(?P<tag>{_TAG}))?(?:@(?P<digest>sha256:[0-9a-f]{{64}}))?"
)
_DOCKER_HUB = ("docker.io", "index.docker.io")
_DOCKER_HUB_ENDPOINT = "registry-1.docker.io"
_DOCKER_HUB_LOGIN = "https://index.docker.io/v1/"
_USER = re.compile(r"^[^/]*@")
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9._-]")
_INSTALLABLE_PARTS = 3

FORM = "registry/org/repo/name:tag, such as registry.example.com/acme/plugins/http:1.0.0"


class InvalidReferenceError(RegletError):
    """A string names no plugin in a registry; the message has the form that does."""

    error_type = "config"


@frozen
class Reference:
    """Where a plugin lies: the registry's host and port, the repository's path, a tag or a digest, or both.

    The digest is that of the manifest; where there is one, the tag is only read by people.
    """

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def endpoint(self) -> str:
        """The host and port to ask: what references call `docker.io` answers under another name."""
        return _DOCKER_HUB_ENDPOINT if self.registry in _DOCKER_HUB else self.registry

    @property
    def login_names(self) -> tuple[str, ...]:
        """The names under which docker, oras and podman keep the registry's login, the usual one first."""
        return (_DOCKER_HUB_LOGIN, *_DOCKER_HUB) if self.registry in _DOCKER_HUB else (self.registry,)

    @property
    def host(self) -> str:
        """The endpoint's host without its port, an IPv6 address without its brackets."""
        if self.endpoint.startswith("["):
            return self.endpoint[1 : self.endpoint.index("]")]
        return self.endpoint.partition(":")[0]

    @property
    def port(self) -> int:
        """The endpoint's port, that of HTTPS where none is named."""
        after_host = self.endpoint.rpartition("]")[2]
        return int(after_host.rpartition(":")[2]) if ":" in after_host else SCHEME_PORTS["https"]

    @property
    def name(self) -> str:
        """The last part of the repository, by which people know the plugin."""
        return self.repository.rpartition("/")[2]

    @property
    def version(self) -> str:
        """What a registry is asked for: the digest, else the tag."""
        return self.digest or self.tag

    @property
    def is_installable(self) -> bool:
        """Whether the Reglet hosts that install plugins take this form: org, repo and name, and a tag."""
        return self.repository.count("/") + 1 == _INSTALLABLE_PARTS and bool(self.tag)

    def with_tag(self, tag: str) -> Reference:
        """Return the same repository under another tag, without a digest."""
        return evolve(self, tag=tag, digest="")

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"


def parse_reference(string: str, *, version_required: bool = True) -> Reference:
    """Return the reference that a string is.

    The first part is a registry only if it has a dot or a port, or is `localhost`, as everywhere in OCI.

    Raises:
        InvalidReferenceError: it is none, or has neither tag nor digest though a version is required; a user
            name and password are not shown.
    """
    shown = _USER.sub("…@", string)
    found = _REFERENCE.fullmatch(string)
    if found is None or not re.search(r"[.:]|^localhost$", found["registry"]):
        raise InvalidReferenceError(f"{shown} names no plugin in a registry: write {FORM}")
    reference = Reference(
        found["registry"].lower(), found["repository"], found["tag"] or "", found["digest"] or ""
    )
    if version_required and not reference.version:
        raise InvalidReferenceError(f"{shown} has no tag: write {FORM}")
    return reference


def is_reference(string: str) -> bool:
    """Whether a string can only mean a plugin in a registry."""
    try:
        parse_reference(string)
    except InvalidReferenceError:
        return False
    return True


def tag_of_version(version: str) -> str:
    """Return a version as a tag, which has no `+`: `1.0.0+build` is `1.0.0_build`."""
    return _NOT_IN_TAGS.sub("_", version)


def is_loopback(host: str) -> bool:
    """Whether a host can only be this machine: `localhost`, a name under it, a loopback address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
