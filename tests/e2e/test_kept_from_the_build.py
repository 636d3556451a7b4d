"""What a built plugin keeps of its build: time zones, and the environment that it set at import."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reglet.infrastructure.build.build import build_plugin
from reglet.sandbox import EnvironmentCapability, GrantSet, Sandbox

PLUGIN = """
import os, zoneinfo
from unittest.mock import patch
from datetime import datetime
import reglet

os.environ["CHOSEN"] = "the plugin's"
os.environ.setdefault("LEFT", "the plugin's")
os.environ["GONE"] = "for a while"
del os.environ["GONE"]
with patch.dict(os.environ, {"GONE": "for a while"}):
    pass
plugin = reglet.define_plugin(
    name="kept", version="1.0.0", description="d",
    capabilities=reglet.GrantSet(env=reglet.EnvironmentCapability(vars=["CHOSEN", "LEFT"])),
)


@reglet.model
class In:
    zone: str


@plugin.service("s")
class S:
    @reglet.operation(description="o")
    def run(self, request: In) -> reglet.Result:
        noon = datetime(2024, 7, 1, 12, tzinfo=zoneinfo.ZoneInfo(request.zone))
        zones = sorted(zoneinfo.available_timezones())
        variables = [os.environ.get(name) for name in ("CHOSEN", "LEFT", "GONE", "PYTHONHOME", "HOME")]
        return reglet.result_success("ok", {"noon": noon.isoformat(), "zones": zones, "env": variables})
"""
EAST = b"TZif2" + bytes(31) + b"\0\0\0\1" + b"\0\0\0\4" + b"\0\0\x0e\x10" + bytes(2) + b"EST\0"


def build(folder: Path, packages: dict[str, bytes]) -> Path:
    """Build the plugin with an interpreter that has these packages."""
    (folder / "packages").mkdir()
    for name, content in packages.items():
        path = folder / "packages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    python = folder / "python"
    answer = json.dumps([[str(folder / "packages")], "/nowhere"])
    python.write_text(f"#!/bin/sh\necho '{answer}'\n")
    python.chmod(0o755)
    (folder / "plugin.py").write_text(PLUGIN)
    return build_plugin(folder / "plugin.py", folder / "out.wasm", python=python).path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a plugin that was built where the package tzdata has one zone."""
    zones = {"__init__.py": b"", "zones": b"Far/East\n", "zoneinfo/Far/East": EAST * 2 + b"\nEST-1\n"}
    folder = tmp_path_factory.mktemp("zones")
    return build(folder, {f"tzdata/{name}": content for name, content in zones.items()})


def test_time_zones_of_the_package_tzdata_are_kept(built: Path) -> None:
    """Those that were installed where the plugin was built, by their names; another is named with the cause."""
    with Sandbox(GrantSet()) as sandbox:
        plugin = sandbox.load(built)
        kept, other = plugin.check({"zone": "Far/East"}), plugin.check({"zone": "Far/West"})

    assert kept.data is not None
    assert (kept.data["noon"], kept.data["zones"]) == ("2024-07-01T12:00:00+01:00", ["Far/East"])
    assert other.error is not None
    assert "a built plugin has those of the package tzdata" in other.error.message


def test_utc_is_a_time_zone_without_any_package(tmp_path: Path) -> None:
    """It needs no data."""
    with Sandbox(GrantSet()) as sandbox:
        result = sandbox.load(build(tmp_path, {})).check({"zone": "UTC"})

    assert result.data is not None
    assert result.data["noon"] == "2024-07-01T12:00:00+00:00"


def test_variables_that_a_plugin_sets_at_import_stay_set(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the host's are; a default stands where the host has none. The build's own are gone."""
    monkeypatch.setenv("CHOSEN", "the host's")
    found = []
    for name in ("LEFT", "RIGHT"):
        monkeypatch.setenv(name, "the host's")
        monkeypatch.delenv("LEFT" if name == "RIGHT" else "RIGHT", raising=False)
        with Sandbox(GrantSet(env=EnvironmentCapability(vars=["CHOSEN", "LEFT"]))) as sandbox:
            result = sandbox.load(built).check({"zone": "Far/East"})
        assert result.data is not None
        found.append(result.data["env"])

    none = [None] * 3
    assert found == [["the plugin's", "the host's", *none], ["the plugin's", "the plugin's", *none]]
