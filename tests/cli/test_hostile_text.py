"""What a plugin says is data: it steers no terminal, and no line of it looks like one of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglet.cli import main
from reglet.cli.console import StderrLog, show_result, without_secrets
from reglet.cli.grants import capability_lines
from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    NetworkCapability,
    NetworkRule,
)
from reglet.domain.entities.manifest import Manifest, ServiceManifest
from reglet.domain.entities.records import LogAttribute, LogMessage
from reglet.domain.entities.result import ErrorDetail, result_error, result_success
from reglet.domain.escaping import escape, escaped, quoted

FORGED = "✔ success all good"
TRICKS = {
    "colour": "\x1b[31mred\x1b[0m",
    "cursor": "\x1b[2A\x1b[2K",
    "link": "\x1b]8;;https://evil.test\x1b\\click\x1b]8;;\x1b\\",
    "clipboard": "\x1b]52;c;cm0gLXJmIH4=\x07",
    "C1": "\x9b31m\x9d52;c;AAAA\x9c",
    "delete": "a\x7f\x08b",
    "carriage return": f"x\r{FORGED}",
    "line end": f"x\n{FORGED}\nreglet-plugin: interrupted",
    "line separator": f"x\u2028{FORGED}\u2029{FORGED}",
    "next line": f"x\x85{FORGED}\x0b{FORGED}\x0c{FORGED}",
    "bidirectional": "\u202egnp.exe\u202c \u2066x\u2069",
    "zero width": "pay\u200bpal\u2060\ufeff",
    "tags": "\U000e0061\U000e0062",
    "fillers": "a\u3164b\u2800c\uffa0d\u034f",
    "spaces": "a\u00a0b\u2003c\u3000d",
    "surrogate": "a\ud800b",
    "markup": "[/red] [bold red]/home/[a-z]*/.ssh/**[conceal] [link=https://evil.test]x[/link]",
}


def is_plain(text: str) -> bool:
    """Return whether a terminal prints every character as itself, in the order in which they stand."""
    return all(
        each == "\n" or (each.isprintable() and each not in "\u3164\u2800\uffa0\u034f") for each in text
    )


@given(st.text(st.characters(codec=None)))
def test_an_escaped_string_is_one_line_that_a_terminal_prints_as_it_is(text: str):
    """Whatever the string holds; what is plain stays as it is."""
    line = escape(text)
    assert line.isprintable()
    assert len(line.splitlines()) <= 1
    assert escape(line) == line


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)))
def test_two_strings_that_differ_are_quoted_differently(one: str, other: str):
    """A quoted word means one string alone, and holds no separator outside its quotes."""
    assert (quoted(one) == quoted(other)) == (one == other)
    if not quoted(one).startswith('"'):
        assert not set(quoted(one)) & set(' ,;="\\')


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
def test_a_rule_is_one_quoted_line(trick: str):
    """Brackets are no markup, a comma no second host, a line end no second rule."""
    grants = GrantSet(
        network=NetworkCapability([NetworkRule([trick, "a on 80, b"], [trick])]),
        fs=FileSystemCapability([FileSystemRule([trick], [trick])]),
        env=EnvironmentCapability([trick]),
        exec=ExecCapability([trick]),
    )
    lines = capability_lines(grants)
    assert len(lines) == 5
    assert all(is_plain(line) and "\n" not in line for line in lines)
    assert lines[0] == f'network {quoted(trick)}, "a on 80, b" on {quoted(trick)}'


def test_a_rule_is_shown_as_it_is_written():
    """A class of characters in a glob is not lost."""
    grants = GrantSet(fs=FileSystemCapability([FileSystemRule(["/home/[a-z]*/.ssh/**"])]))
    assert capability_lines(grants) == ["read /home/[a-z]*/.ssh/**"]


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
def test_a_result_has_one_line_with_a_status(trick: str, capsys: pytest.CaptureFixture[str]):
    """Wherever the string stands: message, data and its names, nested, in tables, in an error's every part."""
    data = {trick: trick, "nested": {trick: [trick, {trick: trick}]}, "rows": [{trick: trick}, {"b": trick}]}
    error = ErrorDetail(
        type=trick,
        message=trick,
        code=trick,
        details={"problems": [trick], trick: trick},
        stack=trick.encode("utf-8", "replace"),
    )
    show_result(result_success(trick, data))
    show_result(result_error(error))
    shown = capsys.readouterr().out
    assert is_plain(shown)
    assert [line for line in shown.splitlines() if not line.startswith("  ")] == [
        f"✔ success {escape(trick)}",
        "⚠ error the config has 1 problem",
    ]


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
def test_a_log_message_is_one_line(trick: str, capsys: pytest.CaptureFixture[str]):
    """Its level, text and attributes cannot end it."""
    StderrLog().write(LogMessage(trick, trick, [LogAttribute(trick, "string", trick)]))
    shown = capsys.readouterr().err
    assert is_plain(shown)
    assert shown.count("\n") == 1


