"""The Go host of `tests/interop/host`, run as a command: what production does, with wazero."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

SOURCE = Path(__file__).with_name("host")
_MOST_SECONDS = 300


@attrs.frozen
class GoHost:
    """A built host and a folder for what it keeps, which processes share."""

    command: Path
    folder: Path

    def run(
        self,
        plugin: Path,
        config: Mapping[str, Any] | None = None,
        *options: str,
        answers: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Load a plugin, call it and return the host's report.

        Args:
            plugin: the built file.
            config: the config; `{}` when left out.
            options: further options of the command.
            answers: what each host function answers, by name.
        """
        answers_file = self.folder / f"answers-{os.getpid()}.json"
        answers_file.write_text(json.dumps(answers or {}))
        command = [
            str(self.command),
            f"-cache={self.folder / 'compiled'}",
            f"-config={json.dumps(config or {})}",
            f"-answers={answers_file}",
            *options,
            str(plugin),
        ]
        done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=_MOST_SECONDS)
        assert done.returncode == 0, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report


def build_go_host(folder: Path, go: str) -> GoHost:
    """Build the host with a Go toolchain."""
    command = folder / "host"
    subprocess.run([go, "build", "-o", str(command), "."], cwd=SOURCE, check=True, timeout=_MOST_SECONDS)
    return GoHost(command, folder)
