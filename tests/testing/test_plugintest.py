"""Table tests for plugins."""

import pytest

from reglet.domain.entities.result import result_success
from reglet.domain.errors import NetworkError
from reglet.testing import FakeHTTPClient, TestCase, assert_data_field, run_plugin_tests
from reglet.testing.plugintest import PluginTestsFailed
from tests.testing.plugins import fetching

URL = "https://a.test/"


def http(status=200, body="hello"):
    """Return a client that knows one page."""
    fake = FakeHTTPClient()
    fake.on(URL).respond(status, body=body)
    return fake


def test_a_table_of_cases_passes():
    """Each way of expecting something is looked at."""
    run_plugin_tests(
        fetching(),
        [
            TestCase("status", {"url": URL}, expect_status="success"),
            TestCase("data", {"url": URL}, expect_data={"status_code": 200.0}),
            TestCase(
                "bytes",
                b'{"url": "https://a.test/"}',
                lambda result: assert_data_field(result, "body", "hello"),
            ),
            TestCase("no url", {}, expect_status="error", expect_error="url"),
            TestCase("no config", None, expect_status="error", expect_error="url"),
        ],
        clients=[http()],
    )


def test_a_failure_is_a_status_of_its_own():
    """What was checked and is not as it should be."""
    case = TestCase("ill", {"url": URL}, expect_status="failure", expect_data={"status_code": 500})
    run_plugin_tests(fetching(), [case], clients=[http(500)])


def test_every_case_that_fails_is_reported_with_its_reasons():
    """Not only the first case, and not only the first reason."""

    def grumble(result):
        raise AssertionError(f"I do not like {result.status}")

    cases = [
        TestCase("good", {"url": URL}),
        TestCase("wrong status", {"url": URL}, expect_status="error"),
        TestCase("wrong data", {"url": URL}, expect_data={"status_code": 404, "nothing": 1}),
        TestCase("no error", {"url": URL}, expect_error="boom"),
        TestCase("grumble", {"url": URL}, grumble),
        TestCase("no JSON", {"url": object()}),
    ]
    with pytest.raises(PluginTestsFailed) as caught:
        run_plugin_tests(fetching(), cases, clients=[http()])
    assert list(caught.value.failures) == ["wrong status", "wrong data", "no error", "grumble", "no JSON"]
    text = str(caught.value)
    assert text.startswith("5 of 6 cases failed:")
    assert "status_code: expected 404, got 200" in text
    assert 'missing field "nothing" in output' in text
    assert 'expected error containing "boom", got success' in text
    assert "I do not like success" in text


def test_a_plain_assert_without_a_message_is_explained():
    """A bare `assert` in validate still tells what the Result was."""

    def check_body(result):
        if result.data["body"] != "other":
            raise AssertionError

    with pytest.raises(PluginTestsFailed, match="check_body is not satisfied") as caught:
        run_plugin_tests(fetching(), [TestCase("x", {"url": URL}, check_body)], clients=[http()])
    assert '"body": "hello"' in str(caught.value)


def test_a_call_that_no_fake_expected_fails_its_case_even_where_an_error_is_expected():
    """A plugin that takes the fake's complaint for an error of the network does not hide it."""
    cases = [
        TestCase("other", {"url": "https://b.test/"}, expect_status="error"),
        TestCase("known", {"url": URL}),
    ]
    with pytest.raises(PluginTestsFailed, match="unexpected call") as caught:
        run_plugin_tests(fetching(), cases, clients=[http()])
    assert list(caught.value.failures) == ["other"]


class Raising:
    """A plugin of the author's own whose check raises."""

    def manifest(self, ctx):
        raise NotImplementedError

    def check(self, ctx, config):
        if config == b"{}":
            return result_success("ok")
        raise NetworkError("connect", "a.test", "on fire")


def test_an_error_that_a_plugin_raises_becomes_a_result():
    """As a host sees it."""
    run_plugin_tests(
        Raising(),
        [TestCase("ok"), TestCase("raised", {"a": 1}, expect_status="error", expect_error="on fire")],
    )


def test_pytest_leaves_the_table_alone():
    """TestCase is a record, not a class of tests."""
    assert TestCase.__test__ is False
