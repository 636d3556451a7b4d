"""`--config JSON|@FILE|-`: a config as bytes."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from reglet.cli.errors import UsageError

_STDIN = ("-", "@-")
_NOTHING = "''"


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--config` to a command."""
    parser.add_argument(
        "--config",
        metavar="JSON|@FILE|-",
        default="{}",
        help="the check's config: a JSON object, @FILE, or - for stdin",
    )


def read_config(argument: str) -> bytes:
    """Return the config's bytes, after making sure that they are a JSON object.

    Raises:
        UsageError: the file cannot be read, or the text is not a JSON object; says where it goes wrong.
    """
    text = _text(argument)
    if not text.strip():
        raise UsageError(f"--config {argument or _NOTHING} is empty: give a JSON object, {{}} for no fields")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno} column {error.colno}"
        raise UsageError(f"--config is not JSON: {error.msg} at {at}: {_near(text, error.pos)}") from error
    if not isinstance(value, dict):
        raise UsageError(f'--config must be a JSON object such as {{"url": "…"}}, not {type(value).__name__}')
    return text.encode()


def _text(argument: str) -> str:
    if argument not in _STDIN and not argument.startswith("@"):
        return argument
    try:
        if argument in _STDIN:
            return sys.stdin.buffer.read().decode()
        return Path(argument[1:]).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"--config {argument}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--config {argument}: {error}; save it as UTF-8") from error


def _near(text: str, position: int) -> str:
    return repr(text[max(0, position - 10) : position + 10])
