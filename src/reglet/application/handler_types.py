"""The types of `@operation`, for type checkers alone.

A handler keeps its exact type and is held to its examples. A protocol of two overloads is an intersection: a
handler fits it if it fits both. The first takes the whole signature (names, defaults, what it returns), which
the decorator returns; the second is the shape that it must have.
"""

# The first overload that fits is meant to win: those that take too much stand before those that they overlap.
# pyright: reportOverlappingOverload=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Generic, ParamSpec, Protocol, TypeAlias, TypeVar, overload

from typing_extensions import deprecated

from reglet.domain.context import Context
from reglet.domain.entities.result import Result

Q = ParamSpec("Q")
P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)
I = TypeVar("I")  # noqa: E741 - the input
I_contra = TypeVar("I_contra", contravariant=True)
O = TypeVar("O")  # noqa: E741 - the output
O_co = TypeVar("O_co", covariant=True)
X = TypeVar("X")
X_contra = TypeVar("X_contra", contravariant=True)


class Model(Protocol):
    """An instance of a class that `@model` decorates, as type checkers see it."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


M = TypeVar("M", bound=Model)
Answer: TypeAlias = Model | Result | None


class _OfContextAndInput(Protocol[Q, R_co, S_contra, I_contra, O_co, P]):  # pyright: ignore[reportInvalidTypeVarUse]
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> R_co: ...
    @overload
    def __call__(
        self, service: S_contra, ctx: Context, request: I_contra, /, *args: P.args, **kwargs: P.kwargs
    ) -> O_co: ...


class _OfInput(Protocol[Q, R_co, S_contra, I_contra, O_co, P]):  # pyright: ignore[reportInvalidTypeVarUse]
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> R_co: ...
    @overload
    def __call__(
        self, service: S_contra, request: I_contra, /, *args: P.args, **kwargs: P.kwargs
    ) -> O_co: ...


class _OfContext(Protocol[Q, R_co, S_contra, O_co, P]):  # pyright: ignore[reportInvalidTypeVarUse]
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> R_co: ...
    @overload
    def __call__(self, service: S_contra, ctx: Context, /, *args: P.args, **kwargs: P.kwargs) -> O_co: ...


class _OfNothing(Protocol[Q, R_co, S_contra, O_co, P]):  # pyright: ignore[reportInvalidTypeVarUse]
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> R_co: ...
    @overload
    def __call__(self, service: S_contra, /, *args: P.args, **kwargs: P.kwargs) -> O_co: ...


class _OfTooMuch(Protocol[Q, R_co, S_contra, I_contra, X_contra, O_co, P]):  # pyright: ignore[reportInvalidTypeVarUse]
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> R_co: ...
    @overload
    def __call__(
        self,
        service: S_contra,
        ctx: Context,
        request: I_contra,
        extra: X_contra,
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> O_co: ...


class _OfTwoOthers(Protocol[Q, R_co, S_contra, I_contra, X_contra, O_co, P]):  # pyright: ignore[reportInvalidTypeVarUse]
    @overload
    def __call__(self, *args: Q.args, **kwargs: Q.kwargs) -> R_co: ...
    @overload
    def __call__(
        self, service: S_contra, one: I_contra, other: X_contra, /, *args: P.args, **kwargs: P.kwargs
    ) -> O_co: ...


class NoHandler:
    """What stands for a handler that takes too much: it cannot be called."""


class Plain(Protocol):
    """A decorator for handlers without examples.

    What an overload below leaves for ports may hold positional parameters too; so handlers with more of them
    come first. Type checkers know no way to refuse what fits: those are deprecated, and cannot be called.
    """

    @overload
    @deprecated("a handler takes (self, ctx: Context, request: Input) or less, then ports after a bare *")
    def __call__(self, handler: _OfTooMuch[Q, R, S, I, X, Answer, P], /) -> NoHandler: ...
    @overload
    def __call__(self, handler: _OfContextAndInput[Q, R, S, M, Answer, P], /) -> Callable[Q, R]: ...
    @overload
    @deprecated("a handler takes (self, ctx: Context, request: Input) or less, then ports after a bare *")
    def __call__(self, handler: _OfTwoOthers[Q, R, S, I, X, Answer, P], /) -> NoHandler: ...
    @overload
    def __call__(self, handler: _OfInput[Q, R, S, M, Answer, P], /) -> Callable[Q, R]: ...
    @overload
    def __call__(self, handler: _OfContext[Q, R, S, Answer, P], /) -> Callable[Q, R]: ...
    @overload
    @deprecated("a handler takes (self, ctx: Context, request: Input) or less, then ports after a bare *")
    def __call__(self, handler: _OfInput[Q, R, S, I, Answer, P], /) -> NoHandler: ...
    @overload
    def __call__(self, handler: _OfNothing[Q, R, S, Answer, P], /) -> Callable[Q, R]: ...


class WithExamples(Generic[I, O]):
    """A decorator for handlers that fit the examples."""

    @overload
    @deprecated("a handler takes (self, ctx: Context, request: Input) or less, then ports after a bare *")
    def __call__(self, handler: _OfTooMuch[Q, R, S, I, X, O | Result, P], /) -> NoHandler: ...
    @overload
    def __call__(self, handler: _OfContextAndInput[Q, R, S, I, O | Result, P], /) -> Callable[Q, R]: ...
    @overload
    def __call__(self, handler: _OfInput[Q, R, S, I, O | Result, P], /) -> Callable[Q, R]: ...
    @overload
    def __call__(
        self: WithExamples[None, O], handler: _OfContext[Q, R, S, O | Result, P], /
    ) -> Callable[Q, R]: ...
    @overload
    def __call__(
        self: WithExamples[None, O], handler: _OfNothing[Q, R, S, O | Result, P], /
    ) -> Callable[Q, R]: ...
    def __call__(self, handler: Any, /) -> Any:
        """Return the handler, of which type checkers know the exact type."""
