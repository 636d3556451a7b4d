"""Pulled plugins: kept by digest, checked when they are read, fetched only when they are not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reglet.infrastructure.registry.artifact import digest_of
from reglet.infrastructure.registry.client import RegistryClient
from reglet.infrastructure.registry.errors import RegistryError
from reglet.infrastructure.registry.reference import parse_reference
from reglet.infrastructure.registry.store import PluginStore, StoreError, pull_artifact
from tests.registry.artifacts import MODULE, make
from tests.registry.servers import proxied


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> PluginStore:
    return PluginStore(tmp_path / "plugins")


def push(reference: str, version: str = "1.0.0", module: bytes = MODULE) -> None:
    parsed = parse_reference(reference)
    with RegistryClient(parsed, {}) as client:
        client.push(make(version, module), [parsed.tag])


def test_what_is_kept_is_not_fetched_again(registry: str, store: PluginStore):
    """A tag costs one look, a digest none at all."""
    push(f"{registry}/store/plugins/http:1.0.0")
    with proxied(registry, lambda exchange: exchange) as (address, passed):
        reference = parse_reference(f"{address}/store/plugins/http:1.0.0")
        assert pull_artifact(reference, store) == make()
        first = len(passed)
        assert pull_artifact(reference, store) == make()
        assert [each.path for each in passed[first:] if "/blobs/" in each.path] == []
    assert store.path(digest_of(MODULE)).read_bytes() == MODULE
    away = parse_reference(f"{address}/store/plugins/http@{make().digest}")
    assert pull_artifact(away, store) == make()


def test_a_tag_that_moved_gives_what_it_means_now(registry: str, store: PluginStore):
    """What is kept is named by digest, never by tag."""
    reference = f"{registry}/moved/plugins/http:latest"
    push(reference)
    assert pull_artifact(parse_reference(reference), store) == make()
    push(reference, "2.0.0", MODULE + b"2")
    assert pull_artifact(parse_reference(reference), store) == make("2.0.0", MODULE + b"2")


def test_a_kept_file_that_was_changed_is_fetched_again(registry: str, store: PluginStore):
    """Its bytes are held against its name each time."""
    reference = parse_reference(f"{registry}/changed/plugins/http:1.0.0")
    push(str(reference))
    pull_artifact(reference, store)
    store.path(digest_of(MODULE)).write_bytes(b"\0asm")
    assert pull_artifact(reference, store) == make()
    assert store.read(digest_of(MODULE)) == MODULE


def test_nothing_that_was_refused_is_kept(registry: str, store: PluginStore):
    """A blob with another digest leaves no file."""
    push(f"{registry}/refused/plugins/http:1.0.0")
    with (
        proxied(registry, lambda each: None if "/blobs/" in each.path else each) as (address, _),
        pytest.raises(RegistryError),
    ):
        pull_artifact(parse_reference(f"{address}/refused/plugins/http:1.0.0"), store)
    assert [path.name for path in store.folder.iterdir()] == [store.path(make().digest).name]


def test_the_oldest_are_dropped(store: PluginStore):
    """A folder that is used for years does not grow for ever; what was read last stays."""
    blobs = [str(number).encode() for number in range(100)]
    for age, blob in enumerate(blobs):
        store.write(digest_of(blob), blob)
        os.utime(store.path(digest_of(blob)), (age, age))
    assert store.read(digest_of(blobs[4])) == blobs[4]
    store.write(digest_of(b"new"), b"new")
    assert len(list(store.folder.iterdir())) == 96
    assert store.read(digest_of(blobs[4])) == blobs[4]
    assert store.read(digest_of(blobs[5])) is None


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path):
    """With the variable that chooses another."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="set REGLET_CACHE_DIR to another folder"):
        PluginStore(tmp_path / "file" / "plugins").write(digest_of(b"a"), b"a")
