"""The conformance run: what each host would do with plugins of the Go toolchain, of ours, and broken ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reglet.cli import main
from reglet.testing.conformance import Host, Outcome, Report, verify
from tests.built_plugins import BuildExample
from tests.host.modules import DIAL, HEAD, SUCCESS, older_plugin, plugin

ROWS = 17
NEWER = (Host.SDK, Host.APP, Host.TACK)
OPERATION = {"name": "look", "description": "Looks", "examples": [{"name": "one", "input": {}}]}
FACTS = {
    "name": "by-hand",
    "version": "1.0.0",
    "description": "Looks",
    "services": {"eye": {"name": "eye", "description": "Looks", "operations": [OPERATION]}},
}
ERROR = b'{"status":"error","timestamp":"2026-01-01T00:00:00Z","error":{"type":"%s","code":"","message":"m"}}'
OLDER_FORM = """
 (func (export "describe") (result i64) (call $pack (i32.const 8192) (i32.const {0})))
 (func (export "schema") (result i64) (call $pack (i32.const 9216) (i32.const 2)))
 (func (export "observe") (param i32 i32) (result i64) (call $pack (i32.const 10240) (i32.const {1})))
 (data (i32.const 8192) "{2}") (data (i32.const 9216) "{{}}") (data (i32.const 10240) "{3}")
"""


def by_hand(
    observe: str = "", *, answer: bytes = ERROR % b"config", more: str = "", **facts: object
) -> Report:
    """Return the report on a plugin in the text format, whose manifest is changed."""
    manifest = json.dumps({**FACTS, **facts}).encode()
    return verify(plugin(observe, answer=answer, manifest=manifest, more=more), checks=30, configs=20)


def outcome(report: Report, subject: str, host: Host) -> Outcome:
    return next(row for row in report.rows if row.subject == subject).outcome(host)


def said(report: Report, subject: str) -> str:
    return "\n".join(each.message for row in report.rows if row.subject == subject for each in row.remarks)


def test_a_plugin_of_this_sdk_works_on_every_host(built_example: BuildExample):
    """In both forms and all dialects, and not one warning."""
    report = verify(built_example("http").path.read_bytes(), checks=30, configs=60)
    assert [row.remarks for row in report.rows if row.remarks] == []
    assert {row.outcome(host) for row in report.rows for host in row.hosts} == {Outcome.WORKS}
    assert report.figures.further_seconds > 0
    assert len(report.rows) == ROWS


@pytest.mark.long
@pytest.mark.parametrize("name", ["aws", "command", "dns", "file", "http", "smtp", "tcp"])
def test_every_example_works_on_every_host(name: str, built_example: BuildExample):
    """With 10,000 checks of one instance and 1,000 configs."""
    assert verify(built_example(name).path.read_bytes()).failing == ()


@pytest.mark.go
def test_a_plugin_of_go_works_where_an_operation_is_not_asked_for(go_module: Path):
    """It describes no operation, so one host has no command for it; the older app is told apart."""
    report = verify(go_module.read_bytes(), checks=30, configs=20)
    assert report.failing == (Host.TACK,)
    assert "the plugin has no operation" in said(report, "manifest")
    assert outcome(report, "older form", Host.OLDER_APP) is Outcome.NOT_FOR_IT


@pytest.mark.parametrize("content", [b"", b"\0asm\x0d\0\1\0", b"\0asm\1\0\0\0", b"PK\3\4"])
def test_what_is_no_plugin_fails_everywhere(content: bytes):
    """One row says why."""
    report = verify(content)
    assert [row.subject for row in report.rows] == ["loads"]
    assert set(NEWER) <= set(report.failing)


@pytest.mark.parametrize(
    ("observe", "text"),
    [
        ("unreachable", "it gave up"),
        ("(drop (i32.load (i32.const -4)))", "out of bounds"),
    ],
)
def test_a_trap_fails_on_every_host(observe: str, text: str):
    """Whatever the config is."""
    report = by_hand(observe)
    assert set(report.failing) == set(NEWER)
    assert text in said(report, "bad configs")


def test_a_plugin_that_takes_what_is_not_json_fails():
    """A success with a config that is none."""
    report = by_hand(answer=SUCCESS)
    assert outcome(report, "bad configs", Host.SDK) is Outcome.FAILS
    assert "which is not JSON, it is a success" in said(report, "bad configs")


def test_a_bug_is_no_error():
    """A Result of type panic is the plugin's own."""
    report = by_hand(answer=ERROR % b"panic")
    assert outcome(report, "random configs", Host.APP) is Outcome.FAILS
    assert "it has a bug" in said(report, "random configs")


