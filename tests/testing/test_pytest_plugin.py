"""The pytest plugin, run on projects of its own."""

import json
import subprocess
import sys
from xml.etree import ElementTree as ET

from reglet.testing.recording import RecordedCall, Recording


def test_examples_run_with_no_test_code_at_all(project):
    """A project that only has a plugin has tests."""
    project.make()
    result = project.run("-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["*pyproject.toml::web/fetch/ok PASSED*", "*pyproject.toml::web/fetch/gone PASSED*"]
    )


def test_examples_run_beside_the_tests_of_testpaths(project):
    """A project that says where its tests are still has its examples run, and can leave them out."""
    project.make(project='[tool.pytest.ini_options]\ntestpaths = ["tests"]\n')
    project.test("def test_one():\n    pass\n", "tests/test_one.py")
    project.run().assert_outcomes(passed=3)
    project.run("-m", "not reglet_example").assert_outcomes(passed=1, deselected=2)
    project.run("pyproject.toml::web/fetch/ok").assert_outcomes(passed=1)


def test_the_report_of_junit_names_the_place_of_each_test(project):
    """A reader of reports from several places can tell them apart."""
    project.make()
    project.run("--junitxml=report.xml").assert_outcomes(passed=2)
    cases = list(ET.parse(project.folder / "report.xml").iter("testcase"))
    assert [case.get("name") for case in cases] == ["web/fetch/ok", "web/fetch/gone"]
    assert [case.find("properties/property[@name='place']").get("value") for case in cases] == ["fakes"] * 2


def test_an_example_that_fails_shows_what_differs_and_nothing_else(project):
    """No frame of the kit stands between the author and the difference."""
    project.make(status=500)
    result = project.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["example web/fetch/gone:", "  status_code: expected 500, got 404"])
    result.stdout.no_fnmatch_line("*run_example*")


def test_a_plugin_that_cannot_be_imported_is_a_collection_error(project):
    """The error says which module and why."""
    project.make()
    (project.folder / f"{project.module}.py").write_text("import nothing_of_that_name\n")
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*cannot be imported*nothing_of_that_name*"])


def test_a_project_file_without_tables_of_ours_is_none_of_ours(project):
    """Tests run as if the kit was not there."""
    (project.folder / "pyproject.toml").write_text("[tool]\nreglet = 5 # [tool.reglet]\n")
    project.test("def test_one():\n    pass\n")
    project.run().assert_outcomes(passed=1)


def test_the_fixtures_run_a_check_through_the_whole_stack(project):
    """Config in, Result out, and the host denies what is not declared."""
    project.make()
    project.test(
        """
from reglet.testing import assert_data_field, assert_error, assert_success

def test_ok(plugin_client, fake_host):
    fake_host.http.on("https://a.test/").respond(204)
    result = plugin_client.check({"url": "https://a.test/"})
    assert_success(result)
    assert_data_field(result, "status_code", 204)

def test_denied(plugin_client):
    assert_error(plugin_client.check(url="https://example.com/"), "example.com", type="capability")

def test_bytes(plugin_client):
    assert_error(plugin_client.check(b"[]"), type="config")

def test_plugin(plugin, plugin_client):
    assert plugin_client.manifest().name == plugin.name == "fetch"
"""
    )
    project.run("test_it.py").assert_outcomes(passed=4)


def test_the_fake_host_complains_of_what_was_not_used(project):
    """An answer that nobody asked for fails the test that gave it, unless it failed already."""
    project.make()
    project.test(
        """
def test_unused(fake_host):
    fake_host.http.on("https://a.test/").respond()

def test_fails_anyway(fake_host):
    fake_host.http.on("https://a.test/").respond()
    assert 1 == 2
"""
    )
    result = project.run("test_it.py")
    result.assert_outcomes(passed=1, errors=1, failed=1)
    result.stdout.fnmatch_lines(["*routes that were not used up*"])


