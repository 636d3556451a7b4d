"""`run` in process: the real network on loopback, guarded by the grants of the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from reglet.cli import main
from tests.documents.console import ROOT
from tests.host.modules import older_plugin, plugin

HTTP = str(ROOT / "examples" / "http")


@pytest.fixture(name="page")
def _page(httpserver: HTTPServer) -> str:
    httpserver.expect_request("/page").respond_with_data("hello", content_type="text/plain")
    return json.dumps({"url": httpserver.url_for("/page")})


@pytest.fixture(name="grants")
def _grants(httpserver: HTTPServer, tmp_path: Path) -> str:
    rule = {"hosts": [httpserver.host], "ports": [str(httpserver.port)]}
    path = tmp_path / "grants.json"
    path.write_text(json.dumps({"network": {"rules": [rule]}}))
    return f"@{path}"


def test_a_granted_check_succeeds_and_prints_its_result_alone_on_stdout(
    page: str, grants: str, capsys: pytest.CaptureFixture[str]
):
    """With --json, stdout is the Result; who the plugin is goes to stderr."""
    assert main(["run", HTTP, "--config", page, "--grants", grants, "--json"]) == 0
    streams = capsys.readouterr()
    assert json.loads(streams.out)["data"]["status_code"] == 200
    assert "http 1.0.0" in streams.err


def test_a_person_sees_status_and_data(page: str, grants: str, capsys: pytest.CaptureFixture[str]):
    """Without --json the Result is drawn."""
    assert main(["run", HTTP, "--config", page, "--grants", grants]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("✔ success ok")
    assert "status_code" in shown


def test_explain_names_the_rule_that_allowed_each_call(
    page: str, grants: str, capsys: pytest.CaptureFixture[str]
):
    """Each host call has a line with what it was about."""
    main(["run", HTTP, "--config", page, "--grants", grants, "--explain"])
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("http_request GET ")]
    assert len(lines) == 1
    assert "allowed by network:" in lines[0]


def test_a_withheld_grant_is_an_error_that_names_it(page: str, capsys: pytest.CaptureFixture[str]):
    """The status is 2, the type capability, and the text says what to add."""
    assert main(["run", HTTP, "--config", page, "--grants", "none", "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["type"] == "capability"
    assert "network.rules" in error["message"]


def test_a_denial_has_the_grants_to_paste(page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """As a line of JSON, with which the next run is allowed."""
    assert main(["run", HTTP, "--config", page, "--grants", "none"]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("to allow what was")]
    path = tmp_path / "pasted.json"
    path.write_text(line.partition("--grants @FILE: ")[2])
    assert main(["run", HTTP, "--config", page, "--grants", f"@{path}"]) == 0


def test_a_denial_of_what_is_declared_names_the_way_to_grant_it(capsys: pytest.CaptureFixture[str]):
    """The plugin declares it, and the run was granted nothing."""
    config = '{"url": "http://host.test/"}'
    assert main(["run", HTTP, "--config", config, "--grants", "none"]) == 2
    assert (
        "network:host.test:80 is declared by the plugin: --grants declared allows it"
        in capsys.readouterr().err.splitlines()
    )


def test_the_least_grants_of_a_run_are_written(page: str, grants: str, tmp_path: Path):
    """Whether it was allowed or denied, they allow the next run and no more."""
    path = tmp_path / "least.json"
    for given in ("none", grants):
        main(["run", HTTP, "--config", page, "--grants", given, "--write-grants", str(path)])
        assert main(["run", HTTP, "--config", page, "--grants", f"@{path}"]) == 0
        (rule,) = json.loads(path.read_text())["network"]["rules"]
        assert rule["hosts"] in (["localhost"], ["127.0.0.1"])


def test_explain_names_files_and_masks_what_urls_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A file that was read has its line; a token in a URL is not shown."""
    config = json.dumps({"path": str(ROOT / "pyproject.toml")})
    main(["run", str(ROOT / "examples" / "file"), "--config", config, "--grants", "none", "--explain"])
    assert f"read {ROOT / 'pyproject.toml'}: denied, missing fs:read:" in capsys.readouterr().err
    url = json.dumps({"url": "http://user:hunter2@127.0.0.1:9/?token=abcdef&x=1"})
    main(["run", HTTP, "--config", url, "--grants", "none", "--explain"])
    streams = capsys.readouterr()
    assert "http_request GET http://127.0.0.1:9/?token=***&x=1: denied, missing " in streams.err
    assert "hunter2" not in streams.out + streams.err
    assert "abcdef" not in streams.out + streams.err