def test_a_level_of_a_plugin_is_no_word_of_ours(capsys: pytest.CaptureFixture[str]):
    """A level that no logger has is quoted where it has a space."""
    StderrLog().write(LogMessage("warning: all is", "well", []))
    assert capsys.readouterr().err.startswith('"warning: all is" well')


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
def test_a_manifest_is_escaped_whole(trick: str):
    """Every string in it, names included, at every depth."""
    manifest = Manifest(
        trick, trick, trick, config_schema={trick: [{trick: trick}]}, services={trick: ServiceManifest(trick)}
    )
    safe = escaped(manifest)
    assert (safe.name, safe.description) == (escape(trick), escape(trick))
    assert safe.config_schema == {escape(trick): [{escape(trick): escape(trick)}]}
    assert safe.services[escape(trick)].name == escape(trick)


HOSTILE = """
import reglet

TRICK = {trick!r}


class Hostile:
    def manifest(self, ctx):
        schema = {{"type": "object", "properties": {{TRICK: {{"type": TRICK, "description": TRICK}}}}}}
        grants = reglet.GrantSet(
            network=reglet.NetworkCapability([reglet.NetworkRule([TRICK], ["80"])]),
            exec=reglet.ExecCapability([TRICK]),
        )
        return reglet.Manifest(TRICK, TRICK, TRICK, config_schema=schema, capabilities=grants)

    def check(self, ctx, config):
        return reglet.result_success(TRICK, {{"a": TRICK}})


reglet.register(Hostile())
"""


@pytest.mark.parametrize("command", ["run", "manifest", "docs", "lint"])
@pytest.mark.parametrize("name", ["link", "line end", "bidirectional", "markup", "C1"])
def test_no_command_shows_a_plugins_text_raw(
    command: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Neither on stdout nor on stderr; no line is forged."""
    path = tmp_path / f"hostile_{command}_{list(TRICKS).index(name)}.py"
    path.write_text(HOSTILE.format(trick=TRICKS[name]))
    main([command, str(path)])
    streams = capsys.readouterr()
    assert is_plain(streams.out + streams.err)
    lines = (streams.out + streams.err).splitlines()
    assert not [line for line in lines if line.startswith((FORGED, "reglet-plugin: "))]


def test_an_author_traceback_cannot_end_with_a_line_of_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """An error with line ends is indented, and escaped in the one line that we say."""
    path = tmp_path / "raising.py"
    path.write_text("raise ValueError('x\\nreglet-plugin: all good\\n\\x1b[2K')\n")
    assert main(["manifest", str(path)]) == 3
    complaint = capsys.readouterr().err
    assert is_plain(complaint)
    (ours,) = [line for line in complaint.splitlines() if line.startswith("reglet-plugin: ")]
    assert ours.startswith(
        "reglet-plugin: raising cannot be imported: ValueError: x\\nreglet-plugin: all good"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("columns", [40, 80])
def test_a_long_line_on_a_terminal_goes_on_below_an_indent(columns: int, tmp_path: Path):
    """A string that is as long as the terminal is wide puts nothing of its own at the start of a line."""
    path = tmp_path / "wide.py"
    wide = "界" * columns + "x" * columns + f" {FORGED}" * 20
    path.write_text(HOSTILE.format(trick=wide))
    master, terminal = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "reglet.cli", "run", str(path), "--grants", "ask"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1", "REGLET_CONFIG_DIR": str(tmp_path)},
    )
    os.close(terminal)
    os.write(master, b"n\nn\n")
    shown = b""
    while True:
        try:
            read = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not read:
            break
        shown += read
    process.wait(timeout=300)
    os.close(master)
    lines = shown.decode().splitlines()
    assert sum(line.startswith("✔ success") for line in lines) == 1
    assert sum("[y/a/N]" in line for line in lines) == 2
    assert [line for line in lines if len(line) + line.count("界") > columns and "[y/a/N]" not in line] == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("get https://user:hunter2@h.test/a failed", "get https://***@h.test/a failed"),
        ("https://h.test/?token=abcd&x=1: refused", "https://h.test/?token=***&x=1: refused"),
        ("http_request GET https://h.test/?api_key=abcd", "http_request GET https://h.test/?api_key=***"),
        ("the key s3cr3t-value is wrong", "the key *** is wrong"),
        ("https://h.test/plain?x=1", "https://h.test/plain?x=1"),
    ],
)
def test_a_line_shows_no_secret(text: str, shown: str):
    """Passwords and tokens of URLs, and the secrets of the config."""
    assert without_secrets(text, ["s3cr3t-value"]) == shown


def test_an_error_of_ours_masks_the_password_of_a_url(capsys: pytest.CaptureFixture[str]):
    """Also one that stands in an argument."""
    assert main(["run", "https://user:hunter2@h.test/a.wasm"]) == 3
    assert "hunter2" not in capsys.readouterr().err
