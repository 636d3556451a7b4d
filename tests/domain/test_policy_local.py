"""Decisions about commands, the environment and files."""

from __future__ import annotations

import fnmatch
import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
)
from reglet.domain.errors import CapabilityError
from reglet.domain.policy import Policy


def commands(*patterns, env=()):
    """Make a policy that grants commands, and perhaps variables."""
    return Policy(GrantSet(exec=ExecCapability(patterns), env=EnvironmentCapability(env)))


def variables(*patterns):
    """Make a policy that grants environment variables."""
    return Policy(GrantSet(env=EnvironmentCapability(patterns)))


def files(read=(), write=(), cwd=None):
    """Make a policy that grants paths."""
    return Policy(GrantSet(fs=FileSystemCapability([FileSystemRule(read, write)])), cwd)


RUNS_CODE = [
    "/bin/sh", "/usr/bin/bash", "/bin/dash", "zsh", "/usr/bin/python3", "/usr/bin/python3.12", "/usr/bin/python",
    "/usr/bin/pypy3", "/usr/bin/perl", "/usr/bin/perl5.36", "/usr/bin/ruby", "/usr/bin/node", "/usr/bin/nodejs",
    "/usr/bin/php", "/usr/bin/lua5.4", "/usr/bin/env", "/usr/bin/xargs", "/bin/busybox", "/usr/bin/awk",
    "/usr/bin/nice", "/usr/bin/timeout", "/usr/bin/sudo", "/usr/bin/find", "/usr/bin/tar", "/usr/bin/git",
    "/lib64/ld-linux-x86-64.so.2", "/usr/./bin//sh", "/usr/bin/perl5.36-x86_64-linux-gnu", "/usr/bin/python3-dbg",
    "/usr/bin/python3.12d", "/usr/bin/luajit-2.1.0-beta3", "/usr/bin/npm", "/usr/bin/nc", "/usr/bin/rsync",
    "/usr/bin/sqlite3", "/usr/bin/sort", "/usr/bin/split", "/usr/bin/ip", "/usr/bin/fdfind", "/usr/bin/setpriv",
    "/usr/bin/socat", "/usr/bin/man", "/usr/bin/vim", "/usr/bin/apt-get", "/usr/bin/java", "/usr/bin/systemctl",
    "/usr/bin/openssl", "/usr/bin/rpm", "/usr/bin/dpkg", "/usr/bin/a-program-of-tomorrow", "/opt/app/ls", "/tmp/cat",
]  # fmt: skip
HARMLESS = [
    "ls", "/usr/bin/ls", "/usr/bin/grep", "/bin/cat", "/usr/bin/stat", "/usr/bin/b2sum", "/usr/bin/getent", "/bin/ps",
    "/usr/bin/sha256sum", "/usr/bin/id", "/usr/bin/uname", "/usr/bin/df",
]  # fmt: skip


@pytest.mark.parametrize("command", RUNS_CODE)
def test_a_command_that_may_run_other_code_needs_its_exact_grant(command):
    """Wildcards reach no program that is not known to run nothing else, nor a known name in a folder of anyone's."""
    refusal = commands("**", "*", "/**").execute(command)
    assert not refusal
    assert "a pattern with wildcards is not enough" in refusal.hint
    assert commands("**", posixpath.normpath(command)).execute(command)


@pytest.mark.parametrize("command", HARMLESS)
def test_a_program_that_only_reads_may_be_granted_by_a_wildcard(command):
    """It runs nothing else and changes nothing, whatever its arguments."""
    assert commands("/usr/bin/*", "/bin/*", "*").execute(command)


@pytest.mark.parametrize("command", ["./systemctl", "bin/systemctl", "systemctl/", "../systemctl"])
def test_a_bare_rule_matches_a_bare_name_only(command):
    """What holds a slash is judged by its file: a file of that name in a folder of the guest's is another program."""
    assert not commands("systemctl").execute(command, resolved="/anything/systemctl")
    assert not commands("systemctl").execute(command)
    assert commands("systemctl").execute("systemctl", resolved="/usr/bin/systemctl")


