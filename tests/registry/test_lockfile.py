"""`reglet.lock`: the form of the Reglet app, entries of others kept, a moved tag found."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from reglet.infrastructure.registry.artifact import digest_of
from reglet.infrastructure.registry.lockfile import LockedPlugin, Lockfile, LockfileError, MovedTagError
from reglet.infrastructure.registry.reference import parse_reference
from tests.registry.artifacts import MODULE, make

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
