"""The command on real projects and real modules: built, inspected, run against a server on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from reglet.cli import main
from reglet.cli.arguments import load_module
from reglet.sandbox import Dialect, GrantSet, native_functions
from tests.built_plugins import ROOT, BuildExample

HTTP = ROOT / "examples" / "http"


@pytest.fixture(name="module")
def _module(built_example: BuildExample) -> str:
    return str(built_example("http").path)


@pytest.fixture(name="page")
def _page(httpserver: HTTPServer) -> str:
    httpserver.expect_request("/page").respond_with_data("hello", content_type="text/plain")
    return httpserver.url_for("/page")


@pytest.fixture(name="grants")
def _grants(httpserver: HTTPServer, tmp_path: Path) -> str:
    path = tmp_path / "grants.json"
    rule = {"hosts": [httpserver.host], "ports": [str(httpserver.port)]}
    path.write_text(json.dumps({"network": {"rules": [rule]}}))
    return f"@{path}"


def write_plugin(folder: Path, source: str) -> Path:
    path = folder / "made.py"
    path.write_text(source)
    return path


def test_a_build_prints_its_file_and_digest_and_equals_the_last(
    module: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Stdout has the path and the digest, stderr a line a stage; the bytes are those of the other build."""
    output = tmp_path / "http.wasm"
    assert main(["build", str(HTTP), "-o", str(output)]) == 0
    streams = capsys.readouterr()
    path, digest = streams.out.splitlines()
    assert path == str(output)
    assert digest.startswith("sha256:")
    assert [line.split()[0] for line in streams.err.splitlines() if line.endswith(" ms")] == [
        "prepare",
        "restore",
        "import",
        "check",
        "snapshot",
        "write",
    ]
    assert output.read_bytes() == Path(module).read_bytes()


