"""A plugin as an OCI artifact: manifest, config and module, as bytes that are checked when they are read.

And its origin, as annotations have it: by the project's files, its git repository and its commit.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import field, frozen

from reglet.application.names import PROJECT_FILE
from reglet.domain.entities.grants import GrantSet
from reglet.domain.entities.manifest import Manifest
from reglet.domain.errors import RegletError
from reglet.domain.time import format_time
from reglet.domain.urls import without_credentials

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
CONFIG_TYPE = "application/vnd.reglet.plugin.config.v1+json"
MODULE_TYPE = "application/vnd.reglet.plugin.wasm.v1"

TITLE = "org.opencontainers.image.title"
_VERSION = "org.opencontainers.image.version"
_DESCRIPTION = "org.opencontainers.image.description"
_CAPABILITIES = "dev.reglet.plugin.capabilities"
_SDK_VERSION = "dev.reglet.plugin.sdk-version"

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_KINDS = ("network", "fs", "env", "exec", "kv")

MAX_MODULE_BYTES = 1 << 28
"""The memory that hosts give a plugin, 256 MB, which its file is smaller than."""

MAX_JSON_BYTES = 1 << 22
"""What registries take of a manifest, 4 MB; a config is no larger."""


class ArtifactError(RegletError):
    """What was fetched or read is no Reglet plugin's artifact, or damaged; the message names both."""

    error_type = "config"


class DigestError(ArtifactError):
    """Bytes have another SHA-256 than they were asked for by."""