def test_a_shell_under_another_name_stays_a_shell():
    """What the symlink leads to counts; either name may be granted."""
    assert not commands("/opt/app/*").execute("/opt/app/tool", resolved="/usr/bin/dash")
    assert commands("/opt/app/tool").execute("/opt/app/tool", resolved="/usr/bin/dash")
    assert commands("/usr/bin/dash").execute("/opt/app/tool", resolved="/usr/bin/dash")
    assert commands("/bin/*").execute("/bin/ls", resolved="/bin/busybox")


def test_a_command_with_dots_is_known_by_its_file_alone():
    """Behind a symlink `..` leads elsewhere than its text says."""
    sly = "/tmp/link/../../opt/tool"
    assert not commands("/opt/tool", "/tmp/**").execute(sly)
    assert not commands("/opt/tool", "/tmp/**").execute(sly, resolved="/evil/opt/tool")
    assert commands("/opt/tool").execute(sly, resolved="/opt/tool")


def test_a_bare_name_is_granted_by_the_file_it_resolves_to():
    """`ls` runs when `/usr/bin/ls` is granted, and the refusal names the file to grant."""
    assert commands("/usr/bin/ls").execute("ls", resolved="/usr/bin/ls")
    refusal = commands().execute("ls", resolved="/usr/bin/ls")
    assert (refusal.rule, refusal.hint) == ("exec:ls", 'add "/usr/bin/ls" to exec.commands')


