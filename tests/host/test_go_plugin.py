"""A plugin that the Go toolchain made, on our host: files, environment, clock, host functions."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta

import pytest

from reglet.domain.entities.grants import (
    EnvironmentCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
)
from reglet.domain.policy import Policy
from reglet.infrastructure.host.dispatcher import HostDispatcher, HostPorts
from reglet.sandbox import Limits, Sandbox
from reglet.testing.fake_host import FakeLog
from reglet.testing.fakes import FakeTCPDialer
from tests.host.requests import network

PATIENT = Limits(compile_time=timedelta(minutes=10))
"""What the Go toolchain makes is large, and busy machines take long to compile it."""

pytestmark = [
    pytest.mark.go,
    pytest.mark.skipif(shutil.which("go") is None, reason="the Go toolchain is not installed"),
]


def test_a_go_made_plugin_runs(go_module, tmp_path):
    """It sees what was granted, and nothing else."""
    folder = tmp_path.resolve()
    (folder / "seen.txt").write_text("hello")
    (folder / "hidden.txt").write_text("secret")
    grants = GrantSet(
        fs=FileSystemCapability([FileSystemRule(read=[str(folder / "seen.txt")])]),
        env=EnvironmentCapability(["REGION"]),
    ).merge(network("h.test", ports=("22",)))
    dialer, log = FakeTCPDialer(), FakeLog()
    dialer.on("h.test:22").respond().times(2)
    functions = HostDispatcher(HostPorts(tcp=dialer, log=log), Policy(grants))
    environment = {"REGION": "eu-1", "HOME": "/root"}
    began = datetime.now(UTC)
    with Sandbox(grants, functions=functions, environment=environment, limits=PATIENT) as sandbox:
        module = sandbox.load(go_module)
        assert module.manifest().name == "go-made"
        seen = module.check({"path": str(folder / "seen.txt"), "host": "h.test"})
        hidden = module.check({"path": str(folder / "hidden.txt"), "host": "other.test"})
    assert seen.is_success
    assert seen.data is not None
    assert (seen.data["content"], seen.data["region"], seen.data["home"]) == ("hello", "eu-1", "")
    assert seen.data["connection"]["connected"] is True
    assert began.year <= seen.data["year"] <= datetime.now(UTC).year
    assert hidden.data is not None
    assert hidden.data["content"] == ""
    assert "hidden.txt" in hidden.data["refusal"]
    assert hidden.data["connection"]["error"]["type"] == "capability"
    assert log.texts == ["INFO checking"] * 2


def test_a_go_made_plugin_is_kept_from_check_to_check(go_module):
    """One guest for many checks, its buffers given back."""
    with Sandbox(limits=PATIENT) as sandbox:
        module = sandbox.load(go_module)
        for _ in range(20):
            result = module.check({"path": "/none", "host": "h"}, fresh=False)
            assert result.is_success


def test_a_config_that_go_cannot_read_is_its_own_error(go_module):
    """The Result is the plugin's."""
    with Sandbox(limits=PATIENT) as sandbox:
        result = sandbox.load(go_module).check(b"nope")
    assert result.error is not None
    assert result.error.type == "config"
