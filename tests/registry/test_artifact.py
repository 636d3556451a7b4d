"""Artifacts and layouts: the right types, the same bytes, and nothing damaged."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    GrantSet,
    KeyValueCapability,
    KeyValueRule,
    NetworkCapability,
)
from reglet.domain.entities.manifest import Manifest
from reglet.infrastructure.registry.artifact import (
    ArtifactError,
    DigestError,
    Metadata,
    capability_kinds,
    digest_of,
    fetch_artifact,
    is_layout,
    make_artifact,
    read_descriptors,
    read_layout,
    write_layout,
)
from tests.registry.artifacts import MODULE, make


def test_a_manifest_has_the_types_and_annotations_that_hosts_read():
    """One layer, the raw module; the config says name, version, description and kinds."""
    artifact = make()
    manifest = json.loads(artifact.manifest)
    assert manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert manifest["config"] == {
        "mediaType": "application/vnd.reglet.plugin.config.v1+json",
        "digest": digest_of(artifact.config),
        "size": len(artifact.config),
    }
    assert manifest["layers"] == [
        {
            "mediaType": "application/vnd.reglet.plugin.wasm.v1",
            "digest": digest_of(MODULE),
            "size": len(MODULE),
            "annotations": {"org.opencontainers.image.title": "http.wasm"},
        }
    ]
    assert manifest["annotations"] == {
        "dev.reglet.plugin.capabilities": "network",
        "dev.reglet.plugin.sdk-version": "0.1.0",
        "org.opencontainers.image.created": "2026-01-02T03:04:05Z",
        "org.opencontainers.image.description": "Checks pages",
        "org.opencontainers.image.title": "http",
        "org.opencontainers.image.version": "1.0.0",
    }
    assert json.loads(artifact.config) == {
        "name": "http",
        "version": "1.0.0",
        "description": "Checks pages",
        "capabilities": ["network"],
    }


def test_kinds_are_those_asked_for_in_the_order_of_the_abi():
    """A kind without rules asks for nothing."""
    grants = GrantSet(
        kv=KeyValueCapability([KeyValueRule(["a"])]),
        exec=ExecCapability(["/bin/ls"]),
        env=EnvironmentCapability(["HOME"]),
        network=NetworkCapability(),
    )
    assert capability_kinds(grants) == ("env", "exec", "kv")


def test_an_annotation_given_by_hand_wins():
    """The author may correct what the manifest says, or leave it out."""
    manifest = Manifest("http", "1.0.0", "Checks pages")
    given = {"org.opencontainers.image.description": "", "org.opencontainers.image.licenses": "MIT"}
    annotations = json.loads(make_artifact(MODULE, manifest, given).manifest)["annotations"]
    assert annotations["org.opencontainers.image.licenses"] == "MIT"
    assert "org.opencontainers.image.description" not in annotations


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


@pytest.mark.parametrize(
    ("manifest", "text"),
    [
        (b"<html>", "is not JSON"),
        (b"[]", "is not a JSON object"),
        (b'{"manifests": []}', "is an index of images"),
        (b'{"layers": null}', "is no Reglet plugin, it holds nothing"),
        (
            b'{"config": {"mediaType": "application/vnd.oci.image.config.v1+json"}, "layers": [{"mediaType": "x"}]}',
            "it holds 'application/vnd.oci.image.config.v1.json', 'x'",
        ),
    ],
)
def test_what_is_no_plugin_says_what_it_is(manifest: bytes, text: str):
    """An image, an index, a page: the message names the source and what it holds."""
    with pytest.raises(ArtifactError, match=text):
        read_descriptors(manifest, "r.example/a:1")


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "sha256:../../../etc/passwd"},
        {"digest": "md5:" + "0" * 64},
        {"size": 1 << 40},
        {"size": -1},
        {"size": True},
    ],
)
def test_a_descriptor_that_cannot_be_is_refused_before_anything_is_fetched(change: dict[str, object]):
    """A digest is a SHA-256, and a module has a size that hosts can run."""
    manifest = json.loads(make().manifest)
    manifest["layers"][0].update(change)

    def fetch(_blob: object) -> bytes:
        raise AssertionError("nothing is fetched")

    with pytest.raises(ArtifactError, match="names a blob by digest"):
        fetch_artifact(json.dumps(manifest).encode(), fetch, "r.example/a:1")


@pytest.mark.parametrize(
    "config",
    [
        b"{}",
        b'{"name": "../http", "version": "1"}',
        b'{"name": "a", "version": "1", "capabilities": "network"}',
    ],
)
def test_metadata_that_cannot_be_is_refused(config: bytes):
    """A name from a registry may name a file here, so it is no path."""
    with pytest.raises(ArtifactError):
        Metadata.decode(config, "r.example/a:1")
