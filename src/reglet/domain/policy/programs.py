"""Which programs a wildcard may grant, and which variables a command may be given without a rule.

Both lists are closed: what is not known to be harmless needs its exact rule. No list of bad ones ends.
"""

from __future__ import annotations

import posixpath
import re

_SYSTEM_FOLDERS = frozenset({"/bin", "/sbin", "/usr/bin", "/usr/sbin"})
"""Where a name means the system's own program."""

_READING_PROGRAMS = frozenset(
    {
        "[", "arch", "b2sum", "base32", "base64", "basename", "cat", "cksum", "cmp", "comm", "cut", "df",
        "dirname", "du", "echo", "expand", "expr", "factor", "false", "findmnt", "fmt",
        "fold", "free", "getent", "getfacl", "grep", "groups", "head", "hostid", "id", "join",
        "last", "locale", "logname", "ls", "lsattr", "lsblk", "lscpu", "lsmem", "lsmod", "lsns",
        "md5sum", "mountpoint", "netstat", "nl", "nproc", "numfmt", "od", "paste", "pathchk", "pgrep",
        "pidof", "pinky", "printf", "ps", "pwd", "readlink", "realpath", "seq", "sha1sum", "sha224sum",
        "sha256sum", "sha384sum", "sha512sum", "sleep", "stat", "strings", "sum", "tac", "tail", "test", "tr",
        "true", "tsort", "tty", "uname", "unexpand", "uptime", "users", "vmstat", "w", "wc", "who", "whoami",
    }
)  # fmt: skip
"""Programs that run no other program and change nothing, whatever their arguments are."""

_MULTICALL_PROGRAMS = frozenset({"busybox", "toybox", "coreutils"})
"""One file behind many names: the name decides which program it is."""

_HARMLESS_VARIABLES = frozenset(
    {"CLICOLOR", "COLUMNS", "LANG", "LANGUAGE", "LINES", "LOGNAME", "NO_COLOR", "TERM", "TZ", "USER"}
)
"""What a program may be given without a rule: they change how it writes, not what it does."""
_PLAIN_VALUE = re.compile(r"[\w.,:@+=<> -]*")
_TIME_ZONE = re.compile(r"(?![:/])(?!.*\.\.)[\w.,/+<>:-]*")
"""What such a variable may hold: catalogues of messages, locales and time zones are files elsewhere too."""

_INJECTED_PREFIXES = ("LD_", "DYLD_", "_RLD", "BASH_FUNC_")
_INJECTED_VARIABLES = frozenset(
    {
        "IFS", "LOCPATH", "BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "PROMPT_COMMAND", "GCONV_PATH",
        "HOSTALIASES", "NLSPATH", "RES_OPTIONS", "LOCALDOMAIN", "MALLOC_TRACE", "GLIBC_TUNABLES",
        "ZDOTDIR", "SHLIB_PATH", "LIBPATH", "GETCONF_DIR", "TZDIR", "RESOLV_HOST_CONF",
    }
)  # fmt: skip
"""The linker's and the shell's own (tier one of the Go host SDK)."""


def only_reads(command: str, resolved: str) -> bool:
    """Whether a command is known to run nothing else and to change nothing.

    `command` is a bare name or an absolute path, `resolved` the file behind its symlinks, empty if unknown.
    """
    name = posixpath.basename(command)
    files = [each for each in (command, resolved) if "/" in each]
    known = {posixpath.basename(resolved or command)} <= {name, *_MULTICALL_PROGRAMS}
    return (
        name in _READING_PROGRAMS
        and known
        and all(posixpath.dirname(file) in _SYSTEM_FOLDERS for file in files)
    )


def is_harmless_variable(name: str, value: str = "") -> bool:
    """Whether a command may be given a variable that no rule names, with this value: a word, no path."""
    plain = _TIME_ZONE if name == "TZ" else _PLAIN_VALUE
    return (name in _HARMLESS_VARIABLES or name.startswith("LC_")) and plain.fullmatch(value) is not None


def injects_code(name: str) -> bool:
    """Whether a variable is one that makes the linker or the shell run other code."""
    upper = name.upper()
    return upper in _INJECTED_VARIABLES or upper.startswith(_INJECTED_PREFIXES)
