"""Plugins of the older app on our host: what they describe is a Manifest, their evidence a Result."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    NetworkCapability,
    NetworkRule,
)
from reglet.domain.entities.result import Result
from reglet.domain.policy import Policy
from reglet.domain.policy.network import PRIVATE_BLOCKS
from reglet.infrastructure.host.dispatcher import HostDispatcher, HostPorts
from reglet.infrastructure.host.older_form import grants_of
from reglet.sandbox import GuestAnswerError, NotAPluginError, Sandbox
from reglet.testing.fakes import FakeHTTPClient
from tests.built_plugins import BuildExample
from tests.host.modules import older_plugin, plugin
from tests.host.test_go_plugin import PATIENT


def check(**evidence: object) -> Result:
    """Return the Result of a plugin that answers with this evidence."""
    written = {"Status": False, "Error": None, "Timestamp": "2026-01-02T03:04:05Z", "Data": None, "Raw": None}
    answer = json.dumps(written | evidence).encode()
    with Sandbox() as sandbox:
        return sandbox.load(older_plugin(evidence=answer)).check({})


def test_a_description_and_a_schema_are_a_manifest():
    """Capabilities are grants; operations there are none."""
    description = {
        "name": "old",
        "version": "1.0",
        "description": "Looks",
        "sdk_version": "0.1.0-alpha",
        "min_host_version": "0.2.0",
        "capabilities": [{"kind": "network", "pattern": "outbound:53"}],
    }
    schema = {"type": "object", "properties": {"b": {}, "a": {}}}
    module = older_plugin(description=json.dumps(description).encode(), schema=json.dumps(schema).encode())
    with Sandbox() as sandbox:
        manifest = sandbox.load(module).manifest()
    assert (manifest.name, manifest.version, manifest.description) == ("old", "1.0", "Looks")
    assert (manifest.sdk_version, manifest.min_host_version) == ("0.1.0-alpha", "0.2.0")
    assert (manifest.config_schema, manifest.services) == (schema, {})
    assert manifest.capabilities == GrantSet(network=NetworkCapability([NetworkRule(["*"], ["53"])]))


def test_a_status_is_a_success_or_a_failure():
    """With its data and its timestamp."""
    assert check(Status=True, Data={"a": 1}) == Result(
        check(Status=True).status, data={"a": 1}, timestamp=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    )
    assert check(Status=True).is_success
    assert check().is_failure


def test_an_error_is_an_error_whatever_the_status_is():
    """Its type, code and data stay; keys may have any case, as in Go."""
    error = {"message": "refused", "type": "network", "code": "dial", "is_timeout": True}
    for status in (True, False):
        result = check(Status=status, Error=error, data={"port": 22})
        assert result.is_error
        assert (result.message, result.data) == ("refused", {"port": 22})
        assert result.error is not None
        assert (result.error.type, result.error.code, result.error.is_timeout) == ("network", "dial", True)


def test_what_is_raw_stands_among_the_data():
    """Unless the data has that name."""
    assert check(Raw="text").data == {"raw": "text"}
    assert check(Raw="text", Data={"raw": 5, "a": 1}).data == {"raw": 5, "a": 1}


def test_evidence_without_a_status_is_none():
    """The message names the field, and the export."""
    with Sandbox() as sandbox, pytest.raises(GuestAnswerError, match=r"observe gave no usable .*'status'"):
        sandbox.load(older_plugin(evidence=b'{"status":"success"}')).check({})


@pytest.mark.parametrize("call", ["description", "schema"])
def test_evidence_in_place_of_a_description_says_why(call: str):
    """The Go SDK answers so where the author's code fails."""
    evidence = b'{"Status":false,"Error":{"message":"no such table","type":"internal","code":""},"Data":null}'
    with Sandbox() as sandbox, pytest.raises(GuestAnswerError, match="no such table"):
        sandbox.load(older_plugin(**{call: evidence})).manifest()


def test_a_guest_is_kept_from_check_to_check():
    """As of any plugin."""
    with Sandbox() as sandbox:
        module = sandbox.load(older_plugin())
        assert [module.check({}, fresh=False).data for _ in range(3)] == [{"a": 1}] * 3


def test_a_module_with_neither_form_is_no_plugin():
    """What is missing is named: of today's form."""
    half = older_plugin().replace(b"schema", b"scheme")
    with Sandbox() as sandbox, pytest.raises(NotAPluginError, match="does not export _manifest, _observe"):
        sandbox.load(half)


