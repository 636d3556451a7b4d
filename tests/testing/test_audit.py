"""What plugins touch, beside what they declare."""

import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from reglet.application import examples
from reglet.application.examples import Example
from reglet.application.operations import operation
from reglet.application.plugin import define_plugin
from reglet.domain.context import Context
from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    KeyValueCapability,
    KeyValueRule,
    NetworkCapability,
    NetworkRule,
)
from reglet.domain.entities.records import CommandRequest
from reglet.domain.entities.result import Result, result_success
from reglet.domain.ports import CommandRunner, DNSResolver, SMTPClient, TCPDialer
from reglet.testing import (
    FakeDNSResolver,
    FakeSMTPClient,
    FakeTCPDialer,
    TestCase,
    assert_never_traps,
    run_plugin_tests,
)
from reglet.testing.audit import AuditError, AuditReport, audit_plugin, audit_project, to_python
from reglet.testing.usage import Usage, note_file, usage_recorded
from tests.testing.plugins import OK, REFUSED, FetchInput, fetching

HERE = Path(__file__)


def plugin_that(handler, *, declares=None, host_answers=()):
    """Return a plugin whose only example runs `handler`."""
    plugin = define_plugin(name="p", version="1.0.0", description="d", capabilities=declares)

    def run(self, ctx: Context) -> Result:
        handler(ctx)
        return result_success("ok")

    @plugin.service("s")
    class Service:
        go = operation(examples=[Example("x", None, answers=host_answers)])(run)

    return plugin


def test_the_hosts_of_examples_are_the_least_that_is_needed():
    """Two hosts with the same port share a rule; the declared wildcard is wider."""
    report = audit_plugin(fetching(OK, REFUSED))
    assert report.least == GrantSet(network=NetworkCapability([NetworkRule(["a.test", "b.test"], ["443"])]))
    assert (report.missing, report.unused, report.is_clean) == ((), (), True)
    assert report.diff() == [
        "--- declared",
        "+++ touched",
        "@@ -1,5 +1,5 @@",
        " reglet.GrantSet(",
        "     network=reglet.NetworkCapability(rules=[",
        '-        reglet.NetworkRule(hosts=["*.test"], ports=["443"]),',
        '+        reglet.NetworkRule(hosts=["a.test", "b.test"], ports=["443"]),',
        "     ]),",
        " )",
    ]


def test_what_is_touched_and_not_declared_is_missing():
    """Each port's calls are noted by what a grant for them would say."""

    def handler(ctx):
        ctx.client(CommandRunner).run(CommandRequest("/bin/id"))
        ctx.client(DNSResolver).lookup_txt("A.test")

    given = [examples.command("/bin/id"), examples.dns("*", "TXT")]
    report = audit_plugin(plugin_that(handler, host_answers=given))
    assert report.missing == ("network a.test:53", "command /bin/id")
    assert not report.is_clean
    assert report.to_json()["missing"] == ["network a.test:53", "command /bin/id"]


def test_what_is_declared_and_never_needed_is_unused():
    """Pattern by pattern, of every kind that a host function or the system asks about."""
    declares = GrantSet(
        network=NetworkCapability([NetworkRule(["a.test", "old.test"], ["443"])]),
        fs=FileSystemCapability([FileSystemRule(read=["/etc/hosts"], write=["/var/x"])]),
        env=EnvironmentCapability(["HOME"]),
        exec=ExecCapability(["/bin/id"]),
    )
    touched = Usage(targets={("a.test", 443)}, commands={"/bin/id"})
    assert AuditReport(declares, touched).unused == (
        "network old.test:443",
        "read /etc/hosts",
        "write /var/x",
        "variable HOME",
    )


@pytest.fixture(name="temporary")
def _temporary(tmp_path):
    """A folder for temporary files that does not hold this one, wherever the tests are."""
    before, tempfile.tempdir = tempfile.gettempdir(), str(tmp_path)
    yield tmp_path
    tempfile.tempdir = before


