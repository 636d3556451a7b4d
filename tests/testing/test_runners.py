"""The same tests in each place that a plugin can run."""

import shutil
import sys
import tempfile

import pytest

from reglet.application import examples
from reglet.domain.entities.grants import FileSystemCapability, FileSystemRule, GrantSet
from reglet.testing import FakeHost, Recorder
from reglet.testing.go_runner import GoHostError, GoHostRunner
from reglet.testing.runners import runner_of
from tests.testing.plugins import fetching

EVERY_RUNNER = """
from reglet.testing import assert_data_field, assert_error

def test_ok(plugin_client, fake_host):
    fake_host.http.on("https://a.test/").respond(204)
    assert_data_field(plugin_client.check(url="https://a.test/"), "status_code", 204)
    assert [call.name for call in fake_host.calls] == ["http_request"]

def test_denied(plugin_client):
    assert_error(plugin_client.check(url="https://example.com/"), "example.com", type="capability")

def test_context(plugin):
    from reglet import Context, with_client
    from reglet.testing import FakeHTTPClient
    http = FakeHTTPClient()
    http.on("https://any.host/").respond(201)
    result = plugin.check(with_client(Context(), http), b'{"url": "https://any.host/"}')
    assert result.data == {"status_code": 201}

def test_time(plugin_client, fake_host):
    from datetime import UTC, datetime
    fake_host.set_time(datetime(2030, 5, 1, tzinfo=UTC))
    fake_host.http.on("https://a.test/").respond(200)
    assert plugin_client.check(url="https://a.test/").metadata.start_time == datetime(2030, 5, 1, tzinfo=UTC)

def test_replay(replay):
    assert replay("run.json").data == {"status_code": 201}

def test_imported():
    import importlib, sys
    from pathlib import Path
    from reglet.testing import FakeHost, FakeHTTPClient, TestCase, run_plugin_tests
    (module,) = (path.stem for path in Path().glob("fetch_*.py"))
    own = importlib.import_module(module).plugin
    http = FakeHTTPClient()
    http.on("https://a.test/").respond(202)
    run_plugin_tests(own, [TestCase("x", {"url": "https://a.test/"}, expect_data={"status_code": 202})], clients=[http])
    host = FakeHost.of(own)
    host.http.on("https://a.test/").respond(203)
    assert host.check(own, {"url": "https://a.test/"}).data == {"status_code": 203}
    from reglet.testing.runners import InProcessRunner, runner_of
    assert not isinstance(runner_of(own), InProcessRunner)
"""

RUNNER = """
import sys
import reglet


@reglet.model
class Input:
    text: str


@reglet.model
class Output:
    stdout: str


plugin = reglet.define_plugin(
    name="echo",
    description="Prints",
    capabilities=reglet.GrantSet(exec=reglet.ExecCapability(commands=["PYTHON"])),
)


@plugin.service("s")
class Service:
    @reglet.operation(examples=[reglet.Example("hi", Input("hi"), expected_output=Output("hi"))])
    def echo(self, ctx: reglet.Context, request: Input) -> Output:
        command = reglet.CommandRequest("PYTHON", ["-c", "import sys; sys.stdout.write(sys.argv[1])", request.text])
        return Output(ctx.client(reglet.CommandRunner).run(command).stdout)
"""


REPLAYED = """
def test_replay(replay):
    assert replay("run.json").data == {"status_code": 201}
"""


def record(project):
    """Record a check of another plugin that makes the same call."""
    plugin = fetching()
    recorder = Recorder(FakeHost.of(plugin, examples.http("https://a.test/", status_code=201)))
    runner_of(plugin).check(recorder, b'{"url": "https://a.test/"}')
    recorder.recording(config={"url": "https://a.test/"}).save(project.folder / "run.json")


def modules(project):
    """Return when each built module was written, by name."""
    built = (project.folder / ".pytest_cache" / "d" / "reglet").glob("*.wasm")
    return {path.name: path.stat().st_mtime_ns for path in built}


def test_the_sandbox_runs_what_was_built_and_builds_again_only_what_changed(project):
    """The fakes answer the module, its capabilities are enforced, and one build serves many runs."""
    project.make()
    record(project)
    project.test(EVERY_RUNNER)
    project.run("--reglet-place=sandbox").assert_outcomes(passed=8)
    first = modules(project)
    assert len(first) == 1
    project.run("--reglet-place=sandbox").assert_outcomes(passed=8)
    assert modules(project) == first
    source = project.folder / f"{project.module}.py"
    source.write_text(source.read_text() + "\nCHANGED = True\n")
    project.run("--reglet-place=sandbox").assert_outcomes(passed=8)
    assert modules(project).keys() == first.keys()
    assert modules(project) != first


