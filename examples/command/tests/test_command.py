"""The command plugin, as a host calls it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reglet import Plugin
from reglet.testing import (
    FakeHost,
    TestCase,
    assert_data_field,
    assert_error,
    assert_failure,
    assert_matches_schema,
    assert_never_traps,
    assert_success,
    denied,
    not_found,
    run_plugin_tests,
    timeout,
)


def test_arguments_are_passed_as_they_stand(plugin: Plugin, fake_host: FakeHost) -> None:
    """No shell takes them apart."""
    fake_host.command.on("/bin/echo", ["a b", "$HOME"]).respond("a b $HOME\n")
    run_plugin_tests(
        plugin,
        [
            TestCase(
                "program",
                {"command": "/bin/echo", "args": ["a b", "$HOME"]},
                expect_status="success",
                expect_data={"command": "/bin/echo", "stdout": "a b $HOME\n", "exit_code": 0},
            )
        ],
        clients=[fake_host],
    )


def test_a_line_goes_to_the_shell_whole(plugin: Plugin, fake_host: FakeHost) -> None:
    """Which is granted by name."""
    fake_host.command.on("/bin/sh", ["-c", "echo $HOME | wc -l"]).respond("1\n")
    result = fake_host.check(plugin, {"run": "echo $HOME | wc -l"})
    assert_data_field(result, "command", "/bin/sh")
    assert_data_field(result, "stdout", "1\n")


def test_directory_and_environment_reach_the_program(plugin: Plugin, fake_host: FakeHost) -> None:
    """A value may have an equals sign in it."""
    fake_host.command.on("/bin/sh", dir="/srv", env={"LC_ALL": "1=2", "LANG": ""}).respond()
    config = {"command": "/bin/sh", "dir": "/srv", "env": ["LC_ALL=1=2", "LANG="]}
    assert_success(fake_host.check(plugin, config))


@pytest.mark.parametrize("text", ["A", "=1", ""])
def test_a_variable_without_a_name_is_refused_and_not_shown(
    plugin: Plugin, fake_host: FakeHost, text: str
) -> None:
    """It may be a secret in the wrong place."""
    result = fake_host.check(plugin, {"command": "/usr/bin/env", "env": ["A=1", text]})
    assert_error(result, "env[1]", type="config")


def test_an_exit_code_is_data(plugin: Plugin, fake_host: FakeHost) -> None:
    """Status failure without an error: `data.exit_code == 3` can still pass in a profile."""
    fake_host.command.on("/bin/false").respond(exit_code=3)
    result = fake_host.check(plugin, {"command": "/bin/false"})
    assert_failure(result)
    assert result.error is None
    assert_data_field(result, "exit_code", 3)
    assert_success(fake_host.check(plugin, {"command": "/bin/false", "expected_exit": 3}))


def test_all_that_is_not_as_expected_is_said(plugin: Plugin, fake_host: FakeHost) -> None:
    """Not only the last."""
    fake_host.command.on("/bin/false").respond("no", exit_code=1)
    result = fake_host.check(plugin, {"command": "/bin/false", "expected_output": "yes"})
    assert_failure(result)
    assert (
        result.message == "Exit code mismatch: expected 0, got 1; Output mismatch: expected 'yes' in stdout"
    )


def test_running_out_of_time_is_a_failure(plugin: Plugin, fake_host: FakeHost) -> None:
    """The time limit reaches the host."""
    fake_host.command.on("/bin/sleep").fail(timeout(timedelta(seconds=5)))
    result = fake_host.check(plugin, {"command": "/bin/sleep", "args": ["60"], "timeout_seconds": 5})
    assert_failure(result)
    assert_data_field(result, "is_timeout", expected=True)


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({}, "either 'run' or 'command' must be specified"),
        ({"run": "true", "command": "true"}, "cannot specify both 'run' and 'command'"),
    ],
)
def test_one_of_run_and_command_is_needed(
    plugin: Plugin, fake_host: FakeHost, config: dict[str, str], text: str
) -> None:
    """Nothing is run otherwise."""
    assert_error(fake_host.check(plugin, config), text, type="config")


def test_arguments_of_a_line_are_refused(plugin: Plugin, fake_host: FakeHost) -> None:
    """They would be lost: the shell gets the line alone."""
    result = fake_host.check(plugin, {"run": "echo a", "args": ["b"]})
    assert_error(result, "args", type="config")


def test_a_program_that_cannot_be_started_is_an_error(plugin: Plugin, fake_host: FakeHost) -> None:
    """Its kind stays."""
    fake_host.command.on("/bin/ls").fail(not_found())
    assert_error(fake_host.check(plugin, {"command": "/bin/ls"}), "execution failed", type="exec")


def test_what_was_not_granted_is_an_error(plugin: Plugin, fake_host: FakeHost) -> None:
    """The user learns what to grant."""
    fake_host.command.on("/bin/echo").fail(denied())
    assert_error(fake_host.check(plugin, {"command": "/bin/echo"}), "exec", type="capability")


def test_every_documented_field_is_there(plugin: Plugin, fake_host: FakeHost) -> None:
    """And none is null."""
    fake_host.command.on("/bin/true").respond()
    result = fake_host.check(plugin, {"command": "/bin/true"})
    schema = plugin.manifest(fake_host.context()).services["execution"].operations[0].output_schema
    assert schema is not None
    assert_matches_schema(result, schema)
    assert result.data is not None
    assert set(result.data) == set(schema["properties"])


def test_it_never_traps(plugin: Plugin) -> None:
    """Whatever config a host sends, there is a Result and no bug."""
    assert_never_traps(plugin, max_examples=5)
