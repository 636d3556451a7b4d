"""Programs that run other code, and the variables that steer programs: no wildcard may grant either."""

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
        "gmake", "ninja", "pkexec", "sg", "setpriv", "capsh", "prlimit", "runcon", "bwrap", "firejail",
        "unbuffer", "rlwrap", "fakeroot", "proot", "numactl", "cgexec", "valgrind", "perf", "catchsegv",
        "xvfb-run", "dbus-run-session", "systemd-inhibit", "run-parts", "logsave", "cpulimit", "tini",
        "dumb-init", "ssh-agent", "scp", "sftp", "rsync", "socat", "tmux", "screen", "dtach", "docker",
        "podman", "nerdctl", "npx", "pipx", "uvx", "ed", "ex", "vi", "view", "emacs", "sqlite", "psql",
        "mysql", "cmake", "jshell", "groovy", "scala", "ghc", "ghci", "runghc", "sbcl", "guile", "racket",
        "elixir", "iex", "erl", "gjs", "qjs",
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
    "fd": ("xX", ("--exec", "--exec-batch")),
    "fdfind": ("xX", ("--exec", "--exec-batch")),
    "rg": ("", ("--pre", "--hostname-bin")),
    "git": (
        "cO",
        ("--config-env", "--exec-path", "--upload-pack", "--receive-pack", "--open-files-in-pager"),
    ),
    "tar": (
        "IF",
        (
            "--to-command", "--checkpoint-action", "--use-compress-program", "--rsh-command", "--info-script",
            "--new-volume-script",
        ),
    ),
    "zip": ("T", ("--unzip-command",)),
    "sort": ("", ("--compress-program",)),
    "split": ("", ("--filter",)),
    "tcpdump": ("z", ()),
    "rpm": ("E", ("--eval", "--pipe", "--define", "--predefine", "--load")),
    "dpkg": ("", ("--pre-invoke", "--post-invoke", "--status-logger")),
    "ip": ("", ("netns",)),
    "nc": ("ec", ("--exec", "--sh-exec", "--lua-exec")),
    "ncat": ("ec", ("--exec", "--sh-exec", "--lua-exec")),
    "netcat": ("ec", ("--exec", "--sh-exec", "--lua-exec")),
    "pip": ("", ("install", "download", "wheel")),
    "npm": ("", ("exec", "x", "run", "run-script", "install", "i", "ci", "start", "test", "explore")),
    "cargo": ("", ("run", "test", "build", "install", "bench")),
    "go": ("", ("run", "test", "generate", "tool", "install", "get", "build", "vet")),
    "uv": ("", ("run", "tool", "pip", "sync")),
    "nmap": ("", ("--script",)),
    "wget": ("", ("--use-askpass",)),
    "man": ("PH", ("--pager", "--html")),
    "openssl": ("", ("-engine", "-provider", "-provider-path")),
    "vim": ("cS", ("--cmd",)),
    "nvim": ("cSl", ("--cmd",)),
}  # fmt: skip
_VERSION = re.compile(r"[-_]?[0-9].*$")
"""From the first digit on: `perl5.36-x86_64-linux-gnu` is perl, `python3-dbg` is python."""
_SHORTEST_OPTION = 4
"""Of a long option, GNU programs take any beginning: `tar --to-c=id`."""


