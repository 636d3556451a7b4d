"""Fakes, plugin tests, record and replay, audit: what a plugin's tests import."""

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
from reglet.testing.fakes import (
    FakeClock,
    FakeCommandRunner,
    FakeDNSResolver,
    FakeHTTPClient,
    FakeSMTPClient,
    FakeTCPDialer,
    UnexpectedCallError,
    bad_certificate,
    denied,
    not_found,
    refused,
    reset,
    timeout,
)
from reglet.testing.fakes.host import FakeHost
from reglet.testing.plugintest import TestCase, run_plugin_tests

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
    "TestCase",
    "UnexpectedCallError",
    "assert_data_field",
    "assert_error",
    "assert_failure",
    "assert_matches_schema",
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
