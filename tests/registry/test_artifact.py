"""Artifacts, layouts, lists and annotations of origin: the right types, the same bytes, nothing damaged."""

from __future__ import annotations

import io
import json
import os
import subprocess
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
    SourceDateError,
    annotations_of_project,
    capability_kinds,
    created,
    digest_of,
    encode_index,
    fetch_artifact,
    is_layout,
    make_artifact,
    read_descriptors,
    read_layout,
    source_url,
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


WHERE = {
    "repository": "https://code.example.com/acme/plugins",
    "registry": "registry.example.com/acme/plugins",
    "updated": "2026-01-02T03:04:05Z",
}


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


PROJECT = """\
[project]
name = "made"
license = "Apache-2.0"

[project.urls]
Homepage = "https://example.com"
"Source Code" = "https://ann:s3cret@code.example.com/acme/plugins"
"""


def git(folder: Path, *arguments: str) -> None:
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_DATE": "1700000000 +0100",
        "GIT_COMMITTER_DATE": "1700000000 +0100",
    }
    identity = ["-c", "user.name=ann", "-c", "user.email=ann@example.com"]
    subprocess.run(
        ["git", *identity, *arguments], cwd=folder, env=environment, check=True, capture_output=True
    )


def test_a_project_says_its_source_and_licence(tmp_path: Path):
    """A login in the URL is left out; what is not known is not there."""
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    assert annotations_of_project(tmp_path, {"SOURCE_DATE_EPOCH": "1700000000"}) == {
        "org.opencontainers.image.created": "2023-11-14T22:13:20Z",
        "org.opencontainers.image.source": "https://code.example.com/acme/plugins",
        "org.opencontainers.image.licenses": "Apache-2.0",
    }


@pytest.mark.parametrize(
    "remote",
    [
        "https://ann:s3cret@code.example.com/acme/plugins.git",
        "git@code.example.com:acme/plugins.git",
        "ssh://git@code.example.com/acme/plugins.git",
    ],
)
def test_a_repository_says_its_time_and_origin(remote: str, tmp_path: Path):
    """Without a variable the time is the commit's, in UTC; the remote is a URL to read, without a login."""
    git(tmp_path, "init", "-q")
    git(tmp_path, "remote", "add", "origin", remote)
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    assert created(tmp_path, {}) == "2023-11-14T22:13:20Z"
    assert source_url(tmp_path) == "https://code.example.com/acme/plugins"


def test_without_either_there_is_no_time(tmp_path: Path):
    """The time of the call would give each push another digest."""
    assert annotations_of_project(tmp_path, {}) == {}


@pytest.mark.parametrize("seconds", ["yesterday", "1.5", "9" * 30])
def test_a_source_date_that_is_no_time_is_an_error(seconds: str, tmp_path: Path):
    """The message has the variable, the value and an example."""
    with pytest.raises(SourceDateError, match=f"SOURCE_DATE_EPOCH is '{seconds}': give whole seconds"):
        created(tmp_path, {"SOURCE_DATE_EPOCH": seconds})