def test_problems_of_a_config_have_a_line_each(capsys: pytest.CaptureFixture[str]):
    """Below the status, with the path first, and once."""
    assert main(["run", HTTP, "--config", '{"timeout_seconds": 0}', "--grants", "none"]) == 2
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "⚠ error the config has 2 problems"
    assert [line.split(":")[0] for line in shown[1:3]] == ["  $.url", "  $.timeout_seconds"]
    assert "problems" not in "\n".join(shown[1:])


def test_a_wildcard_does_not_reach_this_machine(page: str):
    """What the plugin declares is any host, which is no address of this machine."""
    assert main(["run", HTTP, "--config", page, "--grants", "declared"]) == 2


def test_a_recording_replays_without_the_server(
    page: str, grants: str, httpserver: HTTPServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """What was recorded once answers again, though the server would not."""
    recording = str(tmp_path / "calls.json")
    assert main(["run", HTTP, "--config", page, "--grants", grants, "--record", recording]) == 0
    httpserver.clear_all_handlers()
    assert main(["run", HTTP, "--config", page, "--grants", grants, "--replay", recording, "--json"]) == 0
    shown = capsys.readouterr().out
    assert json.loads(shown[shown.index('{"timestamp') :])["data"]["status_code"] == 200


def test_a_replay_has_the_outcome_of_the_check_that_was_recorded(
    httpserver: HTTPServer, grants: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Headers with secrets keep what is none, and the replay says where it met a mask."""
    headers = {"Set-Cookie": "sid=s3cr3t-1; Secure", "Date": "Thu, 01 Jan 2026 00:00:00 GMT"}
    httpserver.expect_request("/page").respond_with_data("hello", headers=headers)
    config = json.dumps({"url": httpserver.url_for("/page")})
    run = ["run", HTTP, "--config", config, "--grants", grants, "--json"]
    recording = tmp_path / "calls.json"

    def outcome(*more: str) -> tuple[int, dict[str, object], str]:
        status = main([*run, *more])
        streams = capsys.readouterr()
        result = json.loads(streams.out.replace("s3cr3t-1", "***"))
        del result["timestamp"], result["metadata"], result["data"]["response_time_ms"]
        return status, result, streams.err

    status, made, _ = outcome("--record", str(recording))
    assert "s3cr3t-1" not in recording.read_text()
    assert "2026 00:00:00 GMT" in recording.read_text()
    replayed = outcome("--replay", str(recording))
    assert replayed[:2] == (status, made)
    assert "host call 1: headers.Set-Cookie.0" in replayed[2]


def test_a_replay_of_a_denied_check_is_denied_alike(
    page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A denial is an answer, which is recorded like others."""
    run = ["run", HTTP, "--config", page, "--grants", "none", "--json"]
    errors = []
    for how in ("--record", "--replay"):
        assert main([*run, how, str(tmp_path / "calls.json")]) == 2
        errors.append(json.loads(capsys.readouterr().out)["error"])
    assert errors[0] == errors[1]


def test_a_replay_that_differs_is_refused(
    page: str, grants: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Another URL than the recorded one is a difference, which shows both."""
    recording = str(tmp_path / "calls.json")
    main(["run", HTTP, "--config", page, "--grants", grants, "--record", recording])
    other = json.dumps({"url": json.loads(page)["url"] + "/other"})
    assert main(["run", HTTP, "--config", other, "--grants", grants, "--replay", recording]) == 1
    assert "/page/other" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--grants", "all"], "--grants all: use ask, declared, none or @FILE"),
        (["--grants", "@/no/such/file"], "No such file"),
        (["--config", "url=x"], "--config is not JSON"),
        (["--example", "nothing"], "there are: "),
        (["--example", "nothing", "--config", '{"a":1}'], "leave out --config"),
    ],
)
def test_an_argument_that_cannot_work_says_what_does(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
):
    """Each is a usage error in one line."""
    assert main(["run", HTTP, *arguments]) == 3
    complaint = capsys.readouterr().err.splitlines()[-1]
    assert complaint.startswith("reglet-plugin: ")
    assert text in complaint


@pytest.mark.parametrize(
    ("grants", "text"),
    [
        ('{"netwrk": {}}', "there is no 'netwrk' in a grant set; use network, fs, env, exec, kv"),
        ('{"network": {"rule": []}}', "there is no 'rule' in network; use rules"),
        (
            '{"network": {"rules": [{"host": ["a"]}]}}',
            "there is no 'host' in a rule of network; use hosts, ports",
        ),
        ('{"network": {"rules": [{"hosts": "a"}]}}', "GrantSet.network.rules[0]: field 'hosts'"),
        (
            '{"network": {"rules": [{"hosts": ["a"], "ports": [443]}]}}',
            'network.rules[0].ports has the number 443: write a string, ["443"]',
        ),
        (
            '{"network": {"rules": [{"hosts": ["https://u@a.test:8443/x"], "ports": ["443"]}]}}',
            'network.rules[0].hosts has the URL https://***@a.test:8443/x: write its host alone, ["a.test"]',
        ),
        ('{"env": {"vars": ["A"], "vars": ["B"]}}', "the name 'vars' stands twice in an object"),
        ("{", "the file is not JSON: Expecting property name"),
        ("[" * 100_000, "the file cannot be read: "),
    ],
    ids=lambda text: text[:30],
)
def test_grants_that_are_none_name_their_file(
    grants: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A kind that does not exist would grant nothing, so it is refused too."""
    path = tmp_path / "grants.json"
    path.write_text(grants)
    assert main(["run", HTTP, "--grants", f"@{path}"]) == 3
    complaint = capsys.readouterr().err.splitlines()[-1]
    assert f"--grants @{path}: " in complaint
    assert text in complaint


def test_grants_that_grant_nothing_are_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A host or a port that no request can have, and a rule without either."""
    path = tmp_path / "grants.json"
    rules = [{"hosts": ["a b"], "ports": ["https"]}, {"hosts": ["a"]}]
    path.write_text(json.dumps({"network": {"rules": rules}}))
    main(["run", HTTP, "--grants", f"@{path}", "--config", '{"url": "http://a"}'])
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: --grants")]
    for warning, text in zip(
        warnings,
        ["host 'a b' is neither", "pattern 'https' cannot be read", "[1] grants nothing"],
        strict=True,
    ):
        assert text in warning


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("g.yaml", "network:\n  rules:\n  - hosts: [localhost]\n    ports: ['*']\n"),
        ("g.toml", '[[network.rules]]\nhosts = ["localhost"]\nports = ["*"]\n'),
    ],
)
def test_grants_are_written_as_configs_are(name: str, content: str, page: str, tmp_path: Path):
    """The end of the file's name says in what."""
    path = tmp_path / name
    path.write_text(content)
    assert main(["run", HTTP, "--config", page, "--grants", f"@{path}"]) == 0
    path.write_text(content.replace("hosts", "host"))
    assert main(["run", HTTP, "--config", page, "--grants", f"@{path}"]) == 3


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""])
@pytest.mark.parametrize("end", [b"\r\n", b""])
def test_grants_come_from_a_file_of_any_system(
    mark: bytes, end: bytes, page: str, grants: str, tmp_path: Path
):
    """With a byte order mark and lines that end as on Windows."""
    path = tmp_path / "grants.json"
    content = Path(grants.removeprefix("@")).read_bytes().replace(b",", b"," + end)
    path.write_bytes(mark + content + end)
    assert main(["run", HTTP, "--config", page, "--grants", f"@{path}"]) == 0


@pytest.mark.parametrize(
    "grants", [b"null", b'{"fs": {"rules": [null]}}', b'{"fs": null}', b'{"env": {"vars": ["A\xff"]}}']
)
def test_grants_that_hosts_read_are_read_here(
    grants: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """What is null grants nothing, and a byte that is not UTF-8 stands for no letter: as in Go."""
    path = tmp_path / "grants.json"
    path.write_bytes(grants)
    assert main(["run", HTTP, "--grants", f"@{path}"]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("recording", "text"),
    [
        ('{"format": "reglet-recording", "version": 1}', 'the recording has no list of "calls"'),
        ('{"format": "reglet-recording", "version": 1, "calls": 3}', 'the recording has no list of "calls"'),
        ("[" * 100_000, "the recording cannot be read"),
    ],
    ids=["without calls", "calls that are none", "nested too deeply"],
)
def test_a_recording_that_is_none_names_its_file(
    recording: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """In one line."""
    path = tmp_path / "calls.json"
    path.write_text(recording)
    assert main(["run", HTTP, "--grants", "none", "--replay", str(path)]) == 3
    complaint = capsys.readouterr().err.splitlines()[-1]
    assert complaint.startswith(f"reglet-plugin: {path}: ")
    assert text in complaint


def test_a_field_that_the_plugin_lacks_is_warned_of(capsys: pytest.CaptureFixture[str]):
    """The parser passes it over, as the contract has it; who typed it hears of it."""
    main(["run", HTTP, "--config", '{"url": "x", "metod": "GET", "operation": "check"}', "--grants", "none"])
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    assert warnings == ["warning: the plugin has no field 'metod' in its config; did you mean 'method'?"]


def test_a_config_with_problems_tells_them_all(capsys: pytest.CaptureFixture[str]):
    """The status is 2 and every problem has its path."""
    assert main(["run", HTTP, "--config", '{"timeout_seconds": 0}', "--grants", "none", "--json"]) == 2
    problems = json.loads(capsys.readouterr().out)["error"]["details"]["problems"]
    assert [problem.split(" @ ")[1] for problem in problems] == ["$.url", "$.timeout_seconds"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("return {}", "the plugin's manifest() returned a dict; return a reglet.Manifest"),
        ("return nothing", "the plugin cannot describe itself: NameError: name 'nothing' is not defined"),
    ],
)
def test_a_class_of_ones_own_that_tells_no_manifest_is_told_why(
    body: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """The fault is the author's, and no line of ours is shown."""
    path = tmp_path / f"own_{len(body)}.py"
    path.write_text(
        "import reglet\n\n\nclass Own:\n"
        f"    def manifest(self, ctx):\n        {body}\n\n"
        "    def check(self, ctx, config):\n        return None\n\n\n"
        "reglet.register(Own())\n"
    )
    assert main(["run", str(path)]) == 3
    complaint = capsys.readouterr().err
    assert complaint.splitlines()[-1] == f"reglet-plugin: {text}"
    assert "places.py" not in complaint


def test_what_a_plugin_prints_is_no_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """At import and in the check it goes to stderr: stdout is the Result alone."""
    path = tmp_path / "talkative.py"
    path.write_text(
        "import reglet\nprint('imported')\n\n\nclass Talkative:\n"
        "    def manifest(self, ctx):\n        return reglet.Manifest(name='talkative', version='1')\n\n"
        "    def check(self, ctx, config):\n        print('checked')\n"
        "        return reglet.result_success('ok')\n\n\n"
        "reglet.register(Talkative())\n"
    )
    assert main(["run", str(path), "--json"]) == 0
    streams = capsys.readouterr()
    assert json.loads(streams.out)["message"] == "ok"
    assert {"imported", "checked"} <= set(streams.err.splitlines())


def test_a_target_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]):
    """A missing file says how to build it, a missing folder that it is missing."""
    assert main(["run", "nothing.wasm"]) == 3
    assert main(["run", "no/such/folder"]) == 3
    complaints = capsys.readouterr().err
    assert "reglet-plugin build" in complaints
    assert "no/such/folder" in complaints


WITHOUT_CLIENTS = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"httpx", "h2", "dns", "cryptography"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
from reglet.cli import main
from reglet.domain.entities.manifest import Manifest

sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("example", "config", "status", "says"),
    [
        ("file", {"path": str(ROOT / "pyproject.toml")}, 0, "readable"),
        ("dns", {"hostname": "host.test"}, 2, "dnspython is not installed; add it with: pip install"),
    ],
)
def test_a_package_is_asked_for_when_it_is_used(example: str, config: dict[str, str], status: int, says: str):
    """A plugin that uses no network runs without the packages for it; one that does is told which."""
    arguments = ["run", str(ROOT / "examples" / example), "--grants", "declared", "--json"]
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_CLIENTS, *arguments, "--config", json.dumps(config)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == status, ran.stderr
    assert says in ran.stdout


