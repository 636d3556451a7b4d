"""The tutorial, walked word by word: what it ends with is a module that a host of another make runs."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from reglet.sandbox import GrantSet, Sandbox
from tests.documents.console import ROOT, run_console_block
from tests.interop.go_host import GoHost

BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)

CONNECTED = {
    "connected": True,
    "tls": True,
    "tls_version": "TLS 1.3",
    "tls_cert_issuer": "CN=Example CA",
    "tls_cert_not_after": "2999-01-01T00:00:00Z",
}


@pytest.fixture(scope="module")
def project() -> Iterator[Path]:
    """Walk the tutorial in an empty folder, and return the project that it makes."""
    folder = Path(tempfile.mkdtemp(prefix="reglet-tutorial-"))
    terminal = folder
    for language, title, body in BLOCK.findall((ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")):
        if title:
            (terminal / title).write_text(body, encoding="utf-8")
        elif language == "console":
            terminal = run_console_block(body, terminal)
    yield terminal
    shutil.rmtree(folder)


def profile_config(project: Path) -> dict[str, Any]:
    """Return the config that the tutorial's profile has for the plugin."""
    profile = yaml.safe_load((project / "profile.yaml").read_text(encoding="utf-8"))
    [control] = profile["controls"]["items"]
    [observation] = control["observations"]
    assert [observation["plugin"]] == profile["plugins"] == ["cert-expiry"]
    config: dict[str, Any] = observation["config"]
    return config


def test_the_profile_fits_the_plugin(project: Path) -> None:
    """A host holds the profile's config against the plugin's schema before it runs anything."""
    with Sandbox(GrantSet()) as sandbox:
        schema = (
            sandbox.load(project / "plugins" / "cert-expiry" / "cert-expiry.wasm").manifest().config_schema
        )
    jsonschema.validate(profile_config(project), schema)


@pytest.mark.go
def test_a_go_host_gets_a_result(project: Path, go_host: GoHost) -> None:
    """The engine of the Reglet hosts runs the file with the profile's config; the output is its data."""
    config = profile_config(project)
    plugin = project / "plugins" / "cert-expiry" / "cert-expiry.wasm"

    [result] = go_host.run(plugin, config, answers={"tcp_connect": CONNECTED})["answers"]

    assert (result["status"], result.get("error")) == ("success", None)
    assert result["data"]["host"] == config["host"]
    assert result["data"]["not_after"] == CONNECTED["tls_cert_not_after"]
    assert result["data"]["days_left"] > 300_000