def test_without_a_cache_nothing_that_was_built_remains(project, tmp_path, monkeypatch):
    """It lies in a temporary folder while the tests run."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    project.make()
    project.run("--reglet-place=sandbox", "-p", "no:cacheprovider").assert_outcomes(passed=2)
    assert list(temporary.glob("reglet-built-*")) == []


@pytest.mark.go
@pytest.mark.skipif(shutil.which("go") is None, reason="the Go toolchain is not installed")
def test_the_go_host_runs_the_same_tests(project):
    """On wazero, with the same fakes."""
    project.make()
    record(project)
    project.test(EVERY_RUNNER)
    project.run("--reglet-place=go").assert_outcomes(passed=8)


def test_the_real_host_answers_natively_within_what_is_declared(project):
    """A program is really run, and a test's fakes are not asked."""
    project.make()
    (project.folder / f"{project.module}.py").write_text(RUNNER.replace("PYTHON", sys.executable))
    project.test(
        """
def test_real(plugin_client, fake_host):
    fake_host.command.on("*").respond("from the fake")
    assert plugin_client.check(text="real").data == {"stdout": "real"}
"""
    )
    project.run("--reglet-place=native").assert_outcomes(passed=2)


def test_a_symlink_to_a_shell_does_not_run_under_a_wildcard_natively(project):
    """The policy is asked about the file behind a harmless name, as in the sandbox."""
    project.make()
    (project.folder / "echo").symlink_to("/bin/sh")
    source = RUNNER.replace('"PYTHON"]', '"**"]').replace("PYTHON", "echo")
    (project.folder / f"{project.module}.py").write_text(source)
    project.test(
        """
import os
from reglet.testing import assert_error

def test_denied(plugin_client, monkeypatch):
    monkeypatch.setenv("PATH", os.getcwd())
    assert_error(plugin_client.check(text="ran"), "a pattern with wildcards is not enough", type="capability")
"""
    )
    project.run("--reglet-place=native", "test_it.py").assert_outcomes(passed=1)


def test_a_recording_answers_in_place_of_the_real_host(project):
    """Playing back is the same in every runner."""
    project.make()
    record(project)
    project.test(REPLAYED)
    project.run("--reglet-place=native", "test_it.py").assert_outcomes(passed=1)


def test_a_runner_without_its_tools_says_what_it_needs(tmp_path):
    """The message names the toolchain that is not there."""
    with pytest.raises(GoHostError, match="needs the Go toolchain, and there is no go-of-no-name"):
        GoHostRunner(tmp_path / "no.wasm", GrantSet(), tmp_path, toolchain="go-of-no-name")


@pytest.mark.go
@pytest.mark.skipif(shutil.which("go") is None, reason="the Go toolchain is not installed")
def test_a_module_that_is_none_ends_the_go_host_with_its_reason(tmp_path):
    """What the host said is in the error."""
    (tmp_path / "no.wasm").write_bytes(b"nothing")
    grants = GrantSet(fs=FileSystemCapability([FileSystemRule(read=[f"{tmp_path}/**"])]))
    with (
        GoHostRunner(tmp_path / "no.wasm", grants, tmp_path) as host,
        pytest.raises(GoHostError, match="magic"),
    ):
        host.check(None, b"{}")


@pytest.mark.parametrize("place", ["fakes", "sandbox"])
def test_what_a_check_leaves_in_its_module_is_found(project, place):
    """Some hosts use an instance again, where the next check meets it."""
    project.make()
    source = project.folder / f"{project.module}.py"
    counting = source.read_text("utf-8").replace("plugin = reglet", "SEEN = []\n\nplugin = reglet")
    counting = counting.replace(
        "        return Output(", "        SEEN.append(1)\n        return Output(len(SEEN) + "
    )
    project.test(
        """
def test_it(plugin_client, fake_host):
    fake_host.http.on("https://a.test/").respond(200)
    plugin_client.check(url="https://a.test/")
"""
    )
    project.run(f"--reglet-place={place}", "--reglet-reuse", "test_it.py").assert_outcomes(passed=1)
    source.write_text(counting)
    sys.modules.pop(project.module, None)
    result = project.run(f"--reglet-place={place}", "--reglet-reuse", "test_it.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*second check in the same instance answers otherwise*", "*data.status_code: expected 201, got 20*"]
    )
