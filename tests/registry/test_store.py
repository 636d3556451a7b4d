"""Pulled plugins: kept by digest, checked when they are read, fetched only when not there; and `reglet.lock`."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from reglet.infrastructure.registry import parse_reference
from reglet.infrastructure.registry.artifact import digest_of
from reglet.infrastructure.registry.client import RegistryClient, RegistryError
from reglet.infrastructure.registry.store import (
    LockedPlugin,
    Lockfile,
    LockfileError,
    MovedTagError,
    PluginStore,
    StoreError,
    pull_artifact,
)
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


def test_several_may_drop_the_oldest_at_once(store: PluginStore):
    """What another has just dropped is in nobody's way."""
    blobs = [str(number).encode() for number in range(400)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda blob: store.write(digest_of(blob), blob), blobs))
    assert 0 < len(list(store.folder.iterdir())) <= 96


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path):
    """With the variable that chooses another."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="set REGLET_CACHE_DIR to another folder"):
        PluginStore(tmp_path / "file" / "plugins").write(digest_of(b"a"), b"a")


REFERENCE = parse_reference("registry.example.com/acme/plugins/http:latest")

OTHERS = """\
lockfile_version: 1
generated: 2026-01-02T03:04:05.123456789+01:00
plugins:
  mine:
    requested: ""
    resolved: 0.1.0
    source: ./plugins/mine/mine.wasm
    sha256: "1234567890"
    modified: 2026-01-02T03:04:05Z
"""


def test_an_entry_says_what_was_asked_for_and_what_it_meant():
    """The tag, the version, the reference, the module's digest and when."""
    lock = Lockfile().with_plugin("http", LockedPlugin.of(make(), REFERENCE))
    facts = yaml.safe_load(lock.encode())
    assert facts["lockfile_version"] == 1
    fetched = facts["plugins"]["http"].pop("fetched")
    assert facts["plugins"]["http"] == {
        "requested": "latest",
        "resolved": "1.0.0",
        "source": "registry.example.com/acme/plugins/http:latest",
        "sha256": digest_of(MODULE),
    }
    assert facts["generated"] == fetched
    assert fetched.endswith("Z")


def test_entries_of_others_stay_as_they_are(tmp_path: Path):
    """Numbers, timestamps and local files are written as they were read."""
    path = tmp_path / "reglet.lock"
    path.write_text(OTHERS)
    lock = Lockfile.load(path)
    path.write_bytes(lock.with_plugin("http", LockedPlugin.of(make(), REFERENCE)).encode())
    again = Lockfile.load(path)
    assert list(again.plugins) == ["http", "mine"]
    assert again.plugins["mine"] == lock.plugins["mine"]
    assert again.plugins["mine"].modified == "2026-01-02T03:04:05Z"
    assert again.plugins["mine"].sha256 == "1234567890"


def test_a_tag_that_moved_is_found():
    """Same reference, other bytes: both digests and versions are named; another reference is a new question."""
    lock = Lockfile().with_plugin("http", LockedPlugin.of(make(), REFERENCE))
    now = LockedPlugin.of(make("2.0.0", MODULE + b"2"), REFERENCE)
    with pytest.raises(
        MovedTagError, match=r"http:latest has moved: it was .* \(1\.0\.0\) and is .* \(2\.0\.0\) now"
    ):
        lock.check("http", now)
    lock.check("http", LockedPlugin.of(make(), REFERENCE))
    lock.check("http", LockedPlugin.of(make("2.0.0", MODULE + b"2"), REFERENCE.with_tag("2.0.0")))
    lock.check("dns", now)


def test_the_same_plugin_fetched_again_is_no_change():
    """A lock file does not change with the clock."""
    entry = LockedPlugin.of(make(), REFERENCE)
    lock = Lockfile().with_plugin("http", entry)
    assert lock.has("http", LockedPlugin(**{**_fields(entry), "fetched": "2027-01-01T00:00:00Z"}))
    assert not lock.has("http", LockedPlugin.of(make("2.0.0"), REFERENCE))


def _fields(entry: LockedPlugin) -> dict[str, str]:
    return {name: getattr(entry, name) for name in ("requested", "resolved", "source", "sha256", "modified")}


def test_a_file_that_is_not_there_has_no_entries(tmp_path: Path):
    """The first pull makes it."""
    assert Lockfile.load(tmp_path / "reglet.lock").plugins == {}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("a: [", "cannot be read"),
        ("- a", "no lock file of version 1"),
        ("lockfile_version: 2", "no lock file of version 1"),
        ("lockfile_version: 1\nplugins: {http: {source: a}}", "the entry http has no sha256"),
        ("lockfile_version: 1\nplugins: {http: 5}", "the entry http has no sha256"),
        ("lockfile_version: 1\nplugins: {http: {sha256: [a]}}", "the entry http has no sha256"),
    ],
)
def test_a_file_that_is_none_is_named_with_what_to_do(content: str, text: str, tmp_path: Path):
    """It is not written over."""
    path = tmp_path / "reglet.lock"
    path.write_text(content)
    with pytest.raises(LockfileError, match=text):
        Lockfile.load(path)