def test_files_and_variables_are_noticed_in_this_process(temporary):
    """Opened, listed, looked at, made; set or not; through os and through pathlib."""
    scratch = HERE.parent / "scratch-of-audit"

    def handler(_):
        HERE.read_text("utf-8")
        os.environ.get("REGLET_TEST_UNSET")
        _ = "REGLET_TEST_ASKED" in os.environ
        list(HERE.parent.iterdir())
        (HERE.parent / "missing.txt").exists()
        scratch.mkdir()
        scratch.rmdir()
        (temporary / "scratch").write_text("x")

    report = audit_plugin(plugin_that(handler))
    touched = report.usage
    assert touched.variables == {"REGLET_TEST_UNSET", "REGLET_TEST_ASKED"}
    assert {str(HERE), str(HERE.parent), str(HERE.parent / "missing.txt")} <= touched.reads
    [rule] = report.least.fs.rules
    assert rule.write == (str(scratch),)


def test_files_for_temporary_use_count_as_use_and_ask_for_no_grant(tmp_path):
    """What a test made for itself is no reason for a grant, and a grant for it is not called unused."""
    declares = GrantSet(fs=FileSystemCapability([FileSystemRule(read=[f"{tmp_path}/**", "/var/x"])]))
    report = AuditReport(declares, Usage(reads={f"{tmp_path}/a"}, writes={f"{tmp_path}/b"}))
    assert (report.missing, report.unused, report.least) == ((), ("read /var/x",), GrantSet())


def test_what_the_interpreter_does_for_itself_is_not_the_plugins():
    """Importing a module and formatting a traceback read files of their own."""

    def handler(_):
        import colorsys  # noqa: F401
        import traceback

        try:
            int("x")
        except ValueError:
            traceback.format_exc()

    sys.modules.pop("colorsys", None)
    touched = audit_plugin(plugin_that(handler)).usage
    assert (touched.reads, touched.writes, touched.variables) == (set(), set(), set())


def test_nothing_is_watched_outside_of_a_check():
    """The environment is the process's own again, and reads go by unnoticed."""
    before = type(os.environ._data)
    with usage_recorded() as touched:
        HERE.read_text("utf-8")
        os.environ.get("HOME")
    assert type(os.environ._data) is before is dict
    assert touched == Usage()


def test_fakes_that_stand_in_for_ports_are_noted_too():
    """A test that uses no host still tells what was touched."""

    def handler(ctx):
        ctx.client(TCPDialer).dial("[2001:db8::1]:8443")
        ctx.client(DNSResolver).lookup_host("a.test")

    tcp, dns, smtp = FakeTCPDialer(), FakeDNSResolver(), FakeSMTPClient()
    tcp.on().respond()
    dns.on().respond("192.0.2.1")
    assert isinstance(smtp, SMTPClient)
    with usage_recorded() as touched:
        run_plugin_tests(plugin_that(handler), [TestCase("x")], clients=[tcp, dns, smtp])
    assert touched.targets == {("2001:db8::1", 8443), ("a.test", 53)}


def test_requests_that_make_no_sense_touch_nothing():
    """A fuzzed URL, a port that is no number, a request that is no object of ours."""
    touched = Usage()
    touched.note_url("http://[::1")
    touched.note_url("gopher://a.test")
    touched.note_target("a.test", "http")
    touched.note_target("", 25)
    assert touched == Usage()


def test_what_was_touched_comes_back_from_its_file(tmp_path):
    """The tests of a project run in a process of their own."""
    touched = Usage({("a.test", 443)}, {"/bin/id"}, {"/etc/hosts"}, {"/var/x"}, {"HOME"})
    touched.save(tmp_path / "t.json")
    assert Usage.load(tmp_path / "t.json") == touched
    both = Usage({("b.test", 80)})
    both.add(touched)
    assert both.targets == {("a.test", 443), ("b.test", 80)}