def runs_code(command: str, args: Sequence[str], resolved: str = "") -> str:
    """Return why a call runs code of the caller's choosing, an empty string if it does not.

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
    """Return the argument that is, or begins, an option by which this kind of program is given code."""
    letters, options = _CODE_FLAGS.get(kind, ("", ()))
    for index, given in enumerate(args):
        arg = f"-{given}" if kind == "tar" and index == 0 and not given.startswith("-") else given
        name = arg.partition("=")[0]
        abbreviates = name.startswith("--") and len(name) >= _SHORTEST_OPTION
        if any(name == option or (abbreviates and option.startswith(name)) for option in options):
            return name
        if arg == "-" and letters:
            return "-, standard input"
        if re.match(r"-[^-]", arg) and not set(letters).isdisjoint(arg[1:]):
            return name[:10]
    return ""


def _base_name(command: str) -> str:
    name = command.replace("\\", "/").rpartition("/")[2]
    return name.removesuffix(".exe")


_BLOCKED_PREFIXES = ("LD_", "DYLD_", "_RLD", "BASH_FUNC_")
_BLOCKED = frozenset(
    {
        "IFS", "LOCPATH", "BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "PROMPT_COMMAND", "GCONV_PATH",
        "HOSTALIASES", "NLSPATH", "RES_OPTIONS", "LOCALDOMAIN", "MALLOC_TRACE", "GLIBC_TUNABLES",
        "ZDOTDIR", "SHLIB_PATH", "LIBPATH", "GETCONF_DIR", "TZDIR", "RESOLV_HOST_CONF",
    }
)  # fmt: skip
_GATED = frozenset(
    {
        "PATH", "HOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME", "PYTHONINSPECT", "PYTHONBREAKPOINT",
        "PYTHONWARNINGS", "NODE_OPTIONS", "NODE_PATH", "RUBYLIB", "RUBYOPT", "PERL5LIB", "PERLLIB",
        "PERL5OPT", "PERL5DB", "LUA_PATH", "LUA_CPATH", "LUA_INIT", "CDPATH", "PS4", "JAVA_TOOL_OPTIONS",
        "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH", "EDITOR", "VISUAL", "PAGER", "BROWSER",
        "GIT_SSH", "GIT_SSH_COMMAND", "GIT_EXEC_PATH", "GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_EDITOR",
        "GIT_ASKPASS", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_COUNT", "SSH_ASKPASS",
        "LESSOPEN", "LESSCLOSE", "MANPAGER", "TAR_OPTIONS", "MAKEFLAGS", "OPENSSL_CONF",
        "OPENSSL_ENGINES", "OPENSSL_MODULES", "PHPRC", "PHP_INI_SCAN_DIR", "TCLLIBPATH", "AWKPATH",
        "AWKLIBPATH", "SSLKEYLOGFILE", "PYTHONUSERBASE", "PYTHONPYCACHEPREFIX", "PYTHONEXECUTABLE",
        "PYTHONPLATLIBDIR", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_DATA_HOME", "XDG_DATA_DIRS",
        "GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS",
        "GIT_TEMPLATE_DIR", "GIT_PROXY_COMMAND", "GIT_SEQUENCE_EDITOR", "SUDO_ASKPASS", "RSYNC_RSH",
        "RSYNC_CONNECT_PROG", "CVS_RSH", "SVN_SSH", "GEM_HOME", "GEM_PATH", "BUNDLE_GEMFILE", "CURL_HOME",
        "WGETRC", "KUBECONFIG", "AWS_CONFIG_FILE", "DOCKER_CONFIG", "VIMINIT", "EXINIT", "MYVIMRC",
        "EMACSLOADPATH", "MAVEN_OPTS", "GRADLE_OPTS", "JULIA_LOAD_PATH", "R_PROFILE", "R_PROFILE_USER",
        "R_ENVIRON", "R_LIBS", "ERL_FLAGS", "GOFLAGS", "RUSTC_WRAPPER", "GCC_EXEC_PREFIX", "COMPILER_PATH",
        "MANOPT", "LESSKEY", "INPUTRC", "SHELL", "COMSPEC", "PATHEXT",
    }
)  # fmt: skip
_GATED_PREFIXES = ("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_", "NPM_CONFIG_", "PIP_")


def is_blocked(name: str) -> bool:
    """Whether only its exact name grants a variable (tier one: it steers the linker or the shell)."""
    upper = name.upper()
    return upper in _BLOCKED or upper.startswith(_BLOCKED_PREFIXES)


def is_gated(name: str) -> bool:
    """Whether a command may be given a variable only with a grant for it (tier two: it steers programs)."""
    upper = name.upper()
    return upper in _GATED or upper.startswith(_GATED_PREFIXES)
