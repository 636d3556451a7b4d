"""Layouts and lists of plugins on disk: read as they were written, and nothing damaged."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from reglet.infrastructure.registry.artifact import (
    ArtifactError,
    DigestError,
    Metadata,
    digest_of,
)
from reglet.infrastructure.registry.layout import encode_index, is_layout, read_layout, write_layout
from tests.registry.artifacts import MODULE, make

WHERE = {
    "repository": "https://code.example.com/acme/plugins",
    "registry": "registry.example.com/acme/plugins",
    "updated": "2026-01-02T03:04:05Z",
}


@pytest.mark.parametrize("name", ["http.oci", "http.tar"])
def test_a_layout_reads_as_it_was_written_and_twice_the_same(name: str, tmp_path: Path):
    """Folder and archive hold the same artifact; metadata.json lies in the one and beside the other."""
    path = tmp_path / name
    write_layout(make("0.9.0"), path)
    write_layout(make(), path)
    assert is_layout(path)
    assert read_layout(path) == make()
    metadata = (path if path.is_dir() else tmp_path) / "metadata.json"
    assert metadata.read_bytes() == make().config
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []
    if path.is_file():
        before = path.read_bytes()
        write_layout(make(), path)
        assert path.read_bytes() == before


def test_a_layout_is_one_for_any_oci_tool(tmp_path: Path):
    """The mark, the index with the version as the image's name, and blobs by digest."""
    write_layout(make(), tmp_path / "http.tar")
    with tarfile.open(tmp_path / "http.tar") as archive:
        assert {member.mtime for member in archive} == {0}
        files = {
            member.name: file.read()
            for member in archive
            if (file := archive.extractfile(member)) is not None
        }
    assert json.loads(files.pop("oci-layout")) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads(files.pop("index.json"))["manifests"]
    assert entry["digest"] == make().digest
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": "1.0.0"}
    assert {f"sha256:{name.removeprefix('blobs/sha256/')}" for name in files} == set(
        map(digest_of, files.values())
    )


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path):
    """Only a layout is replaced."""
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ArtifactError, match="a folder with other files"):
        write_layout(make(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_damaged_layout_is_found(tmp_path: Path):
    """A changed blob, a missing one and a torn archive are each an error that names the layout."""
    folder, archive = tmp_path / "http.oci", tmp_path / "http.tar"
    write_layout(make(), folder)
    write_layout(make(), archive)
    blob = folder / "blobs" / "sha256" / digest_of(MODULE).removeprefix("sha256:")
    blob.write_bytes(MODULE[:-1])
    with pytest.raises(DigestError, match="do not use it"):
        read_layout(folder)
    blob.unlink()
    with pytest.raises(ArtifactError, match=r"http\.oci is no whole OCI layout"):
        read_layout(folder)
    archive.write_bytes(archive.read_bytes()[:2000])
    with pytest.raises(ArtifactError, match=r"http\.tar is no whole OCI layout"):
        read_layout(archive)


def test_a_layout_whose_files_are_links_or_too_deep_is_refused(tmp_path: Path):
    """An archive from elsewhere leads to nothing but what it holds."""
    link = tarfile.TarInfo("index.json")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
    deep = tarfile.TarInfo("index.json")
    deep.size = 200_000
    for member, content in ((link, b""), (deep, b"[" * 200_000)):
        with tarfile.open(tmp_path / "a.tar", "w") as archive:
            archive.addfile(member, io.BytesIO(content))
        with pytest.raises(ArtifactError, match=r"index\.json"):
            read_layout(tmp_path / "a.tar")


def test_an_index_has_the_form_that_hosts_list():
    """The newest version of each plugin, and the kinds of its capabilities."""
    plugins = [Metadata("tcp", "1.1.0", "Ports", ("network",)), Metadata("file", "1.0.0", "Files", ("fs",))]
    assert json.loads(encode_index(plugins, **WHERE)) == {
        **WHERE,
        "plugins": [
            {"name": "file", "description": "Files", "capabilities": ["fs"], "latest": "1.0.0"},
            {"name": "tcp", "description": "Ports", "capabilities": ["network"], "latest": "1.1.0"},
        ],
    }


def test_two_plugins_of_one_name_are_an_error():
    """Which of them is the newest is not guessed."""
    with pytest.raises(ArtifactError, match=r"two plugins are named tcp, 1\.0\.0 and 1\.1\.0"):
        encode_index([Metadata("tcp", "1.0.0"), Metadata("tcp", "1.1.0")], **WHERE)