def test_a_leak_ends_an_instance_that_is_kept():
    """A host that keeps one instance never gives its buffers back; the first checks look well."""
    report = by_hand("(if (i32.eq (memory.grow (i32.const 160)) (i32.const -1)) (then unreachable))")
    assert "is an error before any host call" in said(report, "dialects")
    assert outcome(report, "denials", Host.SDK) is Outcome.WORKS
    assert outcome(report, "one instance", Host.SDK) is Outcome.FAILS
    assert "check 26 of one instance" in said(report, "one instance")


def test_a_manifest_is_read_as_each_host_reads_it():
    """A name that is no folder's, a flag with two types, a field that is never sent, a pattern that is none."""
    report = by_hand(
        name="a b",
        config_schema={
            "type": "object",
            "properties": {"size": {"type": ["string", "null"]}, "output": {"type": "string"}},
            "required": ["output"],
        },
        capabilities={"fs": {"rules": [{"read": ["/a["]}]}},
    )
    assert outcome(report, "manifest", Host.APP) is Outcome.FAILS
    assert outcome(report, "manifest", Host.SDK) is Outcome.WORKS
    assert outcome(report, "schemas", Host.TACK) is Outcome.FAILS
    assert outcome(report, "schemas", Host.APP) is Outcome.WORKS
    assert "size has several types" in said(report, "schemas")
    assert "R101" in said(report, "schemas")
    assert outcome(report, "capabilities", Host.SDK) is Outcome.FAILS
    assert by_hand(config_schema={"type": 5}).failing == NEWER


SHORT_IS_AN_ERROR = """(if (i32.lt_u (local.get $n) (i32.const 60))
 (then (return (call $pack (i32.const 8192) (i32.const {})))))"""


def test_defaults_are_not_sent():
    """A plugin that leaves them to its host works on none that sends what the user gave alone."""
    error = ERROR % b"config"
    octets = "".join(f"\\{byte:02x}" for byte in error)
    schema = {"type": "object", "properties": {"depth": {"type": "string", "default": "d" * 40}}}
    report = by_hand(
        SHORT_IS_AN_ERROR.format(len(error)),
        answer=SUCCESS,
        more=f'(data (i32.const 8192) "{octets}")',
        config_schema=schema,
    )
    assert outcome(report, "defaults", Host.TACK) is Outcome.FAILS
    assert outcome(report, "defaults", Host.APP) is Outcome.NOT_FOR_IT
    assert "are not applied" in said(report, "defaults")


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"type": "integer", "minimum": "x"}}},
        {"properties": 5, "required": 5},
        {"properties": {"a": {"enum": 5, "examples": 5}}},
        {"properties": {"a": {"type": "integer", "minimum": -1e300, "maximum": 1e300}}},
        {"properties": {"a": True, "b": {"type": "array", "items": False}}, "required": ["a", "b", "c"]},
        {"$ref": "http://127.0.0.1:9/schema"},
    ],
)
def test_a_schema_that_is_none_is_a_finding(schema: dict[str, object]):
    """No schema of a foreign plugin ends the run, and none is fetched."""
    operation = {**OPERATION, "output_schema": schema}
    services = {"eye": {"name": "eye", "description": "Looks", "operations": [operation]}}
    report = by_hand(answer=SUCCESS, config_schema=schema, services=services)
    assert len(report.rows) == ROWS