def test_check_tells_whether_a_file_is_what_its_source_builds_to(
    module: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """The same bytes have status 0, others status 1 and both digests, a missing file status 3."""
    other = tmp_path / "other.wasm"
    other.write_bytes(Path(module).read_bytes()[:-1])
    assert main(["build", str(HTTP), "--check", module]) == 0
    assert main(["build", str(HTTP), "--check", str(other)]) == 1
    assert capsys.readouterr().out.count("sha256:") == 3
    assert main(["build", str(HTTP), "--check", str(tmp_path / "none.wasm")]) == 3


def test_a_module_that_raises_shows_its_authors_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The last line is the cause, before it are the author's own lines; nothing is written."""
    source = write_plugin(tmp_path, "def compute():\n    return {}['missing']\n\nVALUE = compute()\n")
    assert main(["build", str(source), "-o", str(tmp_path / "made.wasm")]) == 3
    complaint = capsys.readouterr().err
    assert complaint.splitlines()[-1] == "reglet-plugin: made cannot be imported: KeyError: 'missing'"
    assert "return {}['missing']" in complaint
    assert "importlib" not in complaint
    assert [path.name for path in tmp_path.iterdir()] == ["made.py"]


def test_a_folder_that_is_no_plugin_and_an_output_that_cannot_be_written_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Each is one line with the fix."""
    assert main(["build", str(tmp_path)]) == 3
    assert main(["build", str(HTTP), "-o", str(tmp_path / "no" / "such" / "folder.wasm")]) == 3
    complaints = [line for line in capsys.readouterr().err.splitlines() if line.startswith("reglet-plugin: ")]
    assert "it has no pyproject.toml" in complaints[0]
    assert "choose another place with -o" in complaints[1]


def test_an_output_that_cannot_be_written_is_named_before_anything_is_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Nobody waits for a build to hear of it."""
    assert main(["build", str(HTTP), "-o", str(tmp_path / "no" / "x.wasm")]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert f"there is no folder {tmp_path / 'no'}; choose another place with -o" in line


def test_a_module_is_read_once(module: str, tmp_path: Path):
    """What is described, asked about and run are the same bytes, whatever becomes of the file meanwhile."""
    path = tmp_path / "swapped.wasm"
    path.write_bytes(Path(module).read_bytes())
    plugin = load_module(str(path))
    digest = plugin.digest
    path.write_bytes(b"another")
    assert plugin.manifest().name == "http"
    grants = GrantSet()
    with plugin.runner(grants, Dialect.ABI) as runner:
        result = runner.check(native_functions(grants), b'{"url": "http://127.0.0.1:9/"}')
    assert result.error is not None
    assert result.error.type == "capability"
    assert plugin.digest == digest


def test_inspect_of_a_source_says_what_to_inspect(capsys: pytest.CaptureFixture[str]):
    """It is no damaged module."""
    for target in (HTTP, HTTP / "src" / "http_plugin" / "plugin.py"):
        assert main(["inspect", str(target)]) == 3
        assert f"build it first with `reglet-plugin build {target}`" in capsys.readouterr().err


def test_an_error_of_a_definition_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The author's line stands above it, and the reason in our line alone."""
    source = write_plugin(tmp_path, "import reglet\n\np = reglet.define_plugin(name='made', version='one')\n")
    assert main(["manifest", str(source)]) == 3
    complaint = capsys.readouterr().err
    assert "p = reglet.define_plugin(" in complaint
    assert complaint.count("version 'one'") <= 1
    assert complaint.splitlines()[-1].startswith("reglet-plugin: made cannot be imported: ")


def test_an_interrupted_build_leaves_nothing(tmp_path: Path):
    """Ctrl-C while the plugin's module loops ends the build with 130 and no file."""
    source = write_plugin(tmp_path, "import reglet\n\nwhile True:\n    pass\n")
    command = [sys.executable, "-m", "reglet.cli", "build", str(source), "-o", str(tmp_path / "made.wasm")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while "restore" not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    complaint = process.communicate(timeout=300)[1]
    assert process.returncode == 130
    assert complaint.splitlines()[-1] == "reglet-plugin: interrupted"
    assert [path.name for path in tmp_path.iterdir()] == ["made.py"]


def test_a_module_runs_in_the_sandbox_with_its_grants(
    module: str, page: str, grants: str, capsys: pytest.CaptureFixture[str]
):
    """Granted it succeeds, with another expectation it fails, without the grant it is an error."""
    config = json.dumps({"url": page})
    wrong = json.dumps({"url": page, "expected_status": 404})
    assert main(["run", module, "--config", config, "--grants", grants, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["status_code"] == 200
    assert main(["run", module, "--config", wrong, "--grants", grants, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["data"]["status_code"] == 200
    assert main(["run", module, "--config", config, "--grants", "none", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["type"] == "capability"


def test_a_modules_recording_replays(
    module: str, page: str, grants: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """What a module was answered once is answered again without the server."""
    recording, config = str(tmp_path / "calls.json"), json.dumps({"url": page})
    assert main(["run", module, "--config", config, "--grants", grants, "--record", recording]) == 0
    capsys.readouterr()
    assert main(["run", module, "--config", config, "--replay", recording, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["status_code"] == 200


def test_what_is_no_module_is_refused_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Text, a component, and a core module that is no plugin are told apart."""
    files = {
        "text.wasm": (b"#!/bin/sh\n", "it is not WebAssembly"),
        "component.wasm": (b"\0asm\x0d\0\1\0", "it is a component"),
        "empty.wasm": (b"\0asm\1\0\0\0", "is not a Reglet plugin"),
    }
    for name, (content, reason) in files.items():
        path = tmp_path / name
        path.write_bytes(content)
        assert main(["run", str(path), "--grants", "none"]) == 3
        complaint = capsys.readouterr().err.splitlines()
        assert len(complaint) == 1
        assert reason in complaint[0]


def test_inspect_tells_sizes_host_functions_and_what_it_was_built_by(
    module: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A plugin that declares the network imports its functions and no other."""
    assert main(["inspect", module, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["host_functions"] == [
        "dns_lookup",
        "http_request",
        "log_message",
        "smtp_connect",
        "tcp_connect",
    ]
    assert facts["bytes"] == Path(module).stat().st_size
    assert facts["built"]["abi"] == "0.1.1"
    assert main(["inspect", module]) == 0
    assert facts["sha256"][:40] in capsys.readouterr().out
    assert main(["inspect", str(tmp_path / "none.wasm")]) == 3
    assert main(["inspect", str(HTTP / "pyproject.toml")]) == 3


def test_a_manifest_is_held_by_its_snapshot(module: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The module's manifest is the project's; a changed snapshot is shown as a difference."""
    snapshot = tmp_path / "manifest.json"
    assert main(["manifest", str(HTTP), "--write", str(snapshot)]) == 0
    assert main(["manifest", module, "--check", str(snapshot)]) == 0
    assert capsys.readouterr().out == ""
    snapshot.write_text(snapshot.read_text().replace('"http"', '"https"'))
    assert main(["manifest", module, "--check", str(snapshot)]) == 1
    assert '-  "name": "https"' in capsys.readouterr().out
    assert main(["manifest", module, "--check", str(tmp_path / "none.json")]) == 3


def test_a_persons_manifest_has_tables_and_capabilities(capsys: pytest.CaptureFixture[str]):
    """Config, operations and what is declared."""
    assert main(["manifest", str(HTTP)]) == 0
    shown = capsys.readouterr().out
    assert "url" in shown
    assert "network *" in shown


def test_docs_writes_the_page_it_prints(module: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """To stdout or to a file; of a project and of its module alike."""
    assert main(["docs", str(HTTP)]) == 0
    page = capsys.readouterr().out
    assert page.startswith("# http ")
    assert main(["docs", str(HTTP), "-o", str(tmp_path / "page.md")]) == 0
    assert (tmp_path / "page.md").read_text() == page
    assert main(["docs", module]) == 0
    assert capsys.readouterr().out == page
    assert main(["docs", str(HTTP), "-o", str(tmp_path / "no" / "page.md")]) == 3


def test_lint_has_a_line_for_each_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A plugin without operations has findings, as lines and as JSON."""
    source = "import reglet\nplugin = reglet.define_plugin(name='made', version='1', description='d')\n"
    target = str(write_plugin(tmp_path, source))
    assert main(["lint", target]) == 1
    assert capsys.readouterr().out.startswith("R002 error services: ")
    assert main(["lint", target, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["code"] == "R002"


def test_doctor_finds_everything_here(capsys: pytest.CaptureFixture[str]):
    """With every extra installed and the runtime made there is nothing to report."""
    assert main(["doctor"]) == 0
    assert "runtime" in capsys.readouterr().out


@pytest.mark.long
def test_a_first_run_compiles_nothing_that_the_build_compiled(page: str, grants: str, tmp_path: Path):
    """The runtime's code is kept once, whoever compiled it."""
    cache, module = tmp_path / "cache", tmp_path / "http.wasm"
    environment = {**os.environ, "REGLET_CACHE_DIR": str(cache)}
    command = [sys.executable, "-m", "reglet.cli"]
    subprocess.run([*command, "build", str(HTTP), "-o", str(module)], env=environment, check=True)
    compiled = sorted(path.name for path in (cache / "runtimes").iterdir())
    config = json.dumps({"url": page})
    subprocess.run(
        [*command, "run", str(module), "--config", config, "--grants", grants], env=environment, check=True
    )
    assert sorted(path.name for path in (cache / "runtimes").iterdir()) == compiled
    assert len(compiled) == 1
    assert not (cache / "compiled").exists()  # nothing but the runtime's code, and the plugin's memory


def test_a_file_without_any_grant_has_the_grants_to_paste(
    built_example: BuildExample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A guest that was given no directory refuses by itself: its Result names the path."""
    module, least = str(built_example("file").path), tmp_path / "least.json"
    run = ["run", module, "--config", '{"path": "/etc/hosts"}']
    assert main([*run, "--grants", "none", "--explain", "--write-grants", str(least)]) == 2
    complaint = capsys.readouterr().err.splitlines()
    assert "read /etc/hosts: denied, missing fs:read:/etc/hosts" in complaint
    assert "fs:read:/etc/hosts is declared by the plugin: --grants declared allows it" in complaint
    assert main([*run, "--grants", f"@{least}"]) == 0
