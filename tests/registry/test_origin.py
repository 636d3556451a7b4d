"""What an artifact says of its origin."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reglet.infrastructure.registry.origin import SourceDateError, annotations_of_project, created, source_url

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