def older(description: bytes, result: bytes) -> Report:
    text = "".join
    parts = (text(f"\\{byte:02x}" for byte in content) for content in (description, result))
    return by_hand(more=OLDER_FORM.format(len(description), len(result), *parts))


def test_the_older_form_is_held_to_its_own_records():
    """A description with capabilities, and a status that is a boolean."""
    description = b'{"name":"a","version":"1","description":"","capabilities":[]}'
    good = older(description, b'{"Status":true,"Timestamp":"2026-01-01T00:00:00Z"}')
    assert outcome(good, "older form", Host.OLDER_APP) is Outcome.WORKS
    for bad in (older(b"[]", b"{}"), older(description, SUCCESS), older(b"{", b"{")):
        assert outcome(bad, "older form", Host.OLDER_APP) is Outcome.FAILS
        assert bad.failing == (Host.OLDER_APP,)


def test_a_plugin_of_the_older_app_alone_is_asked_in_its_form():
    """Hosts of today have no use for it, which is no failure; where it traps, the older app fails."""
    evidence = b'{"Status":false,"Error":{"type":"config","code":"","message":"m"},"Timestamp":"2026-01-01T00:00:00Z"}'
    report = verify(older_plugin(evidence=evidence), checks=5, configs=20)
    assert report.failing == ()
    assert {row.outcome(host) for row in report.rows for host in NEWER} == {Outcome.NOT_FOR_IT}
    assert "it lacks _manifest and _observe" in said(report, "loads")
    for subject in ("bad configs", "denials", "random configs", "limits", "older form"):
        assert outcome(report, subject, Host.OLDER_APP) is Outcome.WORKS
    for broken in (
        older_plugin("unreachable"),
        older_plugin(evidence=b"[]"),
        older_plugin(description=b"{}"),
    ):
        assert verify(broken, checks=5, configs=5).failing == (Host.OLDER_APP,)


@pytest.mark.unmeasured
@pytest.mark.go
def test_an_older_plugin_of_go_works_on_the_older_app(older_go_module: Path):
    """Without a host call of its own where its file is not granted."""
    report = verify(older_go_module.read_bytes(), configs=50)
    assert report.failing == ()
    assert outcome(report, "one instance", Host.OLDER_APP) is Outcome.NOT_FOR_IT


DIALS = f"(drop (call $tcp (call $pack (i32.const 5120) (i32.const {len(DIAL)}))))"
LOOKUP = b'{"hostname":"h.test","type":"A"}'
ANY_HOST = {"network": {"rules": [{"hosts": ["*"], "ports": ["*"]}]}}


@pytest.mark.parametrize(("name", "message"), [("dns", "a plugin of the name dns is granted"), ("names", "")])
def test_a_name_that_tack_goes_by_is_remarked_on(name: str, message: str):
    """It grants what it finds in a config, and a hostname is not what it looks for."""
    operation = {**OPERATION, "examples": [{"name": "one", "input": {"hostname": "h.test"}}]}
    services = {"eye": {"name": "eye", "description": "Looks", "operations": [operation]}}
    facts = {**FACTS, "name": name, "services": services, "capabilities": ANY_HOST}
    octets = "".join(f"\\{byte:02x}" for byte in LOOKUP)
    module = plugin(
        f"(drop (call $tcp (call $pack (i32.const 8192) (i32.const {len(LOOKUP)}))))",
        head=HEAD.replace("tcp_connect", "dns_lookup"),
        more=f'(data (i32.const 8192) "{octets}")',
        manifest=json.dumps(facts).encode(),
    )
    report = verify(module, checks=1, configs=1)
    assert message in said(report, "grants")
    assert outcome(report, "grants", Host.TACK) is (Outcome.WARNING if message else Outcome.WORKS)
    assert outcome(report, "grants", Host.SDK) is Outcome.WORKS


