"""Libraries made at random: the linked module computes what their text says."""

from __future__ import annotations

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.runtime.linker.libraries import library
from tests.tools.runtime.linker.test_link import Instance
from tools.runtime.linker.link import LinkPlan, link
from tools.runtime.linker.read import Library
from tools.runtime.linker.resolve import Rules

MASK = (1 << 32) - 1
CALLS = ("call", "pointer in GOT", "pointer in data")


@attrs.frozen
class Step:
    """One thing that a function adds to its result; `target` is the number of an earlier function."""

    how: str
    target: int
    constant: int


@attrs.frozen
class Program:
    """Functions, each a list of steps, spread over libraries; every library has one number in its data."""

    functions: list[list[Step]]
    homes: list[int]
    numbers: list[int]

    def value(self, function: int) -> int:
        """What a function answers."""
        return sum(self._step(function, step) for step in self.functions[function]) & MASK

    def _step(self, function: int, step: Step) -> int:
        if step.how == "constant":
            return step.constant
        if step.how == "own data":
            return self.numbers[self.homes[function]]
        if step.how == "other data":
            return self.numbers[step.target % len(self.numbers)]
        return self.value(step.target)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Draw a program whose functions call only earlier ones."""
    homes = draw(st.lists(st.integers(0, 2), min_size=1, max_size=7))
    numbers = draw(st.lists(st.integers(0, MASK), min_size=3, max_size=3))
    functions = []
    for place in range(len(homes)):
        calls = CALLS if place else ()
        step = st.builds(
            Step,
            st.sampled_from(["constant", "own data", "other data", *calls]),
            st.integers(0, max(place - 1, 0)),
            st.integers(-(1 << 31), (1 << 31) - 1),
        )
        functions.append(draw(st.lists(step, min_size=1, max_size=4)))
    return Program(functions, homes, numbers)


def text_of(program: Program, home: int) -> str:
    """Write one library."""
    mine = [each for each, where in enumerate(program.homes) if where == home]
    used = {
        step.target
        for each in mine
        for step in program.functions[each]
        if "call pointer".find(step.how[:4]) >= 0
    }
    imports = [f'(import "env" "f{each}" (func $f{each} (result i32)))' for each in sorted(used - set(mine))]
    imports += [f'(import "GOT.func" "f{each}" (global $slot{each} (mut i32)))' for each in sorted(used)]
    imports += [f'(import "GOT.mem" "n{other}" (global $n{other} (mut i32)))' for other in range(3)]
    pointers = {target: 8 + 4 * place for place, target in enumerate(sorted(used))}
    stores = " ".join(
        f"(i32.store (i32.add (i32.const {at}) (global.get $memory_base)) (global.get $slot{target}))"
        for target, at in pointers.items()
    )
    bodies = " ".join(
        f'(func $f{each} (export "f{each}") (result i32) (i32.const 0) '
        + " ".join(f"{expression(step, pointers)} i32.add" for step in program.functions[each])
        + ")"
        for each in mine
    )
    number = program.numbers[home].to_bytes(4, "little").hex()
    data = "".join(f"\\{number[at : at + 2]}" for at in range(0, 8, 2)) + "\\00" * (4 + 4 * len(pointers))
    return f"""
        {" ".join(imports)}
        (type $f (func (result i32)))
        {bodies}
        (global (export "n{home}") i32 (i32.const 0))
        (func (export "__wasm_apply_data_relocs") {stores})
        (data (global.get $memory_base) "{data}")
    """


def expression(step: Step, pointers: dict[int, int]) -> str:
    """Write one step."""
    if step.how == "constant":
        return f"(i32.const {step.constant})"
    if step.how == "own data":
        return "(i32.load (global.get $memory_base))"
    if step.how == "other data":
        return f"(i32.load (global.get $n{step.target % 3}))"
    if step.how == "call":
        return f"(call $f{step.target})"
    slot = f"(global.get $slot{step.target})"
    if step.how == "pointer in data":
        slot = f"(i32.load (i32.add (global.get $memory_base) (i32.const {pointers[step.target]})))"
    return f"(call_indirect (type $f) {slot})"


def libraries_of(program: Program) -> list[Library]:
    """Assemble the libraries."""
    return [library(f"lib{home}", text_of(program, home), memory=64) for home in range(3)]


@settings(deadline=None, max_examples=60)
@given(programs())
def test_linked_programs_compute_what_their_text_says(program: Program) -> None:
    """Calls, slots, pointers and data hold across any split into libraries."""
    exports = tuple(f"f{each}" for each in range(len(program.functions)))
    instance = Instance(
        link(libraries_of(program), LinkPlan(Rules(frozenset(), "none"), exports, stack_size=64))
    )
    for each, name in enumerate(exports):
        assert instance.call(name) & MASK == program.value(each)