def test_a_host_like_the_older_app_refuses_what_it_cannot_call():
    """A plugin of today alone."""
    with (
        Sandbox(dialect="older") as sandbox,
        pytest.raises(NotAPluginError, match="describe, schema, observe"),
    ):
        sandbox.load(plugin())


def test_a_plugin_with_both_forms_is_asked_in_the_older_one_where_the_host_is_the_older_app(
    built_example: BuildExample,
):
    """Which has no operations; the data is the same."""
    path = built_example("file").path
    config = {"path": "/etc/none"}
    with Sandbox() as newer, Sandbox(dialect="older") as older:
        assert older.load(path).manifest().services == {}
        assert newer.load(path).manifest().services
        results = [sandbox.load(path).check(config) for sandbox in (newer, older)]
    assert results[0].data == results[1].data
    assert results[0].metadata is not None
    assert results[1].metadata is None


@pytest.mark.parametrize(
    ("patterns", "grants"),
    [
        ([], GrantSet()),
        ([("network", "outbound:80, 443")], [NetworkRule(["*"], ["80", "443"])]),
        (
            [("network", "outbound:private"), ("network", "outbound:*")],
            [NetworkRule(["*", *PRIVATE_BLOCKS], ["*"])],
        ),
        ([("network", "outbound:private"), ("network", "inbound:80"), ("network", "*")], GrantSet()),
        (
            [("fs", "read:/etc/**"), ("fs", "write:/tmp/a"), ("fs", "read:/b"), ("fs", "/c")],
            GrantSet(fs=FileSystemCapability([FileSystemRule(["/etc/**", "/b"], ["/tmp/a"])])),
        ),
        ([("env", "AWS_*"), ("env", "A")], GrantSet(env=EnvironmentCapability(["AWS_*", "A"]))),
        ([("exec", "/bin/ls"), ("magic", "wand")], GrantSet(exec=ExecCapability(["/bin/ls"]))),
    ],
)
def test_patterns_are_grants(patterns: list[tuple[str, str]], grants: object):
    """What cannot be said in grants is not granted."""
    wanted = grants if isinstance(grants, GrantSet) else GrantSet(network=NetworkCapability(grants))  # type: ignore[arg-type]
    assert grants_of(patterns) == wanted


def test_private_addresses_want_their_own_pattern():
    """Loopback and private ones are then reached on the ports that are open; cloud metadata never is."""
    ports, private = ("network", "outbound:80"), ("network", "outbound:private")
    public, everything = Policy(grants_of([ports])), Policy(grants_of([ports, private]))
    assert public.network("example.com", 80)
    assert not public.network("127.0.0.1", 80)
    for address in ("127.0.0.1", "10.1.2.3", "192.168.0.1", "::1", "fd00::1"):
        assert everything.network(address, 80)
        assert not everything.network(address, 81)
    assert not everything.network("169.254.169.254", 80)


@pytest.mark.unmeasured
@pytest.mark.go
def test_an_older_plugin_of_go_runs(older_go_module: Path, tmp_path: Path):
    """It sees what was granted, asks the host, and its evidence comes back."""
    path = tmp_path.resolve() / "seen.txt"
    path.write_text("hello")
    http = FakeHTTPClient()
    http.on("http://example.com/").respond(204)
    grants = GrantSet(
        network=NetworkCapability([NetworkRule(["example.com"], ["80"])]),
        fs=FileSystemCapability([FileSystemRule([str(path)])]),
        env=EnvironmentCapability(["REGION"]),
    )
    functions = HostDispatcher(HostPorts(http=http), Policy(grants))
    with Sandbox(grants, functions=functions, environment={"REGION": "eu-1"}, limits=PATIENT) as sandbox:
        module = sandbox.load(older_go_module)
        manifest = module.manifest()
        seen = module.check({"path": str(path), "url": "http://example.com/"})
        other = module.check({"path": str(path), "wanted": "bye"})
        missing = module.check({"path": "/none"})
        denied = module.check({"path": str(path), "url": "http://other.test/"})
        unread = module.check(b"nope")
    assert manifest.name == "go-older"
    assert manifest.capabilities.fs == FileSystemCapability([FileSystemRule(["/etc/**"])])
    assert seen.is_success
    assert seen.data == {"size": 5, "region": "eu-1", "status_code": 204, "raw": "hello"}
    assert other.is_failure
    assert [each.error.type for each in (missing, denied, unread) if each.error] == [
        "fs",
        "capability",
        "config",
    ]
