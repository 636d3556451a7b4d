"""What TARGET names: a built module, or a plugin to run in process."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from reglet.cli.errors import UsageError, require_extra


def is_module(target: str) -> bool:
    """Whether TARGET is a WebAssembly file, by its name, or a plugin in a registry."""
    return target.endswith(".wasm") or _is_in_registry(target)


def module_path(target: str) -> Path:
    """Return the path of a TARGET that is a module; one in a registry is pulled.

    Raises:
        UsageError: there is no such file, or an extra is missing.
        RegletError: it cannot be pulled.
    """
    path = local_path(target)
    if not path.is_file():
        raise UsageError(f"{target} is not there: build it with `reglet-plugin build PROJECT -o {target}`")
    return path


def local_path(target: str) -> Path:
    """Return the path that TARGET is, or of the file that was pulled for it.

    Raises:
        UsageError: an extra is missing.
        RegletError: it cannot be pulled.
    """
    if not _is_in_registry(target):
        return Path(target)
    require_extra("registry", "a plugin in a registry")
    from reglet.infrastructure.registry.artifact import digest_of
    from reglet.infrastructure.registry.reference import parse_reference
    from reglet.infrastructure.registry.store import PluginStore, pull_artifact

    store = PluginStore()
    artifact = pull_artifact(parse_reference(target), store)
    sys.stderr.write(f"{target} is {artifact.digest}\n")
    return store.path(digest_of(artifact.module))


def _is_in_registry(target: str) -> bool:
    """Whether TARGET is a reference, which a file of that name would precede."""
    from reglet.infrastructure.registry.reference import is_reference

    return is_reference(target) and not Path(target).exists()


def require_project(path: Path) -> None:
    """Raise `UsageError` unless a path is a project's folder, which is what has tests."""
    if path.suffix == ".py" and path.is_file():
        raise UsageError(
            f"{path} is one file, and tests belong to a project: make one with `reglet-plugin new`"
        )
    if not (path / "pyproject.toml").is_file():
        raise UsageError(
            f"{path} is no project: it has no pyproject.toml; name the project's folder, or make one "
            "with `reglet-plugin new`"
        )


def add_target_argument(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Add TARGET to a command; with a default it may be left out."""
    parser.add_argument(
        "target",
        metavar="TARGET",
        nargs="?" if default else None,
        default=default,
        help="a .wasm file, the reference of a plugin in a registry, a project folder, a .py file or "
        "module:attribute; the last three run in process",
    )