@pytest.mark.parametrize(("name", "expected"), [("tcp", Outcome.WARNING), ("dials", Outcome.WORKS)])
def test_a_name_that_the_older_app_goes_by_is_remarked_on(name: str, expected: Outcome):
    """It grants a host without a port, which covers no connection."""
    capability = {"kind": "network", "pattern": "outbound:*"}
    description = json.dumps({"name": name, "version": "1", "capabilities": [capability]}).encode()
    schema = b'{"type":"object","properties":{"host":{"type":"string"}},"required":["host"]}'
    report = verify(older_plugin(DIALS, description=description, schema=schema), checks=1, configs=1)
    assert outcome(report, "grants", Host.OLDER_APP) is expected


def test_capabilities_that_do_not_cover_an_example_are_remarked_on():
    """On the hosts that can read what is asked."""
    report = by_hand(DIALS)
    assert outcome(report, "grants", Host.APP) is Outcome.WARNING
    assert "is denied network:h.test:22: its capabilities do not cover it" in said(report, "grants")
    assert said(by_hand(DIALS, capabilities=ANY_HOST), "grants") == ""


@pytest.mark.parametrize(
    ("schema", "host", "message"),
    [
        ({"a": {"type": "string", "pattern": "a(?=b)"}}, Host.APP, "Go cannot compile the pattern 'a(?=b)'"),
        ({"a": {"items": {"pattern": r"(a)\1"}}}, Host.APP, "properties.a.items.pattern: Go cannot compile"),
        ({"a": {"$ref": "http://127.0.0.1:9/schema"}}, Host.APP, "is another document"),
        ({"a": True}, Host.TACK, "properties.a is no object"),
    ],
)
def test_a_schema_is_compiled_and_made_flags_of_in_go(schema: dict[str, object], host: Host, message: str):
    """What JSON Schema allows is not all that hosts can read."""
    report = by_hand(config_schema={"type": "object", "properties": schema})
    assert [each for each in NEWER if outcome(report, "schemas", each) is Outcome.FAILS] == [host]
    assert message in said(report, "schemas")


def test_an_example_that_the_schema_refuses_is_never_run():
    """By the app, which validates configs first; one that is meant to be refused is right so."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
    for wanted, expected in (({}, Outcome.FAILS), ({"expected_error": "x"}, Outcome.WORKS)):
        example = {"name": "one", "input": {"b": 1}, **wanted}
        services = {"eye": {"name": "eye", "operations": [{**OPERATION, "examples": [example]}]}}
        report = by_hand(config_schema=schema, services=services)
        assert outcome(report, "examples", Host.APP) is expected
        assert outcome(report, "examples", Host.SDK) is Outcome.WORKS


def test_memory_that_grows_from_check_to_check_is_remarked_on():
    """Long before it is used up."""
    report = by_hand("(drop (memory.grow (i32.const 1)))")
    assert outcome(report, "one instance", Host.SDK) is Outcome.WARNING
    assert "grows by 65536 bytes a check" in said(report, "one instance")
    assert report.figures.last_memory > report.figures.first_memory


def test_the_command_prints_a_table_and_fails_where_a_host_would(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Status 0 where every host works, 1 where one would fail; what a guest says is on one line."""
    for name, observe, status in (("good", "", 0), ("bad", "unreachable", 1)):
        path = tmp_path / f"{name}.wasm"
        path.write_bytes(plugin(observe, answer=ERROR % b"config", manifest=json.dumps(FACTS).encode()))
        assert main(["verify", str(path), "--checks", "5", "--configs", "5"]) == status
        first, *lines = capsys.readouterr().out.splitlines()
        assert first.split() == ["Go", "host", "SDK", "Reglet", "app", "older", "app", "tack"]
        assert (
            [line for line in lines if line.startswith("bad configs: fails")] == [] if status == 0 else lines
        )
    assert main(["verify", str(path), "--json", "--checks", "5", "--configs", "5"]) == 1
    assert json.loads(capsys.readouterr().out)["failing"] == list(NEWER)
