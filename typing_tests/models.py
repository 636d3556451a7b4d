"""Models and fields."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, assert_type

import reglet


@reglet.model
class Config:
    url: str = reglet.field(
        description="URL to request", title="URL", format="uri", examples=["https://a.test"]
    )
    method: Literal["GET", "POST"] = "GET"
    expected_status: int = reglet.field(default=200, ge=100, le=599)
    share: float = reglet.field(default=0.5, gt=0, lt=1)
    tags: list[str] = reglet.field(factory=list, min_length=1, max_length=3)
    headers: dict[str, str] = reglet.field(factory=dict)
    token: Annotated[str | None, reglet.Secret(), reglet.MinLength(8)] = None
    name: str = reglet.field(
        default="", pattern="^[a-z]*$", json_name="the-name", deprecated=True, secret=True
    )
    since: datetime | None = None
    timeout: timedelta = timedelta(seconds=30)
    anything: Any = None


# It is made by position and by name.
assert_type(Config("u"), Config)
assert_type(Config("u", "POST", expected_status=1), Config)
assert_type(Config(url="u").expected_status, int)
assert_type(Config(url="u").token, str | None)
assert_type(Config("u") == Config("u"), bool)

# A required field must be given, and everything must have its type.
Config()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Config(url=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Config("u", method="PUT")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Config("u", unknown=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

# It is immutable.
Config("u").url = "v"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


@reglet.model
class Wrong:
    # Defaults and factories have the field's type.
    count: int = reglet.field(default="x")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    names: list[str] = reglet.field(factory=dict)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


# It stands above a class, without brackets.
reglet.model()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
reglet.model(print)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# A default has its name.
reglet.field(10)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]

# Marks have the types of what they say; one of default and factory is given.
reglet.field(default=1, factory=int)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
reglet.field(ge="x")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
reglet.field(unknown=1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
reglet.Meta(ge="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
reglet.Ge("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
reglet.MinLength(1.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
reglet.Pattern(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

assert_type(reglet.Meta(ge=1, secret=True), reglet.Meta)
assert_type(reglet.Description("d"), reglet.Meta)
assert_type(reglet.Title("t"), reglet.Meta)
assert_type(reglet.Le(1), reglet.Meta)
assert_type(reglet.Gt(1.5), reglet.Meta)
assert_type(reglet.Lt(1), reglet.Meta)
assert_type(reglet.MaxLength(1), reglet.Meta)
assert_type(reglet.Format("uri"), reglet.Meta)
assert_type(reglet.Examples(["x"]), reglet.Meta)
assert_type(reglet.Deprecated(), reglet.Meta)
assert_type(reglet.JSONName("x"), reglet.Meta)
