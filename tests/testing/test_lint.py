"""Lint of a project: what its source shows, what is ignored, and the examples of the page of codes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from reglet.application.lint import RULES, Finding
from reglet.infrastructure.build import TargetError
from reglet.testing.lint import lint_project
from tests.documents.console import ROOT

PAGE = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")
_NUMBERS = itertools.count()

Lint = Callable[..., list[Finding]]


@pytest.fixture
def lint(tmp_path: Path) -> Lint:
    """Return what lints a module of this source, each under a name of its own."""

    def lint(source: str, project: str = "") -> list[Finding]:
        path = tmp_path / f"linted_{next(_NUMBERS)}.py"
        path.write_text(source, encoding="utf-8")
        if project:
            (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
        return lint_project(path)

    return lint


def codes(findings: list[Finding]) -> list[str]:
    return [each.code for each in findings]


def sections() -> dict[str, list[str]]:
    """Return the Python blocks of the section of each code."""
    parts = re.split(r"^## (R\d{3})$", PAGE, flags=re.MULTILINE)[1:]
    blocks = (re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL) for text in parts[1::2])
    return dict(zip(parts[::2], blocks, strict=True))


START = re.search(r"begin like this:\n\n```python\n(.*?)```", PAGE, re.DOTALL)[1]
SERVICE = """

@plugin.service("for_all")
class ForAll:
    @reglet.operation(description="Check")
    def check(self{request}) -> reglet.Result:
        return reglet.result_failure("no")
"""


def of_page(code: str, block: str) -> str:
    """Return a whole module for a block of the page: its models are the input of an operation."""
    if ".service(" in block or code == "R002":
        return START + block
    return START + block + SERVICE.format(request=", request: Input" if "class Input" in block else "")


def test_every_code_has_a_section_and_a_row():
    """In the order of the codes, with what the rule finds and how bad it is."""
    assert list(sections()) == list(RULES)
    rows = re.findall(r"^\| \[(R\d{3})\]\(#r\d{3}\) \| (\w+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert {code: (severity, found) for code, severity, found in rows} == RULES


@pytest.mark.parametrize("code", RULES)
def test_the_examples_of_a_code_give_it_and_do_not(code: str, lint: Lint):
    """The first block of its section is found, the second is not."""
    bad, good = sections()[code]
    assert code in codes(lint(of_page(code, bad)))
    assert code not in codes(lint(of_page(code, good)))


DECLARING = """
import os
from pathlib import Path

import reglet

ETC = Path("/etc")
HOSTS = ETC / "hosts"
FILES = reglet.FileSystemCapability([reglet.FileSystemRule(["/etc/hosts"])])
VARIABLES = reglet.EnvironmentCapability(["HOME"])

plugin = reglet.define_plugin(
    name="p",
    version="1.0.0",
    description="d",
    capabilities=reglet.GrantSet(fs=FILES, env=VARIABLES),
)


@plugin.service("s", description="d")
class Service:
    @reglet.operation(description="d")
    def check(self) -> reglet.Result:
        {body}
        return reglet.result_success("ok")


def helper(path):
    return open(path)
