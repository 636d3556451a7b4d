"""Host functions for worker processes: a module of its own, since a worker imports it."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from tests.patience import comes_true


class Host:
    """Host functions that do what a config says, and note each check in a folder."""

    def __init__(self, folder: Path):
        """Note in files of `folder`, one for each name."""
        self.folder = folder

    def call(self, _name: str, request: bytes) -> bytes:
        """End the process the first `deaths` times, else sleep `seconds`; answer with a Result.

        Before it answers it waits for the check of the name `after` to begin.
        """
        wish = json.loads(request)
        notes = self.folder / wish["name"]
        with notes.open("a") as file:
            file.write(f"{os.getpid()}\n")
        if len(notes.read_text().splitlines()) <= wish.get("deaths", 0):
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(wish.get("seconds", 0))
        assert "after" not in wish or comes_true((self.folder / wish["after"]).exists)
        return json.dumps({"status": "success", "message": f"{wish['name']} by {os.getpid()}"}).encode()


def wishes(number: int, **more: object) -> list[dict[str, object]]:
    """Return as many configs, each with a name of its own."""
    return [{"name": str(index), **more} for index in range(number)]
