"""Grants for always: kept by digest, written whole, never guessed."""

from __future__ import annotations

import stat

import pytest

from reglet.domain.entities.grants import GrantSet
from reglet.infrastructure.host.grant_store import GrantStore, GrantStoreError
from tests.host.requests import commands, network

DIGEST, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def store(tmp_path):
    """A store in a folder that does not exist yet."""
    return GrantStore(tmp_path / "reglet" / "grants")


def test_nothing_is_granted_before_anything_was(store):
    """And nothing is written for the question."""
    assert store.load(DIGEST) == GrantSet()
    assert not store.folder.exists()


def test_grants_are_remembered_for_one_plugin(store):
    """Each time more; another plugin has none of it."""
    store.remember(DIGEST, network("example.com"))
    store.remember(DIGEST, commands("/bin/true"))
    store.remember(DIGEST, network("example.com"))
    assert store.load(DIGEST) == network("example.com").merge(commands("/bin/true"))
    assert store.load(OTHER) == GrantSet()


def test_only_their_owner_may_read_or_write_them(store):
    """Nobody else may grant."""
    store.remember(DIGEST, network("example.com"))
    (file,) = store.folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700


def test_a_damaged_file_grants_nothing_and_says_so(store):
    """It is neither ignored nor overwritten."""
    store.remember(DIGEST, network("example.com"))
    (file,) = store.folder.iterdir()
    file.write_text("{")
    with pytest.raises(GrantStoreError, match="delete the file to be asked again"):
        store.load(DIGEST)
    with pytest.raises(GrantStoreError):
        store.remember(DIGEST, network("example.org"))
    assert file.read_text() == "{"


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    """With the variable that chooses another."""
    (tmp_path / "file").write_text("")
    with pytest.raises(GrantStoreError, match="REGLET_CONFIG_DIR"):
        GrantStore(tmp_path / "file" / "grants").remember(DIGEST, network("h"))


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "a" * 63])
def test_only_a_digest_names_a_plugin(store, digest):
    """A path in its place is refused."""
    with pytest.raises(GrantStoreError, match="not a SHA-256"):
        store.load(digest)
