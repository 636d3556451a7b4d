"""Plugins in Python that never end, eat memory or break their interpreter, and the neighbours that they have."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest

from reglet.domain.entities.result import Result
from reglet.sandbox import GuestTrapError, LimitExceededError, Limits, Sandbox
from tests.host.modules import plugin

SOURCE = '''
import reglet

plugin = reglet.define_plugin(name="told", version="1.0.0", description="Runs what it is told")


@reglet.model
class Deed:
    """What to do."""

    code: str


@reglet.model
class Nothing:
    """It does not get here."""


@plugin.service("deeds", description="Deeds")
class Deeds:
    @reglet.operation(description="Run code")
    def run(self, request: Deed) -> Nothing:
        """Run it."""
        exec(request.code, {})
        return Nothing()
'''

BOMBS = {
    "a loop": "while True: pass",
    "a loop that catches everything": "while True:\n  try: 1 / 0\n  except BaseException: pass",
    "a sum": "sum(range(10**12))",
    "a power": "10 ** 10 ** 8",
    "a number of many digits": "str(1 << (1 << 26))",
    "a factorial": "import math; math.factorial(10**7)",
    "a sort": "while True: sorted(range(10**6, 0, -1), key=lambda n: -n)",
    "a pattern that backtracks": "import re; re.match('(a+)+$', 'a' * 60 + 'b')",
    "a sleep": "import time; time.sleep(3600)",
    "recursion": "def again(): again()\nagain()",
    "recursion without end": "def again():\n  try: again()\n  finally: again()\nagain()",
    "recursion below C": "import json\ndeep = []\nfor _ in range(10**6): deep = [deep]\njson.dumps(deep)",
    "a repr of what is deep": "deep = []\nfor _ in range(10**6): deep = [deep]\nrepr(deep)",
    "a parser's stack": "compile('(' * 10**5, '', 'eval')",
    "a literal that is deep": "import ast; ast.literal_eval('-' * 10**6 + '1')",
    "memory in one piece": "bytearray(10**9)",
    "memory in many": "kept = []\nwhile True: kept.append(bytearray(10**6))",
    "a string that doubles": "text = 'x'\nwhile True: text += text",
    "a list that doubles": "many = [0]\nwhile True: many += many",
    "a format that is wide": "'%*d' % (2 * 10**9, 1)",
    "a zip bomb": "import zlib; data = b'0' * 10**8\nwhile True: data = zlib.compress(data) * 1000",
    "garbage in circles": "while True:\n  a = []; b = [a] * 10**5; a.append(b)",
    "finalizers that bring back": "class A:\n  def __del__(self): kept.append(A())\nkept = [A()]\nwhile True: kept.pop()",
    "an exit": "raise SystemExit(7)",
    "an exit below Python": "import os; os._exit(7)",
    "an abort": "import os; os.abort()",
    "an interrupt": "raise KeyboardInterrupt",
    "a generator that is left": "def endless():\n  try: yield\n  finally:\n    while True: pass\nnext(endless())",
    "a key that is never equal": "class K:\n  __hash__ = lambda s: 1\n  __eq__ = lambda s, o: False\n{K(): 1 for _ in range(10**5)}",
    "an error that cannot be shown": "class E(Exception):\n  def __str__(self): raise E\nraise E",
    "an error whose text is endless": "raise ValueError('x' * 10**8)",
    "an error of a million causes": "error = None\nfor n in range(10**6):\n  new = ValueError(n); new.__cause__ = error; error = new\nraise error",
    "a trace function": "import sys\nsys.settrace(lambda *_: 1 / 0)\nlen([])",
    "no limit on recursion": "import sys\nsys.setrecursionlimit(2**31 - 1)\ndef again(): again()\nagain()",
    "bytes that are no code": "import types\neval((lambda: 0).__code__.replace(co_code=b'\\xff' * 100))",
    "a module that is replaced": "import sys\nsys.modules['json'] = sys.modules['reglet'] = None",
    "builtins that are gone": "import builtins\nfor n in list(vars(builtins)): delattr(builtins, n)",
    "printing": "while True: print('x' * 10**5)",
    "a file of its own": "while True: open('/evil', 'w')",
    "a thread": "import _thread\nwhile True: _thread.start_new_thread(print, ())",
    "random numbers": "import os\nwhile True: os.urandom(10**6)",
}


CHECKS = 10
"""Of a neighbour, for each bomb."""


@pytest.fixture(scope="module")
def told(built_source):
    """The plugin that runs what it is told, under small limits."""
    limits = Limits(wall_time=timedelta(milliseconds=300), memory=128 << 20)
    with Sandbox(limits=limits) as sandbox:
        yield sandbox.load(built_source(SOURCE))


@pytest.fixture(scope="module")
def patient(built_source):
    """The same plugin, which has time on a busy machine too."""
    with Sandbox() as sandbox:
        yield sandbox.load(built_source(SOURCE))


@pytest.fixture(scope="module")
def neighbours():
    """Checks of another plugin, one after another, all the while."""
    outcomes: list[Result | Exception] = []
    stop = threading.Event()

    def check():
        with Sandbox() as sandbox:
            module = sandbox.load(plugin())
            while not stop.is_set():
                try:
                    outcomes.append(module.check({}))
                except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome
                    outcomes.append(error)
                stop.wait(0.002)

    thread = threading.Thread(target=check)
    thread.start()
    yield outcomes
    stop.set()
    thread.join()


@pytest.mark.parametrize("code", BOMBS.values(), ids=BOMBS)
def test_a_bomb_ends_in_a_result_or_an_error_of_the_sandbox(told, patient, neighbours, code):
    """And meanwhile everybody else's checks go on, and none of them goes wrong."""
    before = len(neighbours)
    try:
        outcome = told.check({"code": code})
    except (GuestTrapError, LimitExceededError) as error:
        outcome = error
    assert not isinstance(outcome, Result) or len(str(outcome)) < 1 << 20
    patience = time.monotonic() + 60
    while len(neighbours) < before + CHECKS and time.monotonic() < patience:
        time.sleep(0.002)
    assert len(neighbours) >= before + CHECKS
    assert patient.check({"code": "1"}).is_success
    assert all(isinstance(each, Result) and each.is_success for each in neighbours[before:])
