"""Plugins as files: an OCI image layout with `metadata.json`, and the `index.json` of a folder of plugins."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reglet.infrastructure.atomic import write_atomic
from reglet.infrastructure.registry.artifact import (
    INDEX_TYPE,
    MANIFEST_TYPE,
    MAX_JSON_BYTES,
    MAX_MODULE_BYTES,
    Artifact,
    ArtifactError,
    Metadata,
    check_digest,
    descriptor,
    digest_of,
    encode_json,
    fetch_artifact,
    read_descriptor,
    read_object,
)

METADATA_FILE = "metadata.json"
"""What the Reglet app's own `plugins push` asks for; its bytes are those of the config."""

_REF_NAME = "org.opencontainers.image.ref.name"
_LAYOUT_FILE, _LAYOUT = "oci-layout", b'{"imageLayoutVersion":"1.0.0"}'
_INDEX_FILE = "index.json"


def write_layout(artifact: Artifact, path: Path) -> None:
    """Write an OCI image layout: an archive if the name ends in `.tar`, else a folder; and `metadata.json`.

    The metadata lies in the folder, or beside the archive. What is there before stays until all is written;
    a folder that is no layout is left alone.

    Raises:
        ArtifactError: another kind of folder is there.
        OSError: it cannot be written.
    """
    entry = {
        **descriptor(artifact.manifest, MANIFEST_TYPE),
        "annotations": {_REF_NAME: artifact.metadata.version},
    }
    files = {
        _LAYOUT_FILE: _LAYOUT,
        _INDEX_FILE: encode_json({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]}),
        **{
            _blob_name(digest_of(blob)): blob
            for blob in (artifact.manifest, artifact.config, artifact.module)
        },
    }
    if path.suffix == ".tar":  # whose bytes depend on nothing but its contents
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, content in sorted(files.items()):
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(content), 0o644
                archive.addfile(member, io.BytesIO(content))
        write_atomic(path, buffer.getvalue())
        write_atomic(path.parent / METADATA_FILE, artifact.config)
        return
    if path.is_dir() and any(path.iterdir()) and not (path / _LAYOUT_FILE).is_file():
        raise ArtifactError(f"{path} is a folder with other files: choose another place with -o")
    beside = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    made, old = beside / "made", beside / "old"
    try:
        for name, content in {**files, METADATA_FILE: artifact.config}.items():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).write_bytes(content)
        made.chmod(0o755)
        if path.is_dir():
            path.rename(old)
        try:
            made.rename(path)
        except BaseException:
            if old.is_dir():
                old.rename(path)
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def is_layout(path: Path) -> bool:
    """Whether a path is an OCI layout: a `.tar` file, or a folder with its mark."""
    return (path / _LAYOUT_FILE).is_file() if path.is_dir() else path.suffix == ".tar" and path.is_file()


def read_layout(path: Path) -> Artifact:
    """Read what `write_layout` wrote, and check it.

    Raises:
        ArtifactError: it is damaged, or holds no plugin, or more than one.
    """
    try:
        with _opened_layout(path) as read:
            index = read_object(read(_INDEX_FILE), f"{_INDEX_FILE} of {path}")
            manifests = index.get("manifests")
            if not isinstance(manifests, list) or len(manifests) != 1:
                raise ArtifactError(
                    f"{path} holds not one plugin alone: make it with `reglet-plugin package`"
                )
            wanted = read_descriptor(manifests[0], MAX_JSON_BYTES, str(path))
            manifest = read(_blob_name(wanted.digest))
            check_digest(manifest, wanted.digest, str(path))
            return fetch_artifact(manifest, lambda blob: read(_blob_name(blob.digest)), str(path))
    except (OSError, KeyError, tarfile.TarError) as error:
        raise ArtifactError(
            f"{path} is no whole OCI layout ({error}): make it with `reglet-plugin package`"
        ) from error


@contextmanager
def _opened_layout(path: Path) -> Iterator[Callable[[str], bytes]]:
    """Yield a function from a file's name in a layout to its bytes."""
    if path.is_dir():
        yield lambda name: (path / name).read_bytes()
        return
    with tarfile.open(path) as archive:

        def read(name: str) -> bytes:
            member = archive.getmember(name)
            if not member.isfile():
                raise KeyError(f"{name} is no file")
            if member.size > MAX_MODULE_BYTES:
                raise KeyError(f"{name} is larger than {MAX_MODULE_BYTES} bytes")
            content = archive.extractfile(member)
            return content.read() if content else b""

        yield read


def _blob_name(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def encode_index(plugins: Iterable[Metadata], *, repository: str, registry: str, updated: str) -> bytes:
    """Return the index, its plugins in the order of their names.

    Args:
        plugins: the newest of each.
        repository: the URL of their source.
        registry: what precedes a plugin's name in its reference.
        updated: a timestamp in RFC 3339.

    Raises:
        ArtifactError: two plugins have one name.
    """
    by_name: dict[str, Metadata] = {}
    for plugin in plugins:
        other = by_name.setdefault(plugin.name, plugin)
        if other is not plugin:
            raise ArtifactError(
                f"two plugins are named {plugin.name}, {other.version} and {plugin.version}: an index has "
                "the newest of each"
            )
    facts = {
        "repository": repository,
        "registry": registry,
        "updated": updated,
        "plugins": [
            {
                "name": name,
                "description": plugin.description,
                "capabilities": list(plugin.capabilities),
                "latest": plugin.version,
            }
            for name, plugin in sorted(by_name.items())
        ],
    }
    return (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode()
