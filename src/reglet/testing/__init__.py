"""What a plugin's tests import: fakes, table tests, examples as tests, record and replay, audit, fuzzing.

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
    from reglet.testing.audit import AuditReport, audit_plugin
    from reglet.testing.examples import (
        ExampleCase,
        ExampleFailed,
        examples_of,
        generate_example_tests,
        run_example,
    )
    from reglet.testing.fakes.connections import FakeSMTPClient, FakeTCPDialer
    from reglet.testing.fakes.dns import FakeDNSResolver
    from reglet.testing.fakes.exec import FakeCommandRunner
    from reglet.testing.fakes.host import FakeHost
    from reglet.testing.fakes.http import FakeHTTPClient
    from reglet.testing.fakes.routes import (
        FakeClock,
        UnexpectedCallError,
        bad_certificate,
        denied,
        not_found,
        refused,
        reset,
        timeout,
    )
    from reglet.testing.plugintest import TestCase, run_plugin_tests
    from reglet.testing.recording import Recorder, Recording, Replay, ReplayMismatchError
    from reglet.testing.strategies import assert_never_traps

_HOMES = {
    name: module
    for module, names in {
        "reglet.testing.assertions": (
            "assert_data_field",
            "assert_error",
            "assert_failure",
            "assert_matches_schema",
            "assert_success",
        ),
        "reglet.testing.audit": ("AuditReport", "audit_plugin"),
        "reglet.testing.examples": (
            "ExampleCase",
            "ExampleFailed",
            "examples_of",
            "generate_example_tests",
            "run_example",
        ),
        "reglet.testing.fakes.dns": ("FakeDNSResolver",),
        "reglet.testing.fakes.exec": ("FakeCommandRunner",),
        "reglet.testing.fakes.host": ("FakeHost",),
        "reglet.testing.fakes.http": ("FakeHTTPClient",),
        "reglet.testing.fakes.routes": (
            "FakeClock",
            "UnexpectedCallError",
            "bad_certificate",
            "denied",
            "not_found",
            "refused",
            "reset",
            "timeout",
        ),
        "reglet.testing.fakes.connections": ("FakeSMTPClient", "FakeTCPDialer"),
        "reglet.testing.strategies": ("assert_never_traps",),
        "reglet.testing.plugintest": ("TestCase", "run_plugin_tests"),
        "reglet.testing.recording": ("Recorder", "Recording", "Replay", "ReplayMismatchError"),
    }.items()
    for name in names
}

__all__ = [
    "AuditReport",
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
    "audit_plugin",
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