"""


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("HOSTS.read_text()", ""),
        ("open('/etc/hosts')", ""),
        ("(ETC / 'hosts').exists()", ""),
        ("path = ETC / 'passwd'; path.read_text()", "reads /etc/passwd"),
        ("open(os.path.join('/etc', 'passwd'))", "reads /etc/passwd"),
        ("open('/etc/hosts', 'w')", "writes /etc/hosts"),
        ("open('/etc/hosts', mode='a')", "writes /etc/hosts"),
        ("HOSTS.open('w')", "writes /etc/hosts"),
        ("HOSTS.write_text('x')", "writes /etc/hosts"),
        ("os.listdir('/etc')", "reads /etc"),
        ("helper('/etc/passwd')", ""),
        ("open(HOSTS.parent)", ""),
        ("ETC.joinpath(os.sep).read_text()", ""),
    ],
)
def test_a_path_that_is_written_out_is_held_to_the_capability(body: str, found: str, lint: Lint):
    """What only a run would show is left to the audit, once the plugin declares some file."""
    messages = [each.message for each in lint(DECLARING.format(body=body)) if each.code == "R401"]
    assert bool(messages) == bool(found)
    assert all(found in message for message in messages)


def test_any_look_takes_a_capability(lint: Lint):
    """A path that is not known is a finding where no file is declared at all, in a helper too."""
    undeclared = re.sub(r"    capabilities=.*\n", "", DECLARING)
    [finding] = [each for each in lint(undeclared.format(body="helper(ETC.name)")) if each.code == "R401"]
    assert "open(path)" in Path(finding.file).read_text().splitlines()[finding.line - 1]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("os.environ['TOKEN']", True),
        ("os.environ.get('TOKEN', 'none')", True),
        ("os.getenv('TOKEN')", True),
        ("name = 'TOKEN'; os.getenv(name)", True),
        ("'TOKEN' in os.environ", True),
        ("'TOKEN' not in os.environ", True),
        ("os.environ.get('HOME')", False),
        ("os.environ['TOKEN'] = 'x'; os.environ['TOKEN']", False),
        ("os.environ.setdefault('TOKEN', 'x'); os.getenv('TOKEN')", False),
        ("os.getenv(HOSTS.name)", False),
        ("{}.get('TOKEN')", False),
    ],
)
def test_a_variable_that_is_written_out_is_held_to_the_capability(body: str, found: bool, lint: Lint):
    """One that no host will give is never set, where a test in process may find it."""
    messages = [each.message for each in lint(DECLARING.format(body=body)) if each.code == "R406"]
    assert len(messages) == found
    assert all('EnvironmentCapability(vars=["TOKEN"])' in message for message in messages)


IMPORTING = """
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import reglet

plugin = reglet.define_plugin(name="p", version="1.0.0", description="d")

{top}


@plugin.service("s")
class Service:
    @reglet.operation()
    def check(self) -> reglet.Result:
        return reglet.result_success("ok")


{bottom}
"""


@pytest.mark.parametrize(
    ("top", "bottom", "found"),
    [
        ("def now():\n    return datetime.now(UTC)", "", []),
        ("def now():\n    return datetime.now(UTC)", "STARTED = now()", ["R403"]),
        ("def now(at=datetime.now(UTC)):\n    return at", "", ["R403"]),
        ("later = lambda: os.environ['X']", "", []),
        ("if TYPE_CHECKING:\n    NOW = datetime.now(UTC)", "", []),
        ("", "if __name__ == '__main__':\n    print(os.environ['X'])", []),
        ("class Settings:\n    home = os.getenv('HOME')", "", ["R404"]),
    ],
)
def test_what_runs_at_import_is_found(top: str, bottom: str, found: list[str], lint: Lint):
    """Defaults, bodies of classes and functions that are called there, not what is called later."""
    source = IMPORTING.format(top=top, bottom=bottom)
    assert [code for code in codes(lint(source)) if code.startswith("R4")] == found


STATEFUL = """
from collections import defaultdict

import reglet

plugin = reglet.define_plugin(name="p", version="1.0.0", description="d")
seen = []
counts = defaultdict(int)
count = 0


class Settings:
    depth = 1


def register(name):
    seen.append(name)


register("at import")


@plugin.service("s")
class Service:
    def __init__(self):
        self.cache = {{}}

    @reglet.operation()
    def check(self) -> reglet.Result:
        {body}
        return reglet.result_success("ok")
"""


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        ("print(seen, counts['x'], count)", None),
        ("found = []; found.append(1)", None),
        ("seen = []; seen.append(1)", None),
        ("register('here')", "seen"),
        ("counts['x'] += 1", "counts"),
        ("del counts['x']", "counts"),
        ("global count; count += 1", "count"),
        ("self.cache['x'] = 1", "self.cache"),
        ("self.last = 1", "self.last"),
        ("Settings.depth = 2", "Settings.depth"),
    ],
)
def test_a_check_that_leaves_something_behind_is_found(body: str, changed: str | None, lint: Lint):
    """In a module, in the service or in a class; what is registered at import is not."""
    messages = [each.message for each in lint(STATEFUL.format(body=body)) if each.code == "R402"]
    assert [message.split()[3].rstrip(",") for message in messages] == ([changed] if changed else [])


OUTPUT = """
from attrs import evolve

