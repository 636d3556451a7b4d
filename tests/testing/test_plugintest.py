"""Tables of cases, and examples as tests."""

import pytest

import reglet
from reglet.application import examples
from reglet.application.examples import Example
from reglet.domain.entities.result import result_success
from reglet.domain.errors import NetworkError
from reglet.testing import (
    ExampleFailed,
    FakeHTTPClient,
    TestCase,
    assert_data_field,
    examples_of,
    generate_example_tests,
    run_example,
    run_plugin_tests,
)
from reglet.testing.plugintest import PluginTestsFailed
from tests.testing.plugins import OK, REFUSED, FetchInput, FetchOutput, fetching

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


PAGE = examples.http(URL, body="hello")


@pytest.mark.parametrize("example", generate_example_tests(fetching(OK, REFUSED)))
def test_examples_pass_against_their_own_answers(example):
    """An example brings what the host answers; nothing else is needed."""
    run_example(example)


def test_every_example_has_a_name_of_its_own():
    """Service, operation and example name it; a host's routing fields are in its config."""
    cases = examples_of(fetching(OK, REFUSED))
    assert [case.id for case in cases] == ["web/fetch/ok", "web/fetch/refused"]
    assert cases[0].config == {"url": URL, "token": "", "service": "web", "operation": "fetch"}
    assert [parameters.id for parameters in generate_example_tests(fetching(OK))] == ["web/fetch/ok"]


def problems(*examples):
    """Return what is wrong with the only example."""
    [case] = examples_of(fetching(*examples))
    with pytest.raises(ExampleFailed) as caught:
        run_example(case)
    assert str(caught.value).startswith(f"example {case.id}:\n")
    return caught.value.problems


def test_an_output_that_differs_is_shown_field_by_field():
    """Every field that is wrong, with both values."""
    example = Example("x", FetchInput(URL), expected_output=FetchOutput(404, "bye"), answers=[PAGE])
    assert problems(example) == [
        "status_code: expected 404, got 200",
        'body: expected "bye", got "hello"',
    ]


def test_an_error_that_does_not_come_is_a_difference():
    """A success is not what was expected."""
    [problem] = problems(Example("x", FetchInput(URL), expected_error="boom", answers=[PAGE]))
    assert problem.startswith('expected error containing "boom", got success')


def test_an_error_that_nobody_expected_is_a_difference():
    """The error is told whole."""
    example = Example(
        "x",
        FetchInput(URL),
        expected_output=FetchOutput(200, ""),
        answers=[examples.http(URL, error="reset")],
    )
    [problem] = problems(example)
    assert problem.startswith("expected success, got error:")
    assert "reset by peer" in problem


def test_an_example_without_answers_says_which_call_has_none():
    """The network is not asked; the message names the call."""
    [problem] = problems(Example("x", FetchInput(URL), expected_output=FetchOutput(200, "")))
    assert problem.startswith(f"unexpected call: http method='GET' url='{URL}'")


def test_an_example_that_expects_nothing_only_has_to_run():
    """Without an output or an error, whatever comes is right."""
    [case] = examples_of(fetching(Example("x", FetchInput(URL), answers=[PAGE])))
    assert run_example(case).data == {"status_code": 200, "body": "hello"}


def test_clients_answer_in_place_of_the_examples_answers():
    """One fake may serve all examples."""
    http = FakeHTTPClient()
    http.on(URL).respond(body="hello")
    [case] = examples_of(
        fetching(Example("x", FetchInput(URL), expected_output=FetchOutput(200, "hello"))), http
    )
    run_example(case)
    http.assert_all_used()


def test_a_secret_reaches_the_handler_and_not_the_report():
    """The config that an example sends holds what the manifest redacts."""
    [case] = examples_of(fetching(Example("x", FetchInput(URL, token="hunter22"), answers=[PAGE])))
    assert case.config["token"] == "hunter22"
    assert "hunter22" not in repr(case)


@reglet.model
class Finding:
    name: str
    severity: str = "low"
    token: str = reglet.field(default="", secret=True)


@reglet.model
class Report:
    findings: list[Finding]
    worst: Finding | None = None
    by_name: dict[str, Finding] = reglet.field(factory=dict)


def reporting(expected):
    """A plugin whose one operation reports findings, and an example of what it expects."""
    plugin = reglet.define_plugin(name="reports", version="1.0.0", description="d")

    @plugin.service("s")
    class Service:
        @reglet.operation(examples=[Example("x", None, expected_output=expected)])
        def report(self) -> Report:
            found = Finding("a", "high", "s3cret")
            return Report([found], found, {"a": found})

    return plugin


def test_in_nested_models_too_only_the_fields_that_are_named_are_compared():
    """A field left at its default is not compared, in lists, objects and models inside."""
    named = Finding("a")
    [case] = examples_of(reporting(Report([named], named, {"a": named})))
    assert run_example(case).is_success


def test_a_difference_in_a_nested_model_has_its_path():
    """Not the whole of both objects."""
    [case] = examples_of(
        reporting(Report([Finding("b", token="x")], Finding("a", "low "), {"a": Finding("c")}))
    )
    with pytest.raises(ExampleFailed) as caught:
        run_example(case)
    assert caught.value.problems == [
        'findings.0.name: expected "b", got "a"',
        'worst.severity: expected "low ", got "high"',
        'by_name.a.name: expected "c", got "a"',
    ]