def test_the_literal_is_python_that_makes_the_same_grants():
    """What is printed can be pasted."""
    import reglet

    grants = GrantSet(
        network=NetworkCapability([NetworkRule(["a.test"], ["80", "443"]), NetworkRule(["*"], ["53"])]),
        fs=FileSystemCapability(
            [FileSystemRule(read=["/etc/**"], write=["/tmp/x"]), FileSystemRule(read=["/a"])]
        ),
        env=EnvironmentCapability(["HOME", "AWS_*"]),
        exec=ExecCapability(["/bin/id"]),
        kv=KeyValueCapability([KeyValueRule(["k"], "read-write")]),
    )
    assert eval(to_python(grants), {"reglet": reglet}) == grants
    assert eval(to_python(GrantSet()), {"reglet": reglet}) == GrantSet()


def test_a_projects_tests_are_audited_with_its_examples(project):
    """The tests run with pytest in a process of their own."""
    project.make()
    project.test('def test_it(plugin_client):\n    plugin_client.check(url="https://example.com/")\n')
    report = audit_project(fetching(OK), project.folder)
    assert report.usage.targets == {("a.test", 443), ("example.com", 443)}
    assert report.missing == ("network example.com:443",)


def test_a_project_whose_tests_fail_is_not_audited(project):
    """What a failing test did not reach would be called unused."""
    project.test("def test_it():\n    assert False\n")
    with pytest.raises(AuditError, match=r"tests of .* fail") as caught:
        audit_project(fetching(), project.folder)
    assert "1 failed" in str(caught.value)