@pytest.mark.parametrize(
    "name", ["LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "BASH_ENV", "ENV", "IFS", "ld_preload"]
)
def test_variables_that_inject_code_need_their_exact_name(name):
    """For reading and for commands alike."""
    assert not variables("*", "**", "{LD_PRELOAD,IFS}", "LD_*").environment(name)
    assert variables(name).environment(name)
    assert not commands("/bin/ls", env=["*"]).execute("/bin/ls", environment=[name])
    assert commands("/bin/ls", env=[name]).execute("/bin/ls", environment=[name])


@pytest.mark.parametrize(
    "name",
    ["PATH", "GIT_CONFIG_PARAMETERS", "git_config_key_0", "LUA_INIT_5_4", "RIPGREP_CONFIG_PATH", "DOTNET_STARTUP_HOOKS",
     "XDG_CONFIG_HOME", "PYTHONUSERBASE", "A_VARIABLE_OF_TOMORROW"],
)  # fmt: skip
def test_a_command_is_given_a_variable_only_by_its_exact_name(name):
    """Any variable may steer some program, so no wildcard passes it on, and the refusal names the rule."""
    for patterns in ([], ["*"], [f"{name[:2]}*"]):
        refusal = commands("/bin/ls", env=patterns).execute("/bin/ls", environment=[name])
        assert not refusal
        assert f'add "{name}" to env.vars' in refusal.hint
    assert commands("/bin/ls", env=[name]).execute("/bin/ls", environment=[name])


def test_variables_that_only_change_how_a_program_writes_need_no_grant():
    """The language, the time zone and the terminal steer nothing; what is no name at all is refused."""
    assert commands("/bin/ls").execute("/bin/ls", environment=["LC_ALL", "LANG", "TZ", "TERM", "NO_COLOR"])
    for name in ("", "A=B", "A\0B"):
        with pytest.raises(CapabilityError, match="env:"):
            commands("/bin/ls").execute("/bin/ls", environment=[name]).require()


@pytest.mark.parametrize(
    ("name", "value"),
    [("LANGUAGE", "../../../tmp/evil"), ("LANG", "/tmp/locale"), ("LC_ALL", "/tmp/evil"), ("LC_MESSAGES", "%n%n"),
     ("TZ", "/tmp/zone"), ("TZ", ":/dev/zero"), ("TZ", "Europe/../../../tmp/zone"), ("TZ", "A%s"), ("TERM", "../x"),
     ("TERM", "x\n"), ("LOGNAME", "$(id)"), ("USER", "a;b"), ("COLUMNS", "\x1b[2J")],
)  # fmt: skip
def test_a_harmless_variable_with_a_steering_value_needs_its_exact_name(name, value):
    """Programs read catalogues, locales and time zones from wherever such a value leads."""
    refusal = commands("/bin/ls", env=["*", f"{name[:1]}*"]).execute("/bin/ls", environment={name: value})
    assert not refusal
    assert f'that value may steer the program, so only its exact name grants it; add "{name}"' in refusal.hint
    assert commands("/bin/ls", env=[name]).execute("/bin/ls", environment={name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("LANG", "de_DE.UTF-8@euro"), ("LANGUAGE", "de:en_GB"), ("TZ", "Europe/Berlin"), ("TZ", "CET-1CEST,M3.5.0,M10.5.0/3"),
     ("TZ", "<+03>-3"), ("TERM", "xterm-256color"), ("COLUMNS", "80"), ("NO_COLOR", ""), ("LC_TIME", "C.UTF-8")],
)  # fmt: skip
def test_a_harmless_variable_has_the_values_that_people_use(name, value):
    """Without any rule."""
    assert commands("/bin/ls").execute("/bin/ls", environment={name: value})


def test_environment_names_are_globs_with_case():
    """`AWS_*` is not `aws_*`."""
    assert variables("AWS_*").environment("AWS_REGION").rule == "env:AWS_*"
    with pytest.raises(CapabilityError, match=r'add "aws_region" to env\.vars'):
        variables("AWS_*").environment("aws_region").require()


@pytest.mark.parametrize(
    "path", ["etc/passwd", "/etc/../root/x", "/etc/./passwd", "/etc//passwd", "/etc/", "", "/etc/\0"]
)
def test_only_canonical_paths_are_judged(path):
    """Whatever could mean another file is refused, granted or not."""
    assert not files(read=["/**", "**"]).read(path)


@pytest.mark.parametrize(
    "path",
    [
        "/proc/self/environ",
        "/proc/1/mem",
        "/sys/kernel/x",
        "/dev/mem",
        "/dev",
        "/run/docker.sock",
        "/var/run/x",
    ],
)
def test_no_wildcard_reaches_a_path_of_special_use(path):
    """Processes, devices and sockets need their exact rule; neighbours of such a folder do not."""
    everything = files(read=["/**", "/proc/**", "/{dev,sys,run}/**", f"{path[:-1]}?"], write=["/**"])
    assert not everything.read(path)
    assert not everything.write(path)
    assert "no pattern with wildcards" in everything.read(path).hint
    assert files(read=[path]).read(path)
    assert everything.read("/processes/x")
    assert everything.read("/etc/proc/x")


def test_reading_and_writing_are_granted_apart():
    """Neither implies the other."""
    rules = files(read=["/etc/**"], write=["/tmp/out"])
    assert rules.read("/etc/ssh/sshd_config").rule == "fs:read:/etc/**"
    assert not rules.write("/etc/ssh/sshd_config")
    assert rules.write("/tmp/out")
    assert not rules.read("/tmp/out")
    with pytest.raises(CapabilityError, match=r'add \{"write": \["/tmp/other"\]\} to fs.rules'):
        rules.write("/tmp/other").require()
    with pytest.raises(CapabilityError):
        rules.read("/root").require()


def test_relative_paths_and_patterns_start_at_the_working_directory():
    """The directory's own name is never read as a pattern."""
    rules = files(read=["*.conf", "./sub/**"], cwd="/srv/[a]")
    assert rules.read("/srv/[a]/x.conf")
    assert rules.read("x.conf")
    assert rules.read("sub/y")
    assert not rules.read("/srv/a/x.conf")
    assert not rules.read("../x.conf")


SEGMENTS = st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=4)


@given(SEGMENTS, SEGMENTS, st.booleans())
def test_a_path_is_granted_as_the_plain_specification_says(pattern, path, deep):
    """A pattern names a file; with `/**` it names a directory and all below it."""
    expected = path[: len(pattern)] == pattern if deep else path == pattern
    text = "/" + "/".join(pattern) + ("/**" if deep else "")
    assert bool(files(read=[text]).read("/" + "/".join(path))) is expected


@given(
    st.text("ab*?", max_size=5).filter(lambda pattern: "***" not in pattern),
    st.text("ab", min_size=1, max_size=5),
)
def test_a_variable_is_granted_as_the_shell_would_match_it(pattern, name):
    """`fnmatch` is a plain specification where there are no separators, nor three stars in a row."""
    assert bool(variables(pattern).environment(name)) is fnmatch.fnmatchcase(name, pattern)
