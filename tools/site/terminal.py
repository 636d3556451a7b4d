"""Draws the picture of a terminal that heads the README: `python -m tools.site.terminal`, or `make picture`.

The commands are run, not written down, so that the picture shows what they print.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).parents[2] / "docs" / "assets" / "terminal.svg"
COMMANDS = (
    "reglet-plugin new web-check",
    "cd web-check",
    "reglet-plugin test . -- -q",
    "reglet-plugin run . --example a_page_that_answers",
    "reglet-plugin build -o web-check.wasm",
)
_COLUMNS = 88
_REPLACED = re.compile(r"^.*….*\n", re.MULTILINE)
"""Lines of progress, which a terminal shows until the stage is done."""

_WEB_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def main() -> None:
    """Run the commands in an empty folder and write the picture."""
    console = Console(record=True, width=_COLUMNS, file=StringIO(), force_terminal=True)
    with TemporaryDirectory() as folder:
        where = Path(folder)
        for command in COMMANDS:
            console.print(Text.assemble(("$ ", "bright_black"), (command, "bold")))
            if command.startswith("cd "):
                where /= command.removeprefix("cd ")
            else:
                console.print(Text.from_ansi(_output(command, where)))
    drawing = _WEB_FONTS.sub("", console.export_svg(title="reglet-plugin", unique_id="terminal"))
    PICTURE.write_text(drawing, encoding="utf-8")


def _output(command: str, folder: Path) -> str:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": str(_COLUMNS),
        "FORCE_COLOR": "1",
    }
    done = subprocess.run(  # noqa: S602 - the commands above
        command,
        shell=True,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return _REPLACED.sub("", done.stdout).rstrip()


if __name__ == "__main__":
    main()
