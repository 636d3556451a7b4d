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


CODE = [
    ("/bin/sh", ["-c", "id"]), ("/bin/sh", []), ("/usr/bin/bash", ["script.sh"]), ("/bin/dash", ["-c", "id"]),
    ("zsh", ["-c", "id"]), ("/usr/bin/python3", ["-c", "1"]), ("/usr/bin/python3.12", ["-Ic", "1"]),
    ("/usr/bin/python", ["-m", "timeit"]), ("/usr/bin/python3", ["-"]), ("/usr/bin/pypy3", ["-c1"]),
    ("/usr/bin/perl", ["-e", "1"]), ("/usr/bin/perl5.36", ["-ne", "1"]), ("/usr/bin/ruby", ["-e1"]),
    ("/usr/bin/node", ["--eval=1"]), ("/usr/bin/node", ["-p", "1"]), ("/usr/bin/nodejs", ["-r", "./x"]),
    ("/usr/bin/php", ["-r", "1"]), ("/usr/bin/lua5.4", ["-e", "1"]), ("/usr/bin/env", ["sh", "-c", "id"]),
    ("/usr/bin/xargs", ["rm"]), ("/bin/busybox", ["sh", "-c", "id"]), ("/usr/bin/awk", ["BEGIN{system(1)}"]),
    ("/usr/bin/nice", ["sh"]), ("/usr/bin/timeout", ["5", "sh"]), ("/usr/bin/sudo", ["id"]),
    ("/usr/bin/find", ["/", "-exec", "id", ";"]), ("/usr/bin/tar", ["--to-command=id", "-xf", "a"]),
    ("/usr/bin/git", ["-c", "core.pager=id", "log"]), ("/lib64/ld-linux-x86-64.so.2", ["/bin/ls"]),
    ("/usr/./bin//sh", ["-c", "id"]), ("/usr/bin/perl5.36-x86_64-linux-gnu", ["-e", "1"]),
    ("/usr/bin/python3-dbg", ["-c", "1"]), ("/usr/bin/python3.12d", ["-c", "1"]),
    ("/usr/bin/luajit-2.1.0-beta3", ["-e", "1"]), ("/usr/bin/tar", ["--to-com=id", "-xf", "a"]),
    ("/usr/bin/tar", ["--checkpoint=1", "--checkpoint-act=exec=id", "-cf", "a", "b"]),
    ("/usr/bin/tar", ["-F", "id", "-xf", "a"]),
    ("/usr/bin/tar", ["xIf", "id", "a"]), ("/usr/bin/npm", ["exec", "x"]), ("/usr/bin/nc", ["-e", "id", "h", "1"]),
    ("/usr/bin/git", ["grep", "-Oid", "x"]),
    ("/usr/bin/rsync", ["-e", "sh", "a", "b:"]), ("/usr/bin/sqlite3", ["x", ".shell id"]),
    ("/usr/bin/sort", ["--compress-program=id", "f"]), ("/usr/bin/split", ["--filter=id", "f"]),
    ("/usr/bin/ip", ["netns", "exec", "a", "id"]), ("/usr/bin/fdfind", ["-x", "id"]),
    ("/usr/bin/setpriv", ["id"]), ("/usr/bin/socat", ["EXEC:id", "-"]), ("/usr/bin/man", ["-P", "id", "ls"]),
]  # fmt: skip
HARMLESS = [
    ("/usr/bin/ls", ["-c", "-e"]), ("/usr/bin/grep", ["-e", "x", "f"]), ("/usr/bin/python3", ["--version"]),
    ("/usr/bin/perl", ["-v"]), ("/usr/bin/env", []), ("/usr/bin/systemctl", ["is-active", "sshd"]),
    ("/usr/bin/find", ["/etc", "-name", "x"]), ("/usr/bin/git", ["status"]), ("/usr/bin/shasum", ["-c", "f"]),
    ("/usr/bin/tar", ["-tf", "a"]), ("/usr/bin/tar", ["tf", "a"]), ("/usr/bin/openssl", ["version"]),
    ("/usr/bin/sort", ["--check", "f"]), ("/usr/bin/7z", ["l", "a"]), ("/usr/bin/rpm", ["-q", "a"]),
    ("/usr/bin/dpkg", ["-l"]), ("/usr/bin/ip", ["addr"]), ("/usr/bin/nc", ["-z", "h", "1"]), ("/usr/bin/pip3", ["list"]),
    ("/usr/bin/b2sum", ["-c", "f"]),
]  # fmt: skip


@pytest.mark.parametrize(("command", "args"), CODE)
def test_a_command_that_runs_code_needs_its_exact_grant(command, args):
    """Wildcards do not reach shells, interpreters given code, and programs that run others."""
    refusal = commands("**", "*", "/**").execute(command, args)
    assert not refusal
    assert "a pattern with wildcards is not enough" in refusal.hint
    assert commands("**", posixpath.normpath(command)).execute(command, args)


@pytest.mark.parametrize(("command", "args"), HARMLESS)
def test_a_plain_command_may_be_granted_by_a_wildcard(command, args):
    """The same flags mean no harm elsewhere."""
    assert commands("/usr/bin/*").execute(command, args)


def test_a_shell_under_another_name_stays_a_shell():
    """What the symlink leads to counts; either name may be granted."""
    assert not commands("/opt/app/*").execute("/opt/app/tool", ["-c", "id"], resolved="/usr/bin/dash")
    assert commands("/opt/app/tool").execute("/opt/app/tool", ["-c", "id"], resolved="/usr/bin/dash")
    assert commands("/usr/bin/dash").execute("/opt/app/tool", ["-c", "id"], resolved="/usr/bin/dash")
    assert commands("/bin/*").execute("/bin/ls", ["-l"], resolved="/bin/busybox")


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


def test_variables_that_steer_programs_need_a_grant_and_others_need_none():
    """PATH needs one, by name or glob; a variable of the command's own does not."""
    assert not commands("/bin/ls").execute("/bin/ls", environment=["PATH"])
    assert commands("/bin/ls", env=["P*"]).execute("/bin/ls", environment=["PATH"])
    for name in ("GIT_CONFIG_PARAMETERS", "git_config_key_0", "XDG_CONFIG_HOME", "PYTHONUSERBASE"):
        assert not commands("/bin/ls").execute("/bin/ls", environment=[name])
    assert commands("/bin/ls").execute("/bin/ls", environment=["LC_ALL", "MY_FLAG"])
    for name in ("", "A=B", "A\0B"):
        with pytest.raises(CapabilityError, match="env:"):
            commands("/bin/ls").execute("/bin/ls", environment=[name]).require()


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


@given(st.text("ab*?", max_size=5), st.text("ab", min_size=1, max_size=5))
def test_a_variable_is_granted_as_the_shell_would_match_it(pattern, name):
    """`fnmatch` is a plain specification where there are no separators."""
    assert bool(variables(pattern).environment(name)) is fnmatch.fnmatchcase(name, pattern)