import reglet

plugin = reglet.define_plugin(name="p", version="1.0.0", description="d")


@reglet.model
class Part:
    size: int = 0


@reglet.model
class Output:
    one: int
    other: int = 0
    parts: list[Part] = reglet.field(factory=list)


@plugin.service("s")
class Service:
    @reglet.operation()
    def check(self) -> Output:
        {body}
"""


@pytest.mark.parametrize(
    ("body", "unset"),
    [
        ("return Output(1, 2, [Part(3)])", []),
        ("return Output(1, parts=[Part(size=1)])", ["Output.other"]),
        ("return evolve(Output(1, parts=[Part(1)]), other=2)", []),
        ("return Output(1, 2, [Part()])", ["Part.size"]),
        ("return Output(**{'one': 1})", []),
        ("make = Output; return make(1)", []),
        ("return Output(1, 2)", ["Output.parts"]),
    ],
)
def test_an_output_that_is_never_set_is_found(body: str, unset: list[str], lint: Lint):
    """In nested models too; a class that is handed on is left alone."""
    messages = [each.message for each in lint(OUTPUT.format(body=body)) if each.code == "R203"]
    assert [message.split()[0] for message in messages] == unset


NESTED = """
import reglet

plugin = reglet.define_plugin(name="p", version="1.0.0", description="d")


@reglet.model
class Inner:
    a: int = 1


@reglet.model
class Input:
    tls: Inner = reglet.field({first}
        factory=Inner,
        description="d",
    ){last}


@plugin.service("s")
class Service:
    @reglet.operation(description="d")
    def check(self, request: Input) -> reglet.Result:
        return reglet.result_success("ok")
"""


@pytest.mark.parametrize("line", ["first", "last"])
def test_a_comment_on_any_line_of_the_statement_ignores(line: str, lint: Lint):
    """Beside other comments; of several codes each counts."""
    comment = {"first": "", "last": "", line: "  # noqa: X  # reglet: ignore[R105]"}
    assert codes(lint(NESTED.format(**comment))) == ["R202"]


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("# reglet: ignore[R105, R104]", "there is no R104 to ignore here"),
        ("# reglet: ignore[R105, R1O5]", "there is no 'R1O5'; did you mean \"R105\"?"),
        ("# reglet: ignore", "name what to ignore: # reglet: ignore[R105]"),
    ],
)
def test_a_comment_that_ignores_nothing_is_found(comment: str, message: str, lint: Lint):
    """A code that is none, one that is not found there, or no code."""
    found = lint(NESTED.format(first=f"  {comment}", last=""))
    assert [each.message for each in found if each.code == "R501"] == [message]


def test_a_project_ignores_codes(lint: Lint):
    """The others are found."""
    found = lint(NESTED.format(first="", last=""), '[tool.reglet.lint]\nignore = ["R105"]')
    assert codes(found) == ["R202"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('ignore = ["R1O5"]', "ignore: there is no 'R1O5'; did you mean \"R105\"?"),
        ('ignore = "R105"', "ignore is 'R105'; write ignore = [\"R105\"]"),
        ("ignores = []", 'has no ignores; write ignore = ["R105"]'),
    ],
)
def test_settings_that_mean_nothing_are_refused(table: str, message: str, lint: Lint):
    """The message has the value and what to write."""
    with pytest.raises(TargetError, match=re.escape(message)):
        lint(NESTED, f"[tool.reglet.lint]\n{table}")


def test_settings_that_are_no_table_are_refused(lint: Lint):
    """The message has the value and what to write."""
    with pytest.raises(TargetError, match=re.escape('lint is False; write lint.ignore = ["R105"]')):
        lint(NESTED, "[tool.reglet]\nlint = false")


def test_a_finding_of_the_manifest_has_its_place(lint: Lint):
    """The field's line, behind the message."""
    found = next(each for each in lint(NESTED.format(first="", last="")) if each.code == "R105")
    line = Path(found.file).read_text().splitlines()[found.line - 1]
    assert line.startswith("    tls: ")
    assert str(found).endswith(f"({found.file}:{found.line})")
