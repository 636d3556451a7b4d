"""Artifacts: the right types, the same bytes, nothing damaged, and what they say of their origin."""

from __future__ import annotations

import json
import os
import subprocess
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
    Metadata,
    SourceDateError,
    annotations_of_project,
    capability_kinds,
    check_name,
    created,
    digest_of,
    fetch_artifact,
    make_artifact,
    read_descriptors,
    source_url,
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


@pytest.mark.parametrize(
    "name", ["con", "NUL", "com1", "lpt9.http", "aux.", "http.", "a/b", "a\\b", "c:http", "-o", ""]
)
def test_a_name_is_one_for_a_file_on_every_system(name: str):
    """Windows keeps some for devices, and drops a dot at the end; a path would lead elsewhere."""
    with pytest.raises(ArtifactError, match="cannot be a published plugin's name"):
        check_name(name)
    with pytest.raises(ArtifactError, match="cannot be a published plugin's name"):
        Metadata.decode(json.dumps({"name": name, "version": "1"}).encode(), "here")
    assert [check_name(each) for each in ("http", "console", "com10", "a.b-c_d")] == [
        "http",
        "console",
        "com10",
        "a.b-c_d",
    ]


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