COUNTING = """\
from reglet import Context, define_plugin, model, operation

plugin = define_plugin(name="counting", version="1.0.0", description="Counts")
asked = 0


@model
class Output:
    times: int


@plugin.service("counter")
class Counter:
    @operation(description="Count")
    def count(self, ctx: Context) -> Output:
        global asked
        asked += 1
        return Output(asked)
"""


def test_a_check_that_leaves_something_in_its_module_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """With --reuse it runs again in the same instance; without, nobody sees it."""
    (tmp_path / "counting.py").write_text(COUNTING)
    target = str(tmp_path / "counting.py")
    assert main(["run", target, "--config", "{}", "--grants", "none"]) == 0
    assert main(["run", target, "--config", "{}", "--grants", "none", "--reuse"]) == 1
    assert "data.times: expected 2, got 3" in capsys.readouterr().out


@pytest.mark.parametrize("dialect", ["abi", "hostlib", "app"])
def test_a_check_fares_alike_on_a_host_of_every_dialect(
    dialect: str, page: str, grants: str, capsys: pytest.CaptureFixture[str]
):
    """A plugin speaks them all; what it is refused is of type capability in each."""
    for given, status in ((grants, 0), ("none", 2)):
        arguments = ["run", HTTP, "--config", page, "--grants", given, "--dialect", dialect, "--json"]
        assert main(arguments) == status
        result = json.loads(capsys.readouterr().out)
        if status:
            assert result["error"]["type"] == "capability"