def test_a_recording_is_played_back(project):
    """The fixture runs the recorded config against the recorded answers."""
    project.make()
    answer = {"status_code": 201}
    request = {"method": "GET", "url": "https://a.test/"}
    recording = Recording(
        (RecordedCall("http_request", request, answer),), "fetch", {"url": "https://a.test/"}
    )
    recording.save(project.folder / "run.json")
    project.test(
        """
import pytest
from reglet.testing import ReplayMismatchError

def test_replay(replay):
    assert replay("run.json").data == {"status_code": 201}

def test_other_config(replay):
    with pytest.raises(ReplayMismatchError, match="differs from the recording"):
        replay("run.json", {"url": "https://b.test/"})
"""
    )
    project.run("test_it.py").assert_outcomes(passed=2)


def test_the_plugin_of_no_project_is_an_explained_failure(pytester, project):
    """The message says what to write where."""
    project.test("def test_it(plugin):\n    pass\n")
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no pyproject.toml above*tool.reglet*"])


def test_it_leaves_other_projects_alone(project):
    """Neither a project without the table, nor a file that is no TOML, is looked into; own fixtures win."""
    (project.folder / "pyproject.toml").write_text('[project]\nname = "other"\n')
    (project.folder / "sub").mkdir()
    (project.folder / "sub" / "pyproject.toml").write_text("tool.reglet = [[[")
    project.test(
        """
import pytest

@pytest.fixture
def plugin():
    return "mine"

def test_it(plugin):
    assert plugin == "mine"
"""
    )
    project.run().assert_outcomes(passed=1)


def test_it_starts_light():
    """What checks, builds and sandboxes need is imported when it is used."""
    program = (
        "import sys, reglet.testing.pytest_plugin\n"
        "heavy = {'hypothesis', 'wasmtime', 'httpx', 'jsonschema', 'rich', 'dns', 'cryptography'}\n"
        "rooms = {name for name in sys.modules if name.startswith(('reglet.infrastructure', 'reglet.testing.fakes'))}\n"
        "print(sorted(heavy & set(sys.modules) | rooms))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_the_audit_of_a_run_is_written(project):
    """Hosts of calls that were answered and of calls that were denied."""
    project.make()
    project.test(
        """
def test_denied(plugin_client):
    plugin_client.check(url="https://example.com:8443/")
"""
    )
    project.run("--reglet-audit=touched.json").assert_outcomes(passed=3)
    touched = json.loads((project.folder / "touched.json").read_text())
    assert touched["targets"] == [["a.test", 443], ["example.com", 8443]]


def test_what_a_plugin_says_steers_no_terminal_when_a_test_fails(project):
    """In messages, in values that are compared, in what was printed, in local names and in examples."""
    project.make()
    project.test(
        """
import pytest

class Evil(Exception):
    pass

SAID = "\\x1b[2J\\x1b[1A\\rforged \\x9b31m \\u202e \\u2028passed"

def test_message(plugin):
    raise Evil(SAID)

def test_cause(plugin):
    try:
        raise Evil(SAID)
    except Evil as error:
        raise AssertionError(SAID) from error

def test_output(plugin):
    print(SAID)
    pytest.fail(SAID, pytrace=False)

def test_skip(plugin):
    pytest.skip(SAID)

def test_value(plugin):
    assert SAID == ""
"""
    )
    for options in ((), ("-l", "-rA"), ("--tb=short",), ("--tb=native",), ("--tb=line",)):
        result = project.run("--color=no", *options)
        shown = "\n".join((*result.outlines, *result.errlines))
        assert "forged" in shown
        assert not any(character in shown for character in "\x1b\x9b\r\u202e\u2028\x07")
    project.make(status="\x1b]52;c;AAAA\x07")
    result = project.run("--color=no", "pyproject.toml")
    assert not any(character in "".join(result.outlines) for character in "\x1b\x07")
