"""Built plugins on wazero, the engine of the Go hosts."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from reglet.infrastructure.host import Limits
from reglet.infrastructure.host.compiled_plugin import load_plugin
from reglet.sandbox import Sandbox
from tests.built_plugins import BuildExample, BuildSource
from tests.interop.go_host import GoHost
from tests.interop.probe import PROBE
from tests.looks import EVALUATE, EVALUATOR
from tests.patience import PATIENCE
from tests.tools.runtime.wasm_host import shared_runtime

pytestmark = pytest.mark.go

ECHO = {"operation": "echo", "text": "again"}


@pytest.fixture
def probe(built_source: BuildSource) -> Path:
    """Return the built probe."""
    return built_source(PROBE)


def _answer(report: dict[str, Any]) -> dict[str, Any]:
    (answer,) = report["answers"]
    assert isinstance(answer, dict)
    return answer


def test_every_export_answers(probe: Path, go_host: GoHost) -> None:
    """The manifest, a Result, and the older app's three."""
    report = go_host.run(probe, ECHO)
    older = {
        name: _answer(go_host.run(probe, ECHO, f"-call={name}")) for name in ("describe", "schema", "observe")
    }

    assert report["manifest"]["name"] == "probe"
    assert (_answer(report)["status"], _answer(report)["data"]) == ("success", {"text": "again"})
    assert older["describe"]["name"] == "probe"
    assert "operation" in older["schema"]["properties"]
    assert (older["observe"]["Status"], older["observe"]["Error"]) == (True, None)


def test_a_bad_config_is_a_result(probe: Path, go_host: GoHost) -> None:
    """An operation that does not exist is an error of type config, not a trap."""
    answer = _answer(go_host.run(probe, {"operation": "none"}))

    assert (answer["status"], answer["error"]["type"]) == ("error", "config")


@pytest.mark.parametrize("option", ["-interpreter", "-default-clock"])
def test_other_ways_to_run(probe: Path, go_host: GoHost, option: str) -> None:
    """Interpreted, and under wazero's fake clock and random source, the data is the same."""
    answer = _answer(go_host.run(probe, ECHO, option))

    assert (answer["status"], answer["data"]) == ("success", {"text": "again"})


def test_an_instance_can_go_on(probe: Path, go_host: GoHost) -> None:
    """Calls on one instance, none of which gives memory back, do not make it grow."""
    report = go_host.run(probe, ECHO | {"text": "x" * 20_000}, "-warm=1000")

    assert len(report["warm_ms"]) == 1000
    assert report["last_pages"] - report["first_pages"] <= 16


def test_host_functions_are_called(built_example: BuildExample, go_host: GoHost) -> None:
    """The HTTP example asks the host, and its Result has what the host answered."""
    answers = {"http_request": {"status_code": 204, "proto": "HTTP/1.1", "headers": {"X-A": ["b"]}}}
    config = {"url": "https://example.com", "expected_status": 204}

    report = go_host.run(built_example("http").path, config, answers=answers)

    assert [call["name"] for call in report["calls"]] == ["http_request"]
    assert report["calls"][0]["request"]["url"] == "https://example.com"
    assert (_answer(report)["status"], _answer(report)["data"]["status_code"]) == ("success", 204)


def test_what_belongs_to_a_run_is_renewed(probe: Path, go_host: GoHost) -> None:
    """Environment, random numbers and logging's clock are those of the run, not of the build."""
    report = go_host.run(probe, {"operation": "run"}, "-count=2", "-env=FROM_HOST=here")

    first, second = (answer["data"]["text"].split() for answer in report["answers"])
    assert (first[0], second[0]) == ("here", "here")
    assert first[1] != second[1]
    assert int(first[2]) > 1_700_000_000


def test_files_are_read_through_what_the_host_gives(probe: Path, go_host: GoHost, tmp_path: Path) -> None:
    """A directory that the host opens for the run is seen, though the build knew none."""
    (tmp_path / "file.txt").write_text("from the host")

    report = go_host.run(probe, {"operation": "read", "text": "/data/file.txt"}, f"-directory={tmp_path}")

    assert _answer(report)["data"]["text"] == "from the host"


def test_files_are_as_on_linux(built_source: BuildSource, go_host: GoHost, tmp_path: Path) -> None:
    """Times before 1970, an empty path, and reads that fail: the guest goes on with the number of the error."""
    (tmp_path / "d").mkdir()
    (tmp_path / "f").write_text("0123456789")
    os.utime(tmp_path / "f", ns=(-5_500_000_000, -1))
    space: dict[str, Any] = {}
    exec(EVALUATE, space)
    expressions = [
        "os.stat(T + '/f').st_mtime_ns, os.lstat(T + '/f').st_mtime",
        "opened(T + '/d', os.O_RDONLY, os.pread, 1, 0)",
        "opened(T + '/d', os.O_RDONLY, os.read, 1)",
        "opened(T + '/f', os.O_RDONLY, os.pread, 20, 3)",
        "os.listdir('')",
        "os.stat('')",
        "os.stat(T + '/f/')",
        "sorted((e.name, e.inode() == os.stat(e.path).st_ino) for e in os.scandir(T))",
    ]
    config = {"expressions": expressions, "folder": "/data"}

    report = go_host.run(built_source(EVALUATOR), config, f"-directory={tmp_path}")

    assert _answer(report)["data"] == {"found": space["evaluated"](expressions, str(tmp_path))}


