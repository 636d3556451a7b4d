"""Tracebacks for authors: their own frames, bounded, with source where it is known.

Source lines come from `linecache`; inside a guest there are no files, so a build may fill it.
"""

from __future__ import annotations

import importlib
import posixpath
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import attrs


def _folder(function: Callable[..., Any], levels: int) -> str:
    """Return the folder `levels` above a function's file, as frames name it."""
    path = function.__code__.co_filename.replace("\\", "/")
    for _ in range(levels):
        path = posixpath.dirname(path)
    return path + "/"


_OURS = (_folder(_folder, 2), _folder(attrs.define, 1), "<attrs generated", "<reglet ")
_IMPORTS = (_folder(importlib.import_module, 1), "<frozen importlib.")
_MOST_FRAMES = 40
_MOST_CHARACTERS = 16 * 1024


def author_traceback(error: BaseException) -> str:
    """Return the traceback of an error without the frames of reglet, attrs and the import system."""
    summary = traceback.TracebackException.from_exception(error, limit=-_MOST_FRAMES, compact=True)
    for each in _chain(summary):
        kept = [frame for frame in each.stack if not _is_ours(frame.filename)]
        each.stack = traceback.StackSummary.from_list(kept)
    text = "".join(summary.format())
    return text if len(text) <= _MOST_CHARACTERS else "…" + text[-_MOST_CHARACTERS:]


def _chain(summary: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    pending = [summary]
    while pending:
        each = pending.pop()
        yield each
        linked = (each.__cause__, each.__context__, *(each.exceptions or ()))
        pending += [link for link in linked if link is not None]


def _is_ours(filename: str) -> bool:
    return filename.replace("\\", "/").startswith((*_OURS, *_IMPORTS))


def one_line(error: BaseException) -> str:
    """Return an error as `Type: text`, even where its text cannot be had."""
    name = type(error).__name__
    try:
        text = str(error)
    except Exception as unsayable:  # noqa: BLE001 - an author's __str__ may raise anything
        text = f"<its text cannot be had: {type(unsayable).__name__}>"
    return f"{name}: {text}" if text else name
