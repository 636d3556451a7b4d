"""The fleet: every target once, whatever stops it, and a README that is true."""

from __future__ import annotations

import csv
import importlib.util
import json
import re
import shutil
import signal
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.built_plugins import BuildExample
from tests.documents.console import run_console_block
from tests.examples.test_projects import EXAMPLES
from tests.patience import comes_true

if TYPE_CHECKING:
    from distributed import Client

FLEET = EXAMPLES / "fleet"
Main = Callable[[list[str]], int]


@pytest.fixture(scope="module")
def main() -> Main:
    """The program."""
    spec = importlib.util.spec_from_file_location("fleet", FLEET / "fleet.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Main = module.main
    return found


@pytest.fixture
def folder(tmp_path: Path, built_example: BuildExample, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the tcp plugin in it."""
    shutil.copy(built_example("tcp").path, tmp_path / "tcp.wasm")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def port() -> Iterator[int]:
    """A port that can be reached, however often."""

    class Greeting(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(b"hello\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Greeting) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield server.server_address[1]
        server.shutdown()
        serving.join()


def targets(rows: list[tuple[object, ...]], head: tuple[str, ...] = ("host", "port")) -> str:
    """Write a CSV and return its name."""
    with Path("targets.csv").open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return "targets.csv"


def lines(results: str = "results.jsonl") -> list[dict[str, Any]]:
    """Return the results, by row."""
    read = [json.loads(line) for line in Path(results).read_text().splitlines()]
    return sorted(read, key=lambda line: line["row"])


def command(*more: str) -> list[str]:
    """Return the arguments of most runs."""
    return ["tcp.wasm", "targets.csv", "--allow", "127.0.0.1:*", "--processes", "1", *more]


def test_every_target_has_a_line_and_the_page_counts_them(
    main: Main, folder: Path, port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong with a target is its own error; the exit status is that of the worst."""
    targets([("127.0.0.1", port), ("127.0.0.1", "no <port>"), ("192.0.2.1", 80)])
    assert main(command()) == 2
    assert capsys.readouterr().out == "1 success, 0 failure, 2 error\n"
    reached, wrong, refused = lines()
    assert (reached["status"], reached["data"]["connected"]) == ("success", True)
    assert wrong["target"] == {"host": "127.0.0.1", "port": "no <port>"}
    assert refused["error"] == {"type": "capability", "code": "network:192.0.2.1:80"}
    page = Path("summary.html").read_text()
    assert "<h1>3 targets</h1>" in page
    assert "no &lt;port&gt;" in page
    assert "http" not in page
    assert not list(folder.glob("*.part"))


def test_a_run_goes_on_where_it_was(main: Main, folder: Path, port: int) -> None:
    """A line that was cut off is made anew, a whole one is not."""
    targets([("127.0.0.1", port), ("127.0.0.1", port), ("127.0.0.1", port)])
    assert main(command()) == 0
    first, *_ = whole = Path("results.jsonl").read_bytes().splitlines(keepends=True)
    Path("results.jsonl").write_bytes(first + whole[1][:20])
    assert main(command()) == 0
    assert Path("results.jsonl").read_bytes().startswith(first)
    assert [line["row"] for line in lines()] == [1, 2, 3]


def test_results_of_other_targets_are_refused(main: Main, folder: Path, port: int) -> None:
    """They would be taken for these."""
    targets([("127.0.0.1", port)])
    assert main(command()) == 0
    targets([("localhost", port)])
    with pytest.raises(SystemExit, match=r"row 1 of targets\.csv has another result"):
        main(command())


def test_a_killed_run_is_finished_by_the_next(main: Main, folder: Path, port: int) -> None:
    """Nothing is lost and nothing comes twice."""
    results, program = Path("results.jsonl"), [sys.executable, str(FLEET / "fleet.py"), *command()]
    for count in (400, 4000, 40_000):  # it may come to its end while the machine stands still here
        results.unlink(missing_ok=True)
        targets([("127.0.0.1", port)] * count)
        with subprocess.Popen(program) as process:
            comes_true(
                lambda: process.poll() is not None or (results.exists() and _whole_lines(results) > 20)
            )
            process.kill()
        if 20 < _whole_lines(results) < count:
            break
    assert process.returncode == -signal.SIGKILL
    assert main(command()) == 0
    assert [line["row"] for line in lines()] == list(range(1, count + 1))


def _whole_lines(results: Path) -> int:
    return results.read_bytes().count(b"\n")


def test_a_cluster_does_the_same(main: Main, folder: Path, port: int, cluster: Client) -> None:
    """With the plugin's real build, which goes to each worker once."""
    targets([("127.0.0.1", port)] * 20)
    arguments = [each for each in command() if each not in ("--processes", "1")]
    address = cluster.scheduler_info()["address"]
    assert main([*arguments, "--scheduler", address]) == 0
    assert [line["data"]["connected"] for line in lines()] == [True] * 20


def test_the_results_are_a_table_too(main: Main, folder: Path, port: int) -> None:
    """Where pyarrow is installed; what is JSON stays JSON."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is no dependency of the tests")
    targets([("127.0.0.1", port), ("127.0.0.1", "x")])
    assert main(command("--parquet", "results.parquet")) == 2
    rows = parquet.read_table("results.parquet").to_pylist()
    assert [row["status"] for row in sorted(rows, key=lambda row: row["row"])] == ["success", "error"]
    assert {json.loads(row["target"])["host"] for row in rows} == {"127.0.0.1"}


def test_the_commands_of_the_readme_do_what_it_says(tmp_path: Path) -> None:
    """Each of them, in its order."""
    for name in ("fleet", "tcp"):
        shutil.copytree(
            EXAMPLES / name,
            tmp_path / name,
            ignore=shutil.ignore_patterns("*.wasm", "*.jsonl", "__pycache__"),
        )
    blocks = re.findall(r"```console\n(.*?)```", (FLEET / "README.md").read_text(), re.DOTALL)
    assert len(blocks) == 3
    where = tmp_path / "fleet"
    for block in blocks:
        where = run_console_block(block, where)


@pytest.mark.long
def test_ten_thousand_targets(main: Main, folder: Path, port: int) -> None:
    """On every core."""
    targets([("127.0.0.1", port)] * 10_000)
    arguments = [each for each in command() if each not in ("--processes", "1")]
    assert main(arguments) == 0
    assert [line["row"] for line in lines()] == list(range(1, 10_001))
