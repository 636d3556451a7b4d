"""`--grants ask` on a terminal: a question for each rule, and an answer that may be kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")

PLUGIN = """\
import reglet
from reglet import Context, HTTPClient

plugin = reglet.define_plugin(
    name="asking",
    version="1.0.0",
    description="Requests one page",
    capabilities=reglet.GrantSet(
        network=reglet.NetworkCapability([reglet.NetworkRule(hosts=["localhost"], ports=["PORT"])])
    ),
)


@reglet.model
class Found:
    status: int


@plugin.service("page")
class Page:
    @reglet.operation(description="Request it")
    def check(self, ctx: Context) -> Found:
        return Found(ctx.client(HTTPClient).get("http://localhost:PORT/page").status_code)
"""


@pytest.fixture(name="plugin")
def _plugin(httpserver: HTTPServer, tmp_path: Path) -> Path:
    httpserver.expect_request("/page").respond_with_data("hello")
    path = tmp_path / "asking.py"
    path.write_text(PLUGIN.replace("PORT", str(httpserver.port)))
    return path


def run_on_a_terminal(plugin: Path, typed: str) -> tuple[int, str, str]:
    """Return status, stdout and what the terminal showed."""
    master, terminal = os.openpty()
    command = [sys.executable, "-m", "reglet.cli", "run", str(plugin), "--json"]
    environment = {**os.environ, "REGLET_CONFIG_DIR": str(plugin.parent / "config"), "COLUMNS": "200"}
    process = subprocess.Popen(
        command, stdin=terminal, stdout=subprocess.PIPE, stderr=terminal, env=environment
    )
    os.close(terminal)
    os.write(master, typed.encode())
    printed = process.communicate(timeout=60)[0].decode()
    shown = os.read(master, 65536).decode()
    os.close(master)
    return process.returncode, printed, shown


def test_each_rule_is_asked_about_with_its_risk(plugin: Path):
    """Without a flag a terminal is asked; "run" grants it for this run alone."""
    status, printed, shown = run_on_a_terminal(plugin, "run\n")
    assert (status, json.loads(printed)["data"]) == (0, {"status": 200})
    assert "Allow network localhost on " in shown
    assert "(risk: medium)" in shown
    assert run_on_a_terminal(plugin, "no\n")[0] == 2


def test_always_is_not_asked_again(plugin: Path):
    """The grant is kept for this plugin, and forgotten for another."""
    assert run_on_a_terminal(plugin, "always\n")[0] == 0
    status, _, shown = run_on_a_terminal(plugin, "")
    assert status == 0
    assert "Allow" not in shown
    plugin.write_text(plugin.read_text().replace("Requests one page", "Requests a page"))
    assert run_on_a_terminal(plugin, "no\n")[0] == 2


def test_an_answer_that_is_none_is_asked_again(plugin: Path):
    """The prompt names the answers there are."""
    status, _, shown = run_on_a_terminal(plugin, "maybe\nrun\n")
    assert status == 0
    assert "run/always/no" in shown
