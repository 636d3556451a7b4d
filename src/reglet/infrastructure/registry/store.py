"""Plugins that were pulled: kept by digest and checked each time they are read; and `reglet.lock`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import yaml
from attrs import asdict, evolve, field, frozen

from reglet.domain.errors import RegletError
from reglet.domain.time import format_time
from reglet.infrastructure.atomic import PRIVATE, write_atomic
from reglet.infrastructure.engine.cache import cache_folder
from reglet.infrastructure.registry import Reference
from reglet.infrastructure.registry.artifact import (
    Artifact,
    Descriptor,
    check_digest,
    digest_of,
    fetch_artifact,
)
from reglet.infrastructure.registry.client import RegistryClient

_LOCKFILE_VERSION = 1
_MOST_BLOBS = 96  # three to a plugin


class StoreError(RegletError):
    """What was pulled cannot be kept."""

    error_type = "config"


class LockfileError(RegletError):
    """A lock file cannot be read."""

    error_type = "config"


class MovedTagError(RegletError):
    """A tag means other bytes than the lock file has."""

    error_type = "validation"


@frozen
class LockedPlugin:
    """An entry: the tag that was asked for, the version that it meant, the reference, the module's digest.

    `fetched` and `modified` are timestamps in RFC 3339; the second belongs to local files and stays as it is.
    """

    requested: str
    resolved: str
    source: str
    sha256: str
    fetched: str = ""
    modified: str = ""

    @classmethod
    def of(cls, artifact: Artifact, reference: Reference) -> LockedPlugin:
        """Return the entry of a plugin that was pulled now."""
        return cls(
            requested=reference.version,
            resolved=artifact.metadata.version,
            source=str(reference),
            sha256=digest_of(artifact.module),
            fetched=_now(),
        )


@frozen
class Lockfile:
    """A file's entries by the plugin's name."""

    plugins: Mapping[str, LockedPlugin] = field(factory=dict)
    generated: str = ""

    @classmethod
    def load(cls, path: Path) -> Lockfile:
        """Read a lock file; one that is not there has no entries.

        Raises:
            LockfileError: it is no lock file of version 1.
        """
        try:
            # The base loader leaves every scalar a string, so that timestamps are written as they were read.
            facts = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
            raise LockfileError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
        if not isinstance(facts, dict) or facts.get("lockfile_version") != str(_LOCKFILE_VERSION):
            raise LockfileError(
                f"{path} is no lock file of version {_LOCKFILE_VERSION}: delete it to have it made anew"
            )
        plugins = facts.get("plugins")
        known = ("requested", "resolved", "source", "sha256", "fetched", "modified")
        entries: dict[str, LockedPlugin] = {}
        for name, entry in plugins.items() if isinstance(plugins, dict) else ():
            fields = {key: entry.get(key) or "" for key in known} if isinstance(entry, dict) else {}
            if not fields.get("sha256") or not all(isinstance(value, str) for value in fields.values()):
                raise LockfileError(
                    f"{path}: the entry {name} has no sha256: delete it, and pull the plugin again"
                )
            entries[name] = LockedPlugin(**fields)
        return cls(entries, facts.get("generated") or "")

    def check(self, name: str, now: LockedPlugin) -> None:
        """Raise `MovedTagError` if what was pulled now is not what this reference meant before."""
        locked = self.plugins.get(name)
        if locked is None or locked.source != now.source:
            return
        if locked.sha256.removeprefix("sha256:") != now.sha256.removeprefix("sha256:"):
            raise MovedTagError(
                f"{now.source} has moved: it was {locked.sha256} ({locked.resolved}) and is {now.sha256} "
                f"({now.resolved}) now"
            )

    def with_plugin(self, name: str, plugin: LockedPlugin) -> Lockfile:
        """Return the file with an entry added or replaced."""
        return evolve(self, plugins={**self.plugins, name: plugin}, generated=_now())

    def has(self, name: str, plugin: LockedPlugin) -> bool:
        """Whether an entry is the same already, whenever that was fetched."""
        locked = self.plugins.get(name)
        return locked is not None and evolve(locked, fetched=plugin.fetched) == plugin

    def encode(self) -> bytes:
        """Return the file, its entries in the order of their names."""
        facts = {
            "lockfile_version": _LOCKFILE_VERSION,
            "generated": self.generated,
            "plugins": {
                name: {key: value for key, value in asdict(plugin).items() if value or key == "requested"}
                for name, plugin in sorted(self.plugins.items())
            },
        }
        return yaml.safe_dump(facts, sort_keys=False, allow_unicode=True).encode()


def _now() -> str:
    return format_time(datetime.now(UTC).replace(microsecond=0))


@frozen
class PluginStore:
    """A folder of blobs, each named by its digest; any number of processes may share it."""

    folder: Path = field(factory=lambda: cache_folder() / "plugins")

    def path(self, digest: str) -> Path:
        """Return the file of a blob, which need not be there."""
        return self.folder / digest.replace(":", "-")

    def read(self, digest: str) -> bytes | None:
        """Return a blob; None when it is absent, or its bytes are not what its digest says."""
        path = self.path(digest)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        if digest_of(content) != digest:
            return None
        with contextlib.suppress(OSError):  # a folder that is shared read-only
            os.utime(path)  # the newest in use are the last to be dropped
        return content

    def write(self, digest: str, content: bytes) -> None:
        """Keep a blob, and drop the oldest beyond a number.

        Raises:
            StoreError: it cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomic(self.path(digest), content, mode=PRIVATE)
            used: list[tuple[float, Path]] = []
            for blob in self.folder.glob("sha256-*"):
                with contextlib.suppress(FileNotFoundError):  # another process has just dropped it
                    used.append((blob.stat().st_mtime, blob))
            for _, old in sorted(used, reverse=True)[_MOST_BLOBS:]:
                old.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                f"{self.path(digest)} cannot be written ({error.strerror}): set REGLET_CACHE_DIR to another "
                "folder"
            ) from error


def pull_artifact(reference: Reference, store: PluginStore | None = None) -> Artifact:
    """Return the plugin that a reference means now; what is kept already is not fetched again.

    A tag is looked up each time. A digest whose plugin is kept needs no network.

    Raises:
        RegistryError: it cannot be fetched.
        ArtifactError: it is no Reglet plugin.
        DigestError: what was fetched is not what its digest says.
        StoreError: it cannot be kept.
    """
    store = store or PluginStore()
    with RegistryClient(reference) as client:

        def fetch_blob(blob: Descriptor) -> bytes:
            return _kept(store, blob.digest, lambda: client.fetch_blob(blob), reference)

        if reference.digest:
            manifest = _kept(store, reference.digest, client.fetch_manifest, reference)
        else:
            manifest = client.fetch_manifest()
            store.write(digest_of(manifest), manifest)
        return fetch_artifact(manifest, fetch_blob, str(reference))


def _kept(store: PluginStore, digest: str, fetch: Callable[[], bytes], reference: Reference) -> bytes:
    content = store.read(digest)
    if content is None:
        content = fetch()
        check_digest(content, digest, str(reference))
        store.write(digest, content)
    return content