def digest_of(content: bytes) -> str:
    """Return the OCI digest of bytes: `sha256:` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def check_digest(content: bytes, wanted: str, source: str) -> None:
    """Raise `DigestError` unless bytes have the digest that they were asked for by."""
    if digest_of(content) != wanted:
        raise DigestError(
            f"{source} sent {digest_of(content)} for {wanted}: do not use it, and fetch it again"
        )


def capability_kinds(grants: GrantSet) -> tuple[str, ...]:
    """Return the kinds of which a plugin asks for anything, in the order of the ABI."""
    return tuple(kind for kind in _KINDS if not GrantSet(**{kind: getattr(grants, kind)}).is_empty)


@frozen
class Metadata:
    """The config of an artifact: name, version, and the kinds of capability that the plugin asks for."""

    name: str
    version: str
    description: str = ""
    capabilities: tuple[str, ...] = ()

    @classmethod
    def of(cls, manifest: Manifest) -> Metadata:
        """Return a plugin's metadata.

        Raises:
            ArtifactError: its name is none for a file.
        """
        kinds = capability_kinds(manifest.capabilities)
        return cls(check_name(manifest.name), manifest.version, manifest.description, kinds)

    def encode(self) -> bytes:
        """Return it as JSON; the same metadata gives the same bytes."""
        facts = {
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "capabilities": list(self.capabilities),
        }
        return (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode()

    @classmethod
    def decode(cls, content: bytes, source: str) -> Metadata:
        """Read a config.

        Raises:
            ArtifactError: it is not one.
        """
        facts = read_object(content, f"the config of {source}")
        name, version = facts.get("name"), facts.get("version")
        kinds = facts.get("capabilities") or []
        if not isinstance(name, str) or not isinstance(version, str) or not isinstance(kinds, list):
            raise ArtifactError(f"the config of {source} lacks name, version or a list of capabilities")
        return cls(check_name(name), version, str(facts.get("description") or ""), tuple(map(str, kinds)))


def check_name(name: str) -> str:
    """Return a name that files and lock files may be named by on every system, wherever it comes from.

    Raises:
        ArtifactError: it has other characters, ends in a dot, or is a device's on Windows.
    """
    if not _NAME.fullmatch(name) or _DEVICE.fullmatch(name):
        raise ArtifactError(
            f"{name!r} cannot be a published plugin's name: use letters, digits, '_' and '-', '.' between "
            "them, and no name that Windows keeps for a device, such as con or nul"
        )
    return name


@frozen
class Descriptor:
    """A blob that a manifest names: its digest, and its size in bytes."""

    digest: str
    size: int


@frozen
class Artifact:
    """A whole artifact, as bytes."""

    manifest: bytes = field(repr=False)
    config: bytes = field(repr=False)
    module: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """The digest of the manifest, which names the artifact."""
        return digest_of(self.manifest)

    @property
    def metadata(self) -> Metadata:
        """The metadata in the config."""
        return Metadata.decode(self.config, self.digest)


def make_artifact(module: bytes, manifest: Manifest, annotations: Mapping[str, str]) -> Artifact:
    """Return the artifact of a built plugin; the same arguments give the same bytes.

    Args:
        module: the `.wasm` file.
        manifest: the plugin's own.
        annotations: what is known of its origin; they precede those of the manifest.
    """
    metadata = Metadata.of(manifest)
    known = {
        TITLE: metadata.name,
        _VERSION: metadata.version,
        _DESCRIPTION: metadata.description,
        _CAPABILITIES: ",".join(metadata.capabilities),
        _SDK_VERSION: manifest.sdk_version,
        **annotations,
    }
    config = metadata.encode()
    layer = {**descriptor(module, MODULE_TYPE), "annotations": {TITLE: f"{metadata.name}.wasm"}}
    content = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": descriptor(config, CONFIG_TYPE),
        "layers": [layer],
        "annotations": {name: value for name, value in sorted(known.items()) if value},
    }
    return Artifact(encode_json(content), config, module)


def read_descriptors(manifest: bytes, source: str) -> tuple[Descriptor, Descriptor]:
    """Return the config and the module that a manifest names.

    Raises:
        ArtifactError: it is no manifest of a Reglet plugin; the message names what it is.
    """
    facts = read_object(manifest, f"the manifest of {source}")
    if "manifests" in facts:
        raise ArtifactError(f"{source} is an index of images, not a Reglet plugin: name the plugin's own tag")
    config, layers = facts.get("config"), facts.get("layers")
    layers = layers if isinstance(layers, list) else []
    types = [each.get("mediaType") for each in (config, *layers) if isinstance(each, dict)]
    modules = [each for each in layers if isinstance(each, dict) and each.get("mediaType") == MODULE_TYPE]
    if types[:1] != [CONFIG_TYPE] or not modules:
        held = ", ".join(f"{each!r:.100}" for each in types) or "nothing"
        raise ArtifactError(
            f"{source} is no Reglet plugin, it holds {held}: a plugin is pushed with "
            f"`reglet-plugin push`, or with config type {CONFIG_TYPE} and layer type {MODULE_TYPE}"
        )
    return (
        read_descriptor(config, MAX_JSON_BYTES, source),
        read_descriptor(modules[0], MAX_MODULE_BYTES, source),
    )


def fetch_artifact(manifest: bytes, fetch: Callable[[Descriptor], bytes], source: str) -> Artifact:
    """Return the artifact of a manifest; `fetch` brings its blobs, whose digests are checked here.

    Raises:
        ArtifactError: it is no Reglet plugin's, or a blob is not what its digest says.
    """
    config, module = read_descriptors(manifest, source)
    contents = fetch(config), fetch(module)
    for each, content in zip((config, module), contents, strict=True):
        check_digest(content, each.digest, source)
    return Artifact(manifest, *contents)


def descriptor(content: bytes, media_type: str) -> dict[str, Any]:
    """Return what names a blob in a manifest."""
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def read_descriptor(facts: Any, most: int, source: str) -> Descriptor:
    """Read what names a blob of at most so many bytes; raise `ArtifactError` for anything else."""
    digest, size = (facts.get("digest"), facts.get("size")) if isinstance(facts, dict) else (None, None)
    if (
        not isinstance(digest, str)
        or not _DIGEST.fullmatch(digest)
        or type(size) is not int
        or not 0 <= size <= most
    ):
        raise ArtifactError(
            f"{source} names a blob by digest {digest!r} and size {size!r}: a digest is sha256:… and a size "
            f"at most {most} bytes"
        )
    return Descriptor(digest, size)


def read_object(content: bytes, what: str) -> dict[str, Any]:
    """Read a JSON object; raise `ArtifactError` for anything else."""
    try:
        facts = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{what} is not JSON: {error}") from error
    if not isinstance(facts, dict):
        raise ArtifactError(f"{what} is not a JSON object")
    return facts


def encode_json(facts: Mapping[str, Any]) -> bytes:
    """Return an object in as few bytes as JSON has."""
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()


CREATED = "org.opencontainers.image.created"
_SOURCE = "org.opencontainers.image.source"
_LICENSES = "org.opencontainers.image.licenses"
_SOURCE_LABELS = ("source", "repository", "sourcecode", "github")  # PyPA's well-known labels
_NOT_IN_LABELS = re.compile(r"[\s\-_.]+")
_SSH = re.compile(r"(?:ssh://)?git@(?P<host>[^:/]+)[:/](?P<path>.+)")


class SourceDateError(RegletError):
    """`SOURCE_DATE_EPOCH` is not a number of seconds."""

    error_type = "config"


def annotations_of_project(folder: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what a project's files and its git repository say of its origin; what is unknown is left out.

    Nothing depends on the time of the call, so that the same commit gives the same annotations.

    Raises:
        SourceDateError: `SOURCE_DATE_EPOCH` is no time.
    """
    project = _project_table(folder)
    licence = project.get("license")  # an SPDX expression, which the annotation wants, unless it is a table
    known = {
        CREATED: created(folder, environment),
        _SOURCE: _source(project) or _remote(folder),
        _LICENSES: licence if isinstance(licence, str) else "",
    }
    return {name: value for name, value in known.items() if value}