def test_a_plugin_of_the_older_app_is_a_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """It runs, kept or not, and is inspected, described and found wanting an operation."""
    path = tmp_path / "older.wasm"
    path.write_bytes(older_plugin())
    check = ["run", str(path), "--config", "{}", "--grants", "none", "--json"]
    for options in ((), ("--reuse",), ("--dialect", "older")):
        assert main([*check, *options]) == 0
        result = json.loads(capsys.readouterr().out)
        assert (result["status"], result["data"]) == ("success", {"a": 1})
    assert main(["manifest", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "older"
    assert main(["inspect", str(path), "--json"]) == 0
    assert {"describe", "schema", "observe"} <= set(json.loads(capsys.readouterr().out)["exports"])
    assert main(["lint", str(path)]) == 1
    path.write_bytes(plugin())
    assert main([*check, "--dialect", "older"]) == 3
    assert "does not export describe, schema, observe" in capsys.readouterr().err


def test_an_example_that_is_run_for_real_obeys_what_is_said_of_the_host(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Its own answers are for a run that says nothing of the host; grants and recordings are never passed over."""
    example = ["run", HTTP, "--example", "basic"]
    recording, least = tmp_path / "calls.json", tmp_path / "least.json"
    assert main(example) == 0
    assert main([*example, "--grants", "none"]) == 2
    assert main([*example, "--record", str(recording), "--write-grants", str(least)]) == 2
    assert [call["function"] for call in json.loads(recording.read_text())["calls"]] == ["http_request"]
    assert json.loads(least.read_text())["network"]["rules"] == [{"hosts": ["example.com"], "ports": ["443"]}]
    assert main([*example, "--replay", str(recording)]) == 2
    assert "missing capability: network:example.com:443" in capsys.readouterr().out


def test_a_difference_is_reported_in_the_format_that_was_asked_for(
    page: str, grants: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A replay that differs, and an example that is not as it says: a failure in a document of that format."""
    recording = str(tmp_path / "calls.json")
    run = ["run", HTTP, "--grants", grants]
    main([*run, "--config", page, "--record", recording])
    capsys.readouterr()
    other = json.dumps({"url": json.loads(page)["url"] + "/other"})
    assert main([*run, "--config", other, "--replay", recording, "--format", "json"]) == 1
    assert "/page/other" in "\n".join(json.loads(capsys.readouterr().out)["differences"])
    plugin = tmp_path / "made_to_differ.py"
    plugin.write_text(
        "import reglet\n"
        "plugin = reglet.define_plugin(name='differ', description='d')\n"
        "@reglet.model\nclass In:\n    n: int = 1\n"
        "@reglet.model\nclass Out:\n    n: int\n"
        "@plugin.service('s')\nclass S:\n"
        "    @reglet.operation(examples=[reglet.Example('two', In(), expected_output=Out(2),\n"
        "        answers=[reglet.answers.dns('a.test', ['192.0.2.1'])])])\n"
        "    def check(self, request: In) -> Out:\n        return Out(request.n)\n"
    )
    assert main(["run", str(plugin), "--example", "two", "--format", "sarif"]) == 1
    (result,) = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert "n: expected 2, got 1" in result["message"]["text"]
