"""Looks on wazero, where the guest alone sees to it that what was not seen is no verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.built_plugins import BuildSource
from tests.interop.go_host import GoHost
from tests.looks import LOOKS, OF_THE_FOLDER, READS

pytestmark = pytest.mark.go

SEEN = {
    "open": "key = value",
    "stat": "11",
    "exists": "True",
    "listdir": "['app.conf']",
    "glob": "['/data/app.conf']",
    "pathlib": "True",
}


@pytest.fixture
def plugin(built_source: BuildSource) -> Path:
    """Return the built plugin."""
    return built_source(LOOKS)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a folder that the guest sees under /data."""
    (tmp_path / "app.conf").write_text("key = value")
    return tmp_path


def look(host: GoHost, plugin: Path, way: str, path: str, *options: str, operation: str = "look") -> Any:
    """Return the Result of looking at a path."""
    config = {"operation": operation, "way": way, "path": path}
    (result,) = host.run(plugin, config, *options)["answers"]
    return result


def assert_denied(result: Any, operation: str, path: str) -> None:
    """Assert that a Result is the error that names a missing grant, and the rule to add."""
    error = result["error"]
    assert (result["status"], error["type"], error["code"]) == (
        "error",
        "capability",
        f"fs:{operation}:{path}",
    )
    assert f"add {json.dumps({operation: [path]})} to fs.rules" in error["message"]


@pytest.mark.parametrize("way", READS)
@pytest.mark.parametrize("sees", ["nothing", "another folder"])
def test_a_look_outside_of_what_the_host_gives_is_no_verdict(
    plugin: Path, go_host: GoHost, data: Path, way: str, sees: str
) -> None:
    """Without any directory, as the Go host SDK runs plugins, and with another one."""
    options = [] if sees == "nothing" else [f"-directory={data}"]
    result = look(go_host, plugin, way, "/etc/app.conf", *options)
    assert_denied(result, "read", "/etc" if way in OF_THE_FOLDER else "/etc/app.conf")


@pytest.mark.parametrize("way", READS)
def test_what_the_host_gives_is_seen(plugin: Path, go_host: GoHost, data: Path, way: str) -> None:
    """And what is absent there is absent."""
    seen = look(go_host, plugin, way, "/data/app.conf", f"-directory={data}")
    absent = look(go_host, plugin, way, "/data/none/app.conf", f"-directory={data}")
    assert seen["data"] == {"seen": SEEN[way]}
    assert "capability" not in json.dumps(absent)


@pytest.mark.parametrize("way", ["write", "mkdir", "unlink", "chmod"])
def test_a_change_of_what_is_read_only_names_the_grant_of_writing(
    plugin: Path, go_host: GoHost, data: Path, way: str
) -> None:
    """The Reglet app gives granted directories for reading."""
    path = "/data/new" if way == "mkdir" else "/data/app.conf"
    assert_denied(look(go_host, plugin, way, path, f"-directory={data}"), "write", path)


def test_an_author_can_take_a_refusal_for_an_answer(plugin: Path, go_host: GoHost) -> None:
    """On a host without files too."""
    assert look(go_host, plugin, "exists", "/etc/app.conf", operation="ask")["data"] == {"seen": "False"}


def test_a_relative_path_starts_in_the_first_directory_of_the_host(
    plugin: Path, go_host: GoHost, data: Path
) -> None:
    """As Go plugins take it, and `PWD` before it."""
    seen = look(go_host, plugin, "open", "app.conf", f"-directory={data}")
    elsewhere = look(go_host, plugin, "exists", "app.conf", f"-directory={data}", "-env=PWD=/srv")
    assert seen["data"] == {"seen": "key = value"}
    assert_denied(elsewhere, "read", "/srv/app.conf")
    assert_denied(look(go_host, plugin, "open", "go.mod"), "read", "go.mod")


@pytest.mark.parametrize("way", ["home", "home of pathlib"])
def test_a_path_at_home_needs_the_variable_of_the_host(
    plugin: Path, go_host: GoHost, data: Path, way: str
) -> None:
    """Without it nobody knows where that is, so there is no verdict."""
    refused = look(go_host, plugin, way, "~/app.conf", f"-directory={data}")
    seen = look(go_host, plugin, way, "~/app.conf", f"-directory={data}", "-env=HOME=/data")
    assert (refused["error"]["type"], refused["error"]["code"]) == ("capability", "env:HOME")
    assert seen["data"] == {"seen": "True"}