def test_the_examples_of_a_real_project_tell_what_they_touch(tmp_path):
    """The audit as `reglet-plugin audit` runs it, on a project of this repository."""
    report = tmp_path / "touched.json"
    command = [sys.executable, "-m", "pytest", "-q", "pyproject.toml", f"--reglet-audit={report}"]
    http = HERE.parents[2] / "examples" / "http"
    run = subprocess.run(command, cwd=http, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    assert ("example.com", 443) in Usage.load(report).targets


def test_what_fuzzing_tries_is_not_touched():
    """Random hosts are no capability that a plugin needs."""
    resolving = plugin_that(lambda ctx: ctx.client(DNSResolver).lookup_host("a.test"))
    with usage_recorded() as touched:
        assert_never_traps(resolving, max_examples=3)
    assert touched.targets == set()


def test_what_cannot_be_a_path_is_not_touched():
    """The system refuses it before any grant is asked."""

    def handler(_):
        for path in ("/a\0b", "/\ud800"):
            try:
                Path(path).stat()
            except ValueError:
                continue

    assert audit_plugin(plugin_that(handler)).usage == Usage()


def test_a_check_that_a_test_calls_itself_is_watched(project):
    """Whoever calls a plugin's `check`, files and variables are noticed."""
    project.make()
    body = """
        import reglet
        from reglet import Context, define_plugin, operation

        own = define_plugin(name="own", version="1", description="d")

        @own.service("s")
        class Service:
            @operation()
            def go(self) -> reglet.Result:
                import os
                os.environ.get("REGLET_TEST_DIRECT")
                return reglet.result_success("ok")

        def test_it():
            assert own.check(Context(), b"{}").is_success
    """
    project.test(textwrap.dedent(body))
    project.run("--reglet-audit=touched.json").assert_outcomes(passed=3)
    assert Usage.load(project.folder / "touched.json").variables == {"REGLET_TEST_DIRECT"}


def test_in_the_sandbox_files_are_told_by_the_host(project):
    """Asked for, granted or not; and what variables it reads no host can see, so the declared ones stay."""
    project.make()
    source = project.folder / f"{project.module}.py"
    looking = source.read_text("utf-8").replace(
        "capabilities=reglet.GrantSet(",
        """capabilities=reglet.GrantSet(
        fs=reglet.FileSystemCapability(rules=[reglet.FileSystemRule(read=["/etc/hosts", "/etc/never"])]),
        env=reglet.EnvironmentCapability(["HOME"]),""",
    )
    looking = looking.replace(
        "        return Output(", "        __import__('os').path.exists('/etc/hosts')\n        return Output("
    )
    source.write_text(looking)
    project.run("--reglet-place=sandbox", "--reglet-audit=touched.json").assert_outcomes(passed=2)
    touched = Usage.load(project.folder / "touched.json")
    assert "/etc/hosts" in touched.reads
    declared = GrantSet(
        fs=FileSystemCapability([FileSystemRule(read=["/etc/hosts", "/etc/never"])]),
        env=EnvironmentCapability(["HOME"]),
    )
    report = AuditReport(declared, touched, sees_variables=False)
    assert report.unused == ("read /etc/never",)
    assert report.least.env == declared.env


def test_what_a_test_means_to_be_denied_is_not_touched(project):
    """It fails with everything granted, and so is run again with what is declared."""
    project.make()
    project.test(
        """
from reglet.testing import assert_error

def test_denied(plugin_client):
    assert_error(plugin_client.check(url="https://evil.example/"), type="capability")

def test_needed(plugin_client, fake_host):
    fake_host.http.on("https://undeclared.example/").respond(200)
    assert plugin_client.check(url="https://undeclared.example/").is_success
"""
    )
    project.run("--reglet-audit=touched.json", "test_it.py").assert_outcomes(passed=2)
    assert Usage.load(project.folder / "touched.json").targets == {("undeclared.example", 443)}


def test_the_folders_on_the_way_to_a_file_are_not_touched():
    """Who resolves a path looks at each of them; one that was listed is."""
    usage = Usage(reads={"/", "/etc", "/etc/app", "/etc/app/x.conf", "/srv"}, opened={"/etc/app/x.conf"})
    assert usage.lasting.reads == {"/etc/app/x.conf", "/srv"}
    usage.opened.add("/etc/app")
    assert usage.lasting.reads == {"/etc/app", "/etc/app/x.conf", "/srv"}


def test_files_of_a_folder_that_was_listed_become_one_pattern_where_that_is_safe():
    """Not in the folders of the system, nor in a home."""
    files = {f"{folder}/{name}" for folder in ("/etc/app/conf.d", "/etc", "/home/ann/x") for name in "abc"}
    folders = {"/etc/app/conf.d", "/etc", "/home/ann/x"}
    [rule] = Usage(reads=files | folders, opened=files | folders).least_grants().fs.rules
    assert "/etc/app/conf.d/*" in rule.read
    assert {"/etc/a", "/etc/b", "/home/ann/x/a"} <= set(rule.read)
    assert "/etc/*" not in rule.read


def test_a_denial_that_an_example_expects_is_not_touched():
    """The example says that the host refuses it."""
    denied = [examples.http("https://a.test/", error="denied")]
    example = Example("x", FetchInput("https://a.test/"), expected_error="no grant", answers=denied)
    assert audit_plugin(fetching(example)).usage.targets == set()


def test_a_module_that_looks_for_its_own_sources_touches_nothing():
    """A traceback in a guest does; no host has those files."""
    with usage_recorded() as usage:
        note_file("/sdk/reglet/application/dispatch.py", changes=None)
        note_file("/plugin/page.py", changes=None)
        note_file("/plugin/page.conf", changes=False)
    assert usage.reads == {"/plugin/page.conf"}


def test_variables_that_examples_read_are_kept_beside_those_declared():
    """Where reads cannot be seen in every place, nothing that is declared is taken away."""
    declared = GrantSet(env=EnvironmentCapability(["HOME"]))
    report = AuditReport(declared, Usage(variables={"LANG"}), sees_variables=False)
    assert report.least == GrantSet(env=EnvironmentCapability(["HOME", "LANG"]))


def test_a_recording_inside_another_ends_alone():
    """A test of an audit is audited itself: both have seen the same so far, and the outer goes on."""
    with usage_recorded() as outer:
        with usage_recorded() as inner:
            note_file("/etc/first", changes=False)
        note_file("/etc/second", changes=False)
    assert inner.reads == {"/etc/first"}
    assert outer.reads == {"/etc/first", "/etc/second"}