def created(folder: Path, environment: Mapping[str, str] = os.environ) -> str:
    """Return `SOURCE_DATE_EPOCH`, else the time of the folder's commit, in RFC 3339; nothing without either.

    Raises:
        SourceDateError: `SOURCE_DATE_EPOCH` is no time.
    """
    seconds = environment.get("SOURCE_DATE_EPOCH") or _git(folder, "log", "-1", "--format=%ct")
    if not seconds:
        return ""
    try:
        return format_time(datetime.fromtimestamp(int(seconds), UTC))
    except (ValueError, OverflowError, OSError) as error:
        raise SourceDateError(
            f"SOURCE_DATE_EPOCH is {seconds!r}: give whole seconds since 1970, such as 1700000000"
        ) from error


def source_url(folder: Path) -> str:
    """Return the URL of a folder's source: what its project names, else the remote of its git repository."""
    return _source(_project_table(folder)) or _remote(folder)


def _project_table(folder: Path) -> dict[str, Any]:
    try:
        project = tomllib.loads((folder / PROJECT_FILE).read_text(encoding="utf-8")).get("project", {})
    except (OSError, ValueError, RecursionError):
        return {}
    return project if isinstance(project, dict) else {}


def _source(project: Mapping[str, Any]) -> str:
    urls = project.get("urls")
    labels = {
        _NOT_IN_LABELS.sub("", name.lower()): url
        for name, url in (urls.items() if isinstance(urls, dict) else ())
        if isinstance(url, str)
    }
    return next((without_credentials(labels[label]) for label in _SOURCE_LABELS if label in labels), "")


def _remote(folder: Path) -> str:
    """Return the URL of git's origin, over HTTPS and without user name and password."""
    url = _git(folder, "remote", "get-url", "origin")
    ssh = _SSH.fullmatch(url)
    if ssh:
        url = f"https://{ssh['host']}/{ssh['path']}"
    return without_credentials(url).removesuffix(".git") if url.startswith(("https://", "http://")) else ""


def _git(folder: Path, *arguments: str) -> str:
    """Return what git prints, nothing if it fails or is not installed."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and git as the user has it
            ["git", *arguments],  # noqa: S607 - the one on the path
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
