"""`--grants ask` on a terminal: a question for each rule, an answer that may be kept, and what is kept."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tests.patience import PATIENCE

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
    os.write(master, typed.encode(errors="surrogateescape"))
    printed = process.communicate(timeout=PATIENCE)[0].decode()
    shown = b""
    with contextlib.suppress(OSError):  # as Linux ends a pseudo terminal
        while read := os.read(master, 65536):
            shown += read
    os.close(master)
    return process.returncode, printed, shown.decode(errors="replace")


def test_each_rule_is_asked_about_with_its_risk(plugin: Path):
    """Without a flag a terminal is asked; "y" grants it for this run alone."""
    status, printed, shown = run_on_a_terminal(plugin, "y\n")
    assert (status, json.loads(printed)["data"]) == (0, {"status": 200})
    (rule,) = [line for line in shown.splitlines() if "Allow network localhost on " in line]
    assert "(risk: medium)" in rule
    assert run_on_a_terminal(plugin, "no\n")[0] == 2


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ("y", 0),
        ("Yes", 0),
        ("a", 0),
        ("always", 0),
        ("n", 2),
        ("NO", 2),
        ("", 2),
        ("\x04", 2),
        ("\udcff\ny", 0),
    ],
    ids=["y", "Yes", "a", "always", "n", "NO", "return", "end of input", "no UTF-8"],
)
def test_a_letter_or_a_word_answers(typed: str, status: int, plugin: Path):
    """Return and the end of the input are no."""
    assert run_on_a_terminal(plugin, typed if typed == "\x04" else f"{typed}\n")[0] == status


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
    status, _, shown = run_on_a_terminal(plugin, "maybe\nyes\n")
    assert status == 0
    assert shown.count("[y/a/N]") == 2
    assert "please answer y, a or n" in shown


def grants_command(plugin: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "REGLET_CONFIG_DIR": str(plugin.parent / "config")}
    command = [sys.executable, "-m", "reglet.cli", "grants", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_what_is_kept_is_listed_and_revoked(plugin: Path):
    """With the plugin's name, its rules and its digest, whose start revokes it: then it is asked about again."""
    assert run_on_a_terminal(plugin, "always\n")[0] == 0
    (entry,) = json.loads(grants_command(plugin, "list", "--json").stdout)
    assert (entry["plugin"], len(entry["digest"])) == ("asking 1.0.0", 64)
    assert entry["grants"]["network"]["rules"][0]["hosts"] == ["localhost"]
    name, rule = grants_command(plugin, "list").stdout.splitlines()
    assert name == f"{entry['digest'][:16]}  asking 1.0.0"
    assert rule.startswith("  network localhost on ")
    revoked = grants_command(plugin, "revoke", entry["digest"][:8])
    assert (revoked.returncode, revoked.stdout) == (0, f"revoked {name}\n")
    assert json.loads(grants_command(plugin, "list", "--json").stdout) == []
    assert run_on_a_terminal(plugin, "no\n")[0] == 2


def test_what_cannot_be_revoked_says_what_can(plugin: Path):
    """Nothing named, nothing kept, or all and some at once."""
    for arguments, text in (
        ([], "name what to revoke by its digest or file, or give --all"),
        (["abcd"], "abcd: nothing is kept for it; `reglet-plugin grants list` shows what is kept"),
        (["abcd", "--all"], "name what to revoke by its digest or file, or give --all"),
    ):
        done = grants_command(plugin, "revoke", *arguments)
        assert (done.returncode, done.stderr) == (3, f"reglet-plugin: {text}\n")
    assert grants_command(plugin, "revoke", "--all").returncode == 0
