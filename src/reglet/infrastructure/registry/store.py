"""Plugins that were pulled, kept on this machine by digest, and checked each time they are read."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from attrs import field, frozen

from reglet.domain.errors import RegletError
from reglet.infrastructure.atomic import PRIVATE, write_atomic
from reglet.infrastructure.engine.cache import cache_folder
from reglet.infrastructure.registry.artifact import (
    Artifact,
    Descriptor,
    check_digest,
    digest_of,
    fetch_artifact,
)
from reglet.infrastructure.registry.client import RegistryClient
from reglet.infrastructure.registry.reference import Reference

_MOST_BLOBS = 96  # three to a plugin


class StoreError(RegletError):
    """What was pulled cannot be kept."""

    error_type = "config"


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
            blobs = sorted(self.folder.glob("sha256-*"), key=lambda each: each.stat().st_mtime, reverse=True)
            for old in blobs[_MOST_BLOBS:]:
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