def test_a_date_is_read(probe: Path, go_host: GoHost) -> None:
    """What the standard library imports out of sight is in the plugin that uses it."""
    answer = _answer(go_host.run(probe, {"operation": "date", "text": "01 February 2026"}))

    assert answer["data"]["text"] == "2026-02-01"


def test_a_sleep_takes_its_time(probe: Path, go_host: GoHost) -> None:
    """By the host's clock, and on wazero's fake one it ends."""
    asleep = _answer(go_host.run(probe, {"operation": "sleep"}))
    pretended = _answer(go_host.run(probe, {"operation": "sleep"}, "-default-clock"))

    assert 0.05 <= float(asleep["data"]["text"]) < PATIENCE
    assert pretended["status"] == "success"


def test_a_bug_keeps_its_traceback(probe: Path, go_host: GoHost) -> None:
    """A handler that raises is a Result of type panic, with the source line, and the instance goes on."""
    report = go_host.run(probe, {"operation": "bug"}, "-warm=3")

    error = _answer(report)["error"]
    assert error["type"] == "panic"
    assert "return {}[request.text]" in base64.b64decode(error["stack"]).decode()
    assert len(report["warm_ms"]) == 3


def test_an_import_that_comes_too_late_says_so(probe: Path, go_host: GoHost) -> None:
    """What was not imported in the build cannot be had, and the message says what takes its place."""
    answer = _answer(go_host.run(probe, {"operation": "late"}))

    assert "sqlite3 does not work in a plugin: use json or csv" in answer["error"]["message"]


PARTS = {
    "csv": ("list(csv.reader(['a,b']))", "[['a', 'b']]"),
    "decimal": ("decimal.Decimal('0.1') + decimal.Decimal('0.2')", "Decimal('0.3')"),
    "pickle": ("pickle.loads(pickle.dumps({'a': (1, 2)}))", "{'a': (1, 2)}"),
    "xml.etree.ElementTree": ("xml.etree.ElementTree.fromstring('<a><b>1</b></a>')[0].text", "'1'"),
    "zoneinfo": ("zoneinfo.ZoneInfo('UTC').key", "'UTC'"),
}
"""What parts of the interpreter are for that a plugin has if it imports them: an expression, and what it gives."""

PART = """
{imports}
import reglet

plugin = reglet.define_plugin(name="part", version="1.0.0", description="d")


@reglet.model
class Input:
    expression: str


@plugin.service("part")
class Part:
    @reglet.operation(description="Evaluate an expression")
    def check(self, request: Input) -> reglet.Result:
        return reglet.result_success("ok", {{"value": repr(eval(request.expression))}})
"""


@pytest.mark.parametrize("module", PARTS)
def test_a_part_that_is_imported_is_there(built_source: BuildSource, go_host: GoHost, module: str) -> None:
    """Alone, without the others; on wazero, and over the code that plugins share."""
    expression, value = PARTS[module]
    built = built_source(PART.format(imports=f"import {module}"))

    answer = _answer(go_host.run(built, {"expression": expression}))
    with Sandbox() as sandbox:
        result = sandbox.load(built).check({"expression": expression})

    assert (answer["status"], answer["data"]) == ("success", {"value": value})
    assert (result.status, result.data) == ("success", {"value": value})
    assert load_plugin(built.read_bytes(), "p", Limits(), shared_runtime()).shares_code


@pytest.mark.parametrize(
    "module", ["_csv", "_decimal", "_elementtree", "_pickle", "_socket", "_zoneinfo", "pyexpat"]
)
def test_a_part_that_is_not_imported_is_refused(
    built_source: BuildSource, go_host: GoHost, module: str
) -> None:
    """As a module that is not there; its code is left out."""
    built = built_source(PART.format(imports=""))

    answer = _answer(go_host.run(built, {"expression": f"__import__({module!r})"}))

    assert answer["error"]["message"] == (
        f"ModuleNotFoundError: No module named '{module}': a built plugin has only what was imported during "
        f"its build; {module} must be imported at the top of the plugin's module"
    )


def test_a_plugin_without_parts_is_smaller(built_source: BuildSource) -> None:
    """By what hosts need not compile."""
    without, with_all = (
        len(built_source(PART.format(imports=imports)).read_bytes())
        for imports in ("", "".join(f"import {module}\n" for module in PARTS))
    )

    assert without + 500_000 < with_all
