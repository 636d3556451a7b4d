"""Decisions on files, programs and variables against plain specifications, which share no code with the policy."""

from __future__ import annotations

import fnmatch
import posixpath

from hypothesis import given, settings
from hypothesis import strategies as st

from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
)
from reglet.domain.policy import Policy

CWD = "/a/b"
PARTS = st.sampled_from(("a", "b", "ab", "proc", "dev", "run", "var"))
PATTERN_PARTS = st.sampled_from(
    ("a", "b", "a*", "*", "?", "**", "{a,b}", "[ab]", "[!a]", "proc", "dev", "run", "var")
)
PATTERNS = st.tuples(st.sampled_from(("/", "", "./")), st.lists(PATTERN_PARTS, min_size=1, max_size=4)).map(
    lambda drawn: drawn[0] + "/".join(drawn[1])
)
PATHS = st.one_of(
    st.lists(PARTS, max_size=5).map(lambda parts: "/" + "/".join(parts)),
    st.lists(st.one_of(PARTS, st.sampled_from(("..", ".", ""))), max_size=5).map("/".join),
    st.lists(st.one_of(PARTS, st.sampled_from(("..", ".", ""))), max_size=5).map(
        lambda parts: "/" + "/".join(parts)
    ),
)
SPECIAL = ("/proc", "/sys", "/dev", "/run", "/var/run")


def fits(pattern: list[str], path: list[str]) -> bool:
    """Say whether the parts of a path fit those of a pattern, by trying everything."""
    if not pattern:
        return not path
    if pattern[0] == "**":
        if len(pattern) > 1 and set(pattern) == {
            "**"
        }:  # as in doublestar, a second one wants something below
            return bool(path)
        return any(fits(pattern[1:], path[start:]) for start in range(len(path) + 1))
    each = {"{a,b}": "[ab]"}.get(pattern[0], pattern[0])
    if len(path) == 1 and len(pattern) > 1 and each.endswith("*"):
        each = each.removesuffix("*") + "?*"  # as in doublestar, unless it is the last of a pattern
    return bool(path) and fnmatch.fnmatchcase(path[0], each) and fits(pattern[1:], path[1:])


def plainly_read(patterns: list[str], path: str) -> bool:
    """Say whether a path may be read, in the words of the documentation."""
    whole = path if path.startswith("/") else f"{CWD}/{path}"
    parts = whole.split("/")[1:]
    if whole != "/" and not set(parts).isdisjoint(("", ".", "..")):
        return False
    absolute = [
        each if each.startswith(("/", "**")) else f"{CWD}/{each.removeprefix('./')}" for each in patterns
    ]
    if any(whole == folder or whole.startswith(folder + "/") for folder in SPECIAL):
        return whole in absolute
    if whole == "/" and any(each in ("/*", "/**") for each in absolute):
        return True
    absolute = [each for each in absolute if whole != "/" or not each.startswith("/")]
    return any(  # what begins with ** begins before the first slash, and has an empty part there
        fits([part for part in each.split("/") if part], ["", *parts] if each.startswith("**") else parts)
        for each in absolute
    )


@settings(deadline=None, max_examples=500)
@given(st.lists(PATTERNS, max_size=3), PATHS)
def test_files_are_granted_as_the_plain_specification_says(patterns, path):
    """By patterns that start anywhere, for paths however they are written."""
    rule = FileSystemRule(read=patterns, write=[])
    policy = Policy(GrantSet(fs=FileSystemCapability([rule])), CWD)
    assert bool(policy.read(path)) is plainly_read(patterns, path)
    assert not policy.write(path)


NAMES = st.sampled_from(("ls", "cat", "sh", "git", "tool"))
FOLDERS = st.sampled_from(("/bin", "/usr/bin", "/sbin", "/usr/sbin", "/opt/app", "/tmp", "/usr/local/bin"))
FILES = st.tuples(FOLDERS, NAMES).map("/".join)
COMMANDS = st.one_of(
    NAMES,
    FILES,
    FILES.map(lambda file: "." + file),
    FILES.map(lambda file: file.replace("/", "/../", 1)),
    st.just(""),
)
RESOLVED = st.one_of(st.just(""), FILES, st.just("/bin/busybox"), st.just("/usr/bin/coreutils"))
RULES = st.lists(
    st.one_of(
        NAMES, FILES, st.sampled_from(("*", "**", "/**", "/bin/*", "/usr/bin/*", "l?", "/tmp/*", "/*/*/ls"))
    ),
    max_size=3,
)
SYSTEM = {"/bin", "/usr/bin", "/sbin", "/usr/sbin"}
READING = {"ls", "cat"}


def plainly_run(rules: list[str], command: str, resolved: str) -> bool:
    """Say whether a program may be run, in the words of the documentation."""
    is_plain = command != "" and ("/" not in command or (command[0] == "/" and "/../" not in command))
    names = [each for each in (command if is_plain else "", resolved) if each]
    if any(name in rules for name in names):
        return True
    if not names:
        return False
    called = posixpath.basename(names[0])
    known = called in READING and all("/" not in name or posixpath.dirname(name) in SYSTEM for name in names)
    if not known or (resolved and posixpath.basename(resolved) not in (called, "busybox", "coreutils")):
        return False
    return any(
        fits(rule.strip("/").split("/"), name.strip("/").split("/"))
        and (rule.startswith("/") == name.startswith("/") or rule == "**")
        for rule in rules
        for name in names
    )


@settings(deadline=None, max_examples=500)
@given(RULES, COMMANDS, RESOLVED)
def test_programs_are_granted_as_the_plain_specification_says(rules, command, resolved):
    """A wildcard reaches what only reads, in the system's folders; the rest has its exact rule, or none."""
    policy = Policy(GrantSet(exec=ExecCapability(rules)))
    assert bool(policy.execute(command, resolved=resolved)) is plainly_run(rules, command, resolved)


VARIABLES = st.sampled_from(
    (
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "TZ",
        "LD_PRELOAD",
        "ld_audit",
        "BASH_ENV",
        "IFS",
        "AWS_REGION",
        "",
        "A=B",
    )
)
VALUES = st.sampled_from(("", "C", "de_DE.UTF-8", "/tmp/x", "../x", "%n", "Europe/Berlin", ":/x"))
STEERING = {"LD_PRELOAD", "ld_audit", "BASH_ENV", "IFS"}
HARMLESS = {"LANG", "LC_ALL", "TZ"}


@settings(deadline=None, max_examples=500)
@given(
    st.lists(st.one_of(VARIABLES, st.sampled_from(("*", "**", "L*", "A?S_*", "{IFS,PATH}"))), max_size=3),
    VARIABLES,
    VALUES,
)
def test_variables_are_granted_as_the_plain_specification_says(rules, name, value):
    """For reading, and for what a command is given."""
    policy = Policy(GrantSet(env=EnvironmentCapability(rules), exec=ExecCapability(["tool"])))
    starred = any(fnmatch.fnmatchcase(name, rule) for rule in rules) or (
        name in ("IFS", "PATH") and "{IFS,PATH}" in rules
    )
    assert bool(policy.environment(name)) is (name in rules or (starred and name not in STEERING))
    is_plain = value in ("", "C", "de_DE.UTF-8") or (name == "TZ" and value == "Europe/Berlin")
    is_name = name not in ("", "A=B")
    passed_on = is_name and (name in rules or (name in HARMLESS and is_plain))
    assert bool(policy.execute("tool", environment={name: value})) is passed_on
