"""Where a project comes from, as annotations have it: by its files, its git repository and its commit."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reglet.application.names import PROJECT_FILE
from reglet.domain.errors import RegletError
from reglet.domain.time import format_time
from reglet.domain.urls import without_credentials

CREATED = "org.opencontainers.image.created"
_SOURCE = "org.opencontainers.image.source"
_LICENSES = "org.opencontainers.image.licenses"
_SOURCE_LABELS = ("source", "repository", "sourcecode", "github")  # PyPA's well-known labels
_NOT_IN_LABELS = re.compile(r"[\s\-_.]+")
_SSH = re.compile(r"(?:ssh://)?git@(?P<host>[^:/]+)[:/](?P<path>.+)")


class SourceDateError(RegletError):
    """`SOURCE_DATE_EPOCH` is not a number of seconds."""

    error_type = "config"


def annotations_of_project(folder: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what a project's files and its git repository say of its origin; what is unknown is left out.

    Nothing depends on the time of the call, so that the same commit gives the same annotations.

    Raises:
        SourceDateError: `SOURCE_DATE_EPOCH` is no time.
    """
    project = _project_table(folder)
    licence = project.get("license")  # an SPDX expression, which the annotation wants, unless it is a table
    known = {
        CREATED: created(folder, environment),
        _SOURCE: _source(project) or _remote(folder),
        _LICENSES: licence if isinstance(licence, str) else "",
    }
    return {name: value for name, value in known.items() if value}


def created(folder: Path, environment: Mapping[str, str] = os.environ) -> str:
    """Return `SOURCE_DATE_EPOCH`, else the time of the folder's commit, in RFC 3339; nothing without either.

    Raises:
        SourceDateError: `SOURCE_DATE_EPOCH` is no time.
    """
    seconds = environment.get("SOURCE_DATE_EPOCH") or _git(folder, "log", "-1", "--format=%ct")
    if not seconds:
        return ""
    try:
        return format_time(datetime.fromtimestamp(int(seconds), UTC))
    except (ValueError, OverflowError, OSError) as error:
        raise SourceDateError(
            f"SOURCE_DATE_EPOCH is {seconds!r}: give whole seconds since 1970, such as 1700000000"
        ) from error


def source_url(folder: Path) -> str:
    """Return the URL of a folder's source: what its project names, else the remote of its git repository."""
    return _source(_project_table(folder)) or _remote(folder)


def _project_table(folder: Path) -> dict[str, Any]:
    try:
        project = tomllib.loads((folder / PROJECT_FILE).read_text(encoding="utf-8")).get("project", {})
    except (OSError, ValueError, RecursionError):
        return {}
    return project if isinstance(project, dict) else {}


def _source(project: Mapping[str, Any]) -> str:
    urls = project.get("urls")
    labels = {
        _NOT_IN_LABELS.sub("", name.lower()): url
        for name, url in (urls.items() if isinstance(urls, dict) else ())
        if isinstance(url, str)
    }
    return next((without_credentials(labels[label]) for label in _SOURCE_LABELS if label in labels), "")


def _remote(folder: Path) -> str:
    """Return the URL of git's origin, over HTTPS and without user name and password."""
    url = _git(folder, "remote", "get-url", "origin")
    ssh = _SSH.fullmatch(url)
    if ssh:
        url = f"https://{ssh['host']}/{ssh['path']}"
    return without_credentials(url).removesuffix(".git") if url.startswith(("https://", "http://")) else ""


def _git(folder: Path, *arguments: str) -> str:
    """Return what git prints, nothing if it fails or is not installed."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and git as the user has it
            ["git", *arguments],  # noqa: S607
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
