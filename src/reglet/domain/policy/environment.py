"""Environment variables that make programs run other code (the Go host SDK's tiers)."""

from __future__ import annotations

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
