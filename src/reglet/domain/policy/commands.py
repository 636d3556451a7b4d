"""Commands that run other code: no wildcard may grant them."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SHELLS = frozenset(
    {
        "sh", "ash", "bash", "dash", "rbash", "zsh", "ksh", "ksh93", "mksh", "pdksh", "csh", "tcsh", "fish",
        "elvish", "nu", "xonsh", "pwsh", "powershell", "cmd",
    }
)  # fmt: skip
_RUNNERS = frozenset(
    {
        "env", "xargs", "parallel", "nice", "ionice", "nohup", "timeout", "setsid", "stdbuf", "time",
        "chroot", "unshare", "nsenter", "sudo", "doas", "su", "runuser", "busybox", "toybox", "watch",
        "script", "strace", "ltrace", "gdb", "flock", "taskset", "chrt", "setarch", "linux32", "linux64",
        "ssh", "systemd-run", "start-stop-daemon", "awk", "gawk", "mawk", "nawk", "sed", "expect", "make",
        "gmake",
    }
)  # fmt: skip
"""Programs whose arguments are, or hold, another program."""
_LOADERS = ("ld-linux", "ld-musl", "ld.so")
_MULTICALL = frozenset({"busybox", "toybox", "coreutils"})
_CODE_FLAGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "python": ("cmi", ("--command",)),
    "pypy": ("cmi", ("--command",)),
    "perl": ("eEMmIx", ()),
    "ruby": ("erI", ()),
    "irb": ("erI", ()),
    "node": ("epri", ("--eval", "--print", "--require", "--import", "--loader", "--experimental-loader")),
    "nodejs": ("epri", ("--eval", "--print", "--require", "--import", "--loader", "--experimental-loader")),
    "deno": ("e", ("eval", "--eval")),
    "bun": ("epr", ("--eval", "--print", "--preload")),
    "php": ("rBRE", ("--run", "--process-begin", "--process-code", "--process-end")),
    "lua": ("eli", ()),
    "luajit": ("elij", ()),
    "tclsh": ("c", ()),
    "wish": ("c", ()),
    "osascript": ("e", ()),
    "R": ("e", ()),
    "Rscript": ("e", ()),
    "julia": ("eEL", ("--eval", "--print", "--load")),
    "find": ("", ("-exec", "-execdir", "-ok", "-okdir")),
    "git": ("c", ("--config-env", "--exec-path", "--upload-pack", "--receive-pack")),
    "tar": ("I", ("--to-command", "--checkpoint-action", "--use-compress-program", "--rsh-command")),
    "vim": ("cS", ("--cmd",)),
}
_VERSION = re.compile(r"[-_]?[0-9][0-9.]*$")


def runs_code(command: str, args: Sequence[str], resolved: str = "") -> str:
    """Return why a call runs code of the caller's choosing, an empty text if it does not.

    `resolved` is the file behind the command's symlinks: a shell stays a shell under another name.
    """
    reason = _reason(_base_name(command), args)
    if reason or not resolved or _base_name(resolved) in _MULTICALL:
        return reason
    return _reason(_base_name(resolved), args)


def _reason(name: str, args: Sequence[str]) -> str:
    kind = _VERSION.sub("", name) or name
    if not args and kind not in _SHELLS:
        return ""
    if kind in _SHELLS or name in _SHELLS:
        return f"{name} is a shell"
    if kind in _RUNNERS or name in _RUNNERS or name.startswith(_LOADERS):
        return f"{name} runs the program or code in its arguments"
    flag = _code_flag(kind, args)
    return f"{name} runs the code given with {flag}" if flag else ""


def _code_flag(kind: str, args: Sequence[str]) -> str:
    letters, words = _CODE_FLAGS.get(kind, ("", ()))
    for arg in args:
        if any(arg == word or arg.startswith(f"{word}=") for word in words):
            return arg.partition("=")[0]
        if arg == "-" and letters:
            return "-, standard input"
        if re.match(r"-[^-]", arg) and not set(letters).isdisjoint(arg[1:]):
            return arg.split("=")[0][:10]
    return ""


def _base_name(command: str) -> str:
    name = command.replace("\\", "/").rpartition("/")[2]
    return name.removesuffix(".exe")
