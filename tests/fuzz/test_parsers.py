"""Whatever bytes come, a parser ends in a value or in an error of ours, in time that grows with their number."""

from __future__ import annotations

import gc
import time

import pytest

from reglet.domain.errors import RegletError
from tests.fuzz.mutation import grown, mutated
from tests.fuzz.targets import TARGETS, Target

QUICK, LONG = 200, 100_000
GROWTH = 4
LEAST_SECONDS = 0.05
"""Below this a clock tells nothing."""

targets = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled modules of thousands do not drop those of others."""
    monkeypatch.setenv("REGLET_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "fuzz-cache"))


def ended(target: Target, content: bytes, name: object) -> None:
    """Parse; whatever is raised that is no error of ours is a failure that shows the input to keep."""
    try:
        target.parse(content)
    except RegletError:
        return
    except BaseException as error:  # noqa: BLE001 - that is the question
        pytest.fail(
            f"{target.name}, input {name}: {type(error).__name__}: {error!s:.300}\nkeep it: {content[:2000]!r}"
        )


@targets
def test_what_is_kept_ends_in_a_value_or_an_error_of_ours(target: Target):
    """Also what once did not."""
    for number, content in enumerate(target.corpus):
        ended(target, content, f"{number} of the corpus")


@pytest.mark.unmeasured
@targets
def test_some_hundred_inputs_end_in_a_value_or_an_error_of_ours(target: Target):
    """The first of those that the long run tries."""
    for number in range(QUICK):
        ended(target, mutated(target.corpus, number), number)


@pytest.mark.long
@targets
def test_a_hundred_thousand_inputs_end_in_a_value_or_an_error_of_ours(target: Target):
    """What one of them needs is made once: a sandbox, a folder in memory."""
    corpus = target.corpus
    for number in range(LONG):
        ended(target, mutated(corpus, number), number)


def seconds(target: Target, content: bytes) -> float:
    """Return the processor's time; a collection of garbage would be that of the whole test run."""
    gc.disable()
    try:
        started = time.process_time()
        ended(target, content, "grown")
        return time.process_time() - started
    finally:
        gc.enable()


@pytest.mark.unmeasured
@targets
def test_time_grows_with_the_input_and_never_faster(target: Target):
    """Four times the input takes about four times as long; sixteen times would be its square."""
    corpus = target.corpus[:2]
    for (name, small), (_, large) in zip(
        grown(corpus, target.size), grown(corpus, target.size * GROWTH), strict=True
    ):
        slow = seconds(target, large)
        if slow < LEAST_SECONDS:
            continue
        quick = min(seconds(target, small) for _ in range(3))
        most = max(LEAST_SECONDS, quick * GROWTH * 2.5)
        for _ in range(9):  # once may be chance
            if slow < most:
                break
            slow = min(slow, seconds(target, large))
        assert slow < most, f"{name}: {quick:.3f} s, {slow:.3f} s"
