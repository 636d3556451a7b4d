"""What profiles ask of this plugin's data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from reglet import Plugin
from reglet.testing import FakeHost

EXPRESSIONS: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "data.exists": lambda data: data["exists"] is True,
    "data.exists == true": lambda data: data["exists"] is True,
    "data.readable == true": lambda data: data["readable"] is True,
    "data.size > 0": lambda data: data["size"] > 0,
    "data.size == 7": lambda data: data["size"] == 7,
    'data.mode <= "0600"': lambda data: data["mode"] <= "0600",
    "data.uid >= 0": lambda data: data["uid"] >= 0,
    "data.gid >= 0": lambda data: data["gid"] >= 0,
    "data.is_dir == false": lambda data: data["is_dir"] is False,
    "data.is_symlink == false": lambda data: data["is_symlink"] is False,
    "!data.expectation_failed": lambda data: not data["expectation_failed"],
}

OF_THE_OWNER = {'data.mode <= "0600"', "data.uid >= 0", "data.gid >= 0"}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_profile_finds_its_field(plugin: Plugin, tmp_path: Path, expression: str) -> None:
    """Missing fields would make the control an error."""
    file = tmp_path / "secret"
    file.write_text("secret\n")
    file.chmod(0o600)
    result = FakeHost.of(plugin).check(plugin, {"path": str(file)})
    assert result.data is not None
    if expression in OF_THE_OWNER and not result.data["owner_known"]:
        pytest.skip("this platform does not tell modes and owners")
    assert EXPRESSIONS[expression](result.data)
