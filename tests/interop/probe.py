"""A plugin whose operations try what a guest can and cannot do; one file, so that hosts compile it once."""

PROBE = """\
import datetime
import logging
import os
import pathlib
import random
import time

import reglet

plugin = reglet.define_plugin(name="probe", version="1.0.0", description="Tries what a guest can do")


@reglet.model
class Input:
    text: str = ""


@reglet.model
class Output:
    text: str


@plugin.service("probe")
class Probe:
    @reglet.operation(description="Say it again")
    def echo(self, request: Input) -> Output:
        return Output(request.text)

    @reglet.operation(description="Return what belongs to this run: environment, random number, logging's start")
    def run(self) -> Output:
        age = logging.LogRecord("", 0, "", 0, "", (), None).relativeCreated / 1000
        return Output(f"{os.environ.get('FROM_HOST')} {random.random()} {int(time.time() - age)}")

    @reglet.operation(description="Read a file")
    def read(self, request: Input) -> Output:
        return Output(pathlib.Path(request.text).read_text())

    @reglet.operation(description="Sleep for a twentieth of a second and return how long it took")
    def sleep(self) -> Output:
        start = time.monotonic()
        time.sleep(0.05)
        return Output(str(time.monotonic() - start))

    @reglet.operation(description="Read a date")
    def date(self, request: Input) -> Output:
        return Output(datetime.datetime.strptime(request.text, "%d %B %Y").date().isoformat())

    @reglet.operation(description="Break")
    def bug(self, request: Input) -> Output:
        return {}[request.text]

    @reglet.operation(description="Import what the build did not")
    def late(self) -> Output:
        import sqlite3

        return Output(sqlite3.sqlite_version)
"""
