"""What a plugin's tests import: fakes, table tests, examples as tests, record and replay, fuzzing.

The names are loaded when they are first used, so that pytest starts quickly in every project.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reglet.testing.assertions import (
        assert_data_field,
        assert_error,
        assert_failure,
        assert_matches_schema,
        assert_success,
    )
    from reglet.testing.examples import (
        ExampleCase,
        ExampleFailed,
        examples_of,
        generate_example_tests,
        run_example,
    )
    from reglet.testing.fakes.clock import FakeClock
    from reglet.testing.fakes.command import FakeCommandRunner
    from reglet.testing.fakes.dns import FakeDNSResolver
    from reglet.testing.fakes.failures import bad_certificate, denied, not_found, refused, reset, timeout
    from reglet.testing.fakes.host import FakeHost
    from reglet.testing.fakes.http import FakeHTTPClient
    from reglet.testing.fakes.routes import UnexpectedCallError
    from reglet.testing.fakes.smtp import FakeSMTPClient
    from reglet.testing.fakes.tcp import FakeTCPDialer
    from reglet.testing.fuzz import assert_never_traps
    from reglet.testing.plugintest import TestCase, run_plugin_tests
    from reglet.testing.recording import Recorder, Recording
    from reglet.testing.replay import Replay, ReplayMismatchError

_HOMES = {
    "assert_data_field": "reglet.testing.assertions",
    "assert_error": "reglet.testing.assertions",
    "assert_failure": "reglet.testing.assertions",
    "assert_matches_schema": "reglet.testing.assertions",
    "assert_success": "reglet.testing.assertions",
    "ExampleCase": "reglet.testing.examples",
    "ExampleFailed": "reglet.testing.examples",
    "examples_of": "reglet.testing.examples",
    "generate_example_tests": "reglet.testing.examples",
    "run_example": "reglet.testing.examples",
    "FakeClock": "reglet.testing.fakes.clock",
    "FakeCommandRunner": "reglet.testing.fakes.command",
    "FakeDNSResolver": "reglet.testing.fakes.dns",
    "bad_certificate": "reglet.testing.fakes.failures",
    "denied": "reglet.testing.fakes.failures",
    "not_found": "reglet.testing.fakes.failures",
    "refused": "reglet.testing.fakes.failures",
    "reset": "reglet.testing.fakes.failures",
    "timeout": "reglet.testing.fakes.failures",
    "FakeHost": "reglet.testing.fakes.host",
    "FakeHTTPClient": "reglet.testing.fakes.http",
    "UnexpectedCallError": "reglet.testing.fakes.routes",
    "FakeSMTPClient": "reglet.testing.fakes.smtp",
    "FakeTCPDialer": "reglet.testing.fakes.tcp",
    "assert_never_traps": "reglet.testing.fuzz",
    "TestCase": "reglet.testing.plugintest",
    "run_plugin_tests": "reglet.testing.plugintest",
    "Recorder": "reglet.testing.recording",
    "Recording": "reglet.testing.recording",
    "Replay": "reglet.testing.replay",
    "ReplayMismatchError": "reglet.testing.replay",
}

__all__ = [
    "ExampleCase",
    "ExampleFailed",
    "FakeClock",
    "FakeCommandRunner",
    "FakeDNSResolver",
    "FakeHTTPClient",
    "FakeHost",
    "FakeSMTPClient",
    "FakeTCPDialer",
    "Recorder",
    "Recording",
    "Replay",
    "ReplayMismatchError",
    "TestCase",
    "UnexpectedCallError",
    "assert_data_field",
    "assert_error",
    "assert_failure",
    "assert_matches_schema",
    "assert_never_traps",
    "assert_success",
    "bad_certificate",
    "denied",
    "examples_of",
    "generate_example_tests",
    "not_found",
    "refused",
    "reset",
    "run_example",
    "run_plugin_tests",
    "timeout",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
