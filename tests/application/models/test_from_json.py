"""From JSON to models."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, Literal

import pytest

import reglet
from reglet.application.models.from_json import parse_model
from reglet.application.models.json_schema import input_schema
from reglet.application.models.to_json import model_to_json


class Colour(Enum):
    """Colours."""

    RED = "red"
    BLUE = "blue"


@reglet.model
class Server:
    """A nested model."""

    host: str
    port: int = reglet.field(default=443, ge=1, le=65535)


@reglet.model
class Everything:
    """One field of each kind."""

    text: str
    number: float = 0.5
    whole: int = 0
    flag: bool = False
    method: Literal["GET", "POST"] = "GET"
    level: Literal[1, 2] = 1
    colour: Colour = Colour.RED
    maybe: str | None = None
    items: list[str] = reglet.field(factory=list)
    pair: tuple[int, ...] = ()
    headers: dict[str, str] = reglet.field(factory=dict)
    server: Server | None = None
    servers: list[Server] = reglet.field(factory=list)
    since: datetime | None = None
    timeout: timedelta = timedelta(seconds=30)
    anything: Any = None


def _parsed(**config: Any) -> Any:
    value, problems = parse_model(Everything, {"text": "t", **config})
    assert problems == []
    return value


def _problems(**config: Any) -> list[str]:
    value, problems = parse_model(Everything, {"text": "t", **config})
    assert value is None
    return problems


def test_defaults_are_applied():
    """A config with the required fields alone is whole."""
    assert _parsed() == Everything(text="t")


def test_every_kind_is_read():
    """Each JSON value becomes the Python value of its annotation."""
    value = _parsed(
        number=2,
        whole=3,
        flag=True,
        method="POST",
        level=2,
        colour="blue",
        maybe="x",
        items=["a"],
        pair=[1, 2],
        headers={"A": "b"},
        server={"host": "h"},
        servers=[{"host": "h", "port": 1}],
        since="2026-01-31T12:00:00Z",
        timeout="1m30s",
        anything={"a": [1]},
    )
    assert value == Everything(
        text="t",
        number=2.0,
        whole=3,
        flag=True,
        method="POST",
        level=2,
        colour=Colour.BLUE,
        maybe="x",
        items=["a"],
        pair=(1, 2),
        headers={"A": "b"},
        server=Server("h"),
        servers=[Server("h", 1)],
        since=datetime(2026, 1, 31, 12, tzinfo=UTC),
        timeout=timedelta(seconds=90),
        anything={"a": [1]},
    )


@pytest.mark.parametrize(
    ("given", "read"), [("443", 443), ("-1", -1), (443.0, 443), ("443.0", 443), ("1e3", 1000), (1e3, 1000)]
)
def test_what_can_only_mean_an_integer_is_one(given, read):
    """Numeric strings and integral floats are read as integers."""
    assert _parsed(whole=given).whole == read


@pytest.mark.parametrize(("given", "read"), [("1.5", 1.5), ("2", 2.0), (2, 2.0)])
def test_what_can_only_mean_a_number_is_one(given, read):
    """Numeric strings and integers are read as floats."""
    number = _parsed(number=given).number
    assert (number, type(number)) == (read, float)


def test_null_for_an_optional_field_is_its_default():
    """YAML writes an empty value as null."""
    assert _parsed(maybe=None, whole=None, items=None) == Everything(text="t")


def test_a_field_that_may_be_none_may_be_left_out():
    """Without a default it is None."""

    @reglet.model
    class Noted:
        note: Annotated[str | None, reglet.Description("a note")]

    assert parse_model(Noted, {}) == (Noted(None), [])


def test_null_is_a_value_where_anything_goes():
    """A required field of any kind may be null, as its schema says."""

    @reglet.model
    class Open:
        value: Any

    assert parse_model(Open, {"value": None}) == (Open(None), [])
    assert parse_model(Open, {})[1] == ["is required: any value that JSON has @ $.value"]


def test_unknown_keys_are_ignored():
    """Hosts send more than a plugin asks for."""
    assert _parsed(unheard_of=1, service="s", operation="o") == Everything(text="t")
    assert _parsed(unheard_of=float("inf")) == Everything(text="t"), "1e400 in JSON"


def test_all_problems_are_told_at_once_with_their_paths():
    """Nobody has to fix a config one run at a time."""
    _, problems = parse_model(
        Everything,
        {
            "whole": 1.5,
            "flag": "true",
            "method": "PUT",
            "items": ["a", 5],
            "headers": {"X-Y": 1},
            "servers": [{"host": "h"}, {"port": 0}],
        },
    )
    assert problems == [
        "is required: a string @ $.text",
        "must be an integer, not 1.5 @ $.whole",
        'must be true or false, not "true" @ $.flag',
        'must be one of "GET", "POST", not "PUT" @ $.method',
        "must be a string, not 5 @ $.items[1]",
        'must be a string, not 1 @ $.headers["X-Y"]',
        "is required: a string @ $.servers[1].host",
        "must be at least 1, not 0 @ $.servers[1].port",
    ]


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"text": None}, "is required: a string, not null @ $.text"),
        ({"text": True}, "must be a string, not true @ $.text"),
        ({"whole": True}, "must be an integer, not true @ $.whole"),
        ({"whole": "0x10"}, 'must be an integer, not "0x10" @ $.whole'),
        ({"whole": float("inf")}, "must be an integer, not Infinity @ $.whole"),
        ({"whole": []}, "must be an integer, not a list @ $.whole"),
        ({"number": "1,5"}, 'must be a number that a double can hold, not "1,5" @ $.number'),
        ({"number": "1e999"}, 'must be a number that a double can hold, not "1e999" @ $.number'),
        ({"number": True}, "must be a number that a double can hold, not true @ $.number"),
        (
            {"anything": {"a": [1.5, float("inf")]}},
            "must be a number that a double can hold, not Infinity @ $.anything",
        ),
        ({"level": "3"}, 'must be one of 1, 2, not "3" @ $.level'),
        ({"level": True}, "must be one of 1, 2, not true @ $.level"),
        ({"colour": ["red"]}, 'must be one of "red", "blue", not a list @ $.colour'),
        ({"items": "a"}, 'must be a list, not "a" @ $.items'),
        ({"headers": []}, "must be an object, not a list @ $.headers"),
        ({"server": "h"}, 'must be an object, not "h" @ $.server'),
        ({"since": "yesterday"}, 'must be a timestamp like 2026-01-31T12:00:00Z, not "yesterday" @ $.since'),
        ({"since": "2026-02-30T12:00:00Z"}, None),
        ({"since": "2026-01-31T12:00:00"}, None),
        ({"since": "2026-01-31"}, None),
        ({"since": "2026-01-31T23:59:60Z"}, None),
        ({"since": "2026-01-31T12:00:00,5Z"}, None),
        ({"since": "0000-01-31T12:00:00Z"}, None),
        ({"timeout": "soon"}, 'must be a duration like 1m30s or 500ms, not "soon" @ $.timeout'),
        ({"timeout": 5}, "must be a duration like 1m30s or 500ms, not 5 @ $.timeout"),
    ],
)
def test_a_problem_says_what_was_wanted_and_what_was_seen(config, problem):
    """Each message names the rule and the value."""
    [found] = _problems(**config)
    assert problem is None or found == problem


def test_a_long_value_is_shortened_in_a_message():
    """A message stays a line."""
    [problem] = _problems(whole="9" * 500)
    assert len(problem) < 120


def test_a_huge_integer_is_an_integer_and_no_double():
    """Integers have no limit; a number must fit a double."""
    assert _parsed(whole=10**400).whole == 10**400
    assert len(_problems(number=10**400)) == 1


def test_a_config_that_is_no_object_is_a_problem_at_its_root():
    """The path of the whole is $."""
    assert parse_model(Everything, [1])[1] == ["must be an object, not a list @ $"]


@reglet.model
class Bounded:
    """Every bound there is."""

    word: str = reglet.field(default="ab", min_length=2, max_length=3, pattern="^[a-z]+$")
    whole: int = reglet.field(default=5, gt=0, lt=10)
    share: float = reglet.field(default=0.5, ge=0, le=1)
    tags: list[str] = reglet.field(factory=lambda: ["a"], min_length=1, max_length=2)
    table: dict[str, int] = reglet.field(factory=dict, max_length=1)
    address: str = reglet.field(default="127.0.0.1", format="ipv4")


@pytest.mark.parametrize(
    ("config", "problems"),
    [
        ({"word": "a"}, ['must have at least 2 characters, not "a" @ $.word']),
        (
            {"word": "ABCD"},
            [
                'must have at most 3 characters, not "ABCD" @ $.word',
                'must match ^[a-z]+$, not "ABCD" @ $.word',
            ],
        ),
        ({"word": "ab\n"}, ['must match ^[a-z]+$, not "ab\\n" @ $.word']),
        ({"whole": 0}, ["must be greater than 0, not 0 @ $.whole"]),
        ({"whole": "10"}, ['must be less than 10, not "10" @ $.whole']),
        ({"share": -0.1}, ["must be at least 0, not -0.1 @ $.share"]),
        ({"share": 2}, ["must be at most 1, not 2 @ $.share"]),
        ({"tags": []}, ["must have at least 1 items, not 0 @ $.tags"]),
        ({"table": {"a": 1, "b": 2}}, ["must have at most 1 entries, not 2 @ $.table"]),
        ({"address": "localhost"}, ['must be of format ipv4, not "localhost" @ $.address']),
    ],
)
def test_bounds_hold(config, problems):
    """What the schema forbids, the parser names."""
    assert parse_model(Bounded, config) == (None, problems)


class Bounds(IntEnum):
    """Numbers that have names."""

    LEAST = 2
    MOST = 3


class Share(float):
    """A float of another repr."""

    def __repr__(self) -> str:
        """Return it as a percentage."""
        return f"{float(self):%}"


def test_limits_may_be_numbers_of_classes_of_their_own():
    """Members of an enum and other subclasses of int and float limit as the numbers that they are."""

    @reglet.model
    class Named:
        word: str = reglet.field(min_length=Bounds.LEAST, max_length=Bounds.MOST)
        whole: int = reglet.field(ge=Bounds.LEAST, lt=Share(3.5))

    assert parse_model(Named, {"word": "ab", "whole": 3}) == (Named(word="ab", whole=3), [])
    assert parse_model(Named, {"word": "a", "whole": 4})[1] == [
        'must have at least 2 characters, not "a" @ $.word',
        "must be less than 350.000000%, not 4 @ $.whole",
    ]


class Header(StrEnum):
    """Strings that have names."""

    ACCEPT = "accept-language"


class Key(str, Enum):  # noqa: UP042 - as authors of older code have them
    """Strings that have names, and are printed by these."""

    TOKEN = "api-key"


@pytest.mark.parametrize("name", [Header.ACCEPT, Key.TOKEN])
def test_a_name_in_json_may_be_a_member_of_an_enum(name):
    """It is the string that the member stands for."""

    @reglet.model
    class Named:
        language: str = reglet.field(json_name=name)

    config = {name.value: "de"}
    assert list(input_schema(Named)["properties"]) == [name.value]
    assert parse_model(Named, config) == (Named(language="de"), [])
    assert model_to_json(Named(language="de")) == config


def test_a_secret_is_not_shown_in_a_problem():
    """Only its kind is."""

    @reglet.model
    class Login:
        token: str = reglet.field(secret=True, min_length=20)
        pins: list[int] = reglet.field(factory=list, secret=True)

    _, problems = parse_model(Login, {"token": "hunter2", "pins": ["hunter3"]})
    assert problems == [
        "must have at least 20 characters, not a string (secret) @ $.token",
        "must be an integer, not a string (secret) @ $.pins[0]",
    ]


def test_deep_models_do_not_cost_more_than_their_size():
    """A problem at the bottom of nested models is explained once a level, not twice."""
    inner: Any = str
    for depth in range(25):
        body = {"__annotations__": {"inner": inner}, "__module__": __name__}
        inner = reglet.model(type(f"Level{depth}", (), body))
    config: Any = 5
    for _ in range(25):
        config = {"inner": config}
    _, problems = parse_model(inner, config)
    assert problems == [f"must be a string, not 5 @ ${'.inner' * 25}"]


@reglet.model
class Range:
    """A model with a rule of its own."""

    low: int
    high: int

    def __attrs_post_init__(self) -> None:
        """Refuse a range that is none."""
        if self.low > self.high:
            raise ValueError("low must not be above high")
        if self.low < 0:
            raise RuntimeError("a bug")


@reglet.model
class Ranges:
    """Several of them."""

    ranges: list[Range]


def test_a_models_own_rule_is_a_problem_at_its_place():
    """Beside what its fields refuse."""
    config = {"ranges": [{"low": 1, "high": 2}, {"low": 2, "high": 1}]}
    assert parse_model(Ranges, config)[1] == ["low must not be above high @ $.ranges[1]"]


def test_a_bug_in_a_models_own_rule_is_a_bug():
    """It is no problem of the config."""
    with pytest.raises(RuntimeError, match="a bug"):
        parse_model(Range, {"low": -1, "high": 1})


@reglet.model
class Switchable:
    """Fields that may be None, with a default that is not."""

    server: Server | None = Server("h")
    note: str | None = reglet.field(default="n")
    anything: Any = 5


def test_null_is_none_where_a_field_may_be_none():
    """Else nobody could switch its default off."""
    assert parse_model(Switchable, {}) == (Switchable(), [])
    off = Switchable(server=None, note=None, anything=None)
    assert parse_model(Switchable, {"server": None, "note": None, "anything": None}) == (off, [])


@reglet.model
class Loose:
    """Defaults of another type than their fields."""

    port: int = "80"  # type: ignore[assignment]
    share: float = 1
    servers: tuple[Server, ...] = (Server("h", "1"),)  # type: ignore[arg-type]


def test_a_default_is_read_as_a_config_is():
    """A handler gets the type that its annotation says, and the schema the default of that type."""
    value, problems = parse_model(Loose, {"share": None})
    assert problems == []
    assert (value.port, value.share, value.servers) == (80, 1.0, (Server("h", 1),))
    assert type(value.share) is float
    assert input_schema(Loose)["properties"]["port"]["default"] == 80


@reglet.model
class Tagged:
    """A model with something in it that can change."""

    tags: list[str] = reglet.field(factory=list)


@reglet.model
class Holder:
    """A default that is such a model."""

    inner: Tagged = Tagged(["a"])


def test_a_default_that_holds_something_that_can_change_is_made_anew():
    """No check sees what another one did to it."""
    first, _ = parse_model(Holder, {})
    first.inner.tags.append("b")
    assert parse_model(Holder, {})[0].inner.tags == ["a"]


class Mode(StrEnum):
    """Strings that are an enum's."""

    FAST = "fast"


class Level(IntEnum):
    """Integers that are an enum's."""

    LOW = 1


def test_enums_of_strings_and_integers_are_read_as_their_members():
    """A string or an integer that is no member is refused."""

    @reglet.model
    class Chosen:
        mode: Mode
        levels: list[Level]

    value, _ = parse_model(Chosen, {"mode": "fast", "levels": [1, "1"]})
    assert value.mode is Mode.FAST
    assert value.levels == [Level.LOW, Level.LOW]
    assert parse_model(Chosen, {"mode": "slow", "levels": [2]})[1] == [
        'must be one of "fast", not "slow" @ $.mode',
        "must be one of 1, not 2 @ $.levels[0]",
    ]


class Speed(str, Enum):  # noqa: UP042 - people write it so
    """Strings that are an enum's, as before Python 3.11."""

    SLOW = "slow"


def test_members_of_enums_are_defaults():
    """A field has one, or a list of them, whatever kind of enum it is."""

    @reglet.model
    class Usual:
        mode: Mode = Mode.FAST
        speeds: tuple[Speed, ...] = (Speed.SLOW,)
        levels: list[Level] = reglet.field(factory=lambda: [Level.LOW])

    value, problems = parse_model(Usual, {})
    assert problems == []
    assert (value.mode, value.speeds, value.levels) == (Mode.FAST, (Speed.SLOW,), [Level.LOW])


@pytest.mark.parametrize(
    ("annotation", "given", "read"),
    [
        (str, "a", "a"),
        (int, 1, 1),
        (float, 1.5, 1.5),
        (bool, True, True),
        (Mode, "fast", Mode.FAST),
        (Level, 1, Level.LOW),
        (Literal["x", "y"], "x", "x"),
        (list[int], [1], [1]),
        (str | None, "a", "a"),
        (Mode | None, "fast", Mode.FAST),
        (list[Annotated[Mode, "of the page"]], ["fast"], [Mode.FAST]),
    ],
)
@pytest.mark.parametrize("meta", [reglet.Description("a note"), "a stranger's note", ["not hashable"]])
def test_an_annotation_without_limits_changes_nothing(annotation, given, read, meta):
    """A description, or what other libraries put there, is no limit."""
    noted = reglet.model(type("Noted", (), {"__annotations__": {"value": Annotated[annotation, meta]}}))
    assert parse_model(noted, {"value": given}) == (noted(read), [])
    assert model_to_json(noted(read)) == {"value": given}
    assert parse_model(noted, {"value": {}})[0] is None


def test_a_list_tells_of_its_length_and_of_its_items():
    """The length first."""

    @reglet.model
    class Short:
        tags: list[str] = reglet.field(max_length=1)

    assert parse_model(Short, {"tags": ["a", 5]})[1] == [
        "must have at most 1 items, not 2 @ $.tags",
        "must be a string, not 5 @ $.tags[1]",
    ]


@pytest.mark.parametrize(
    "text", ["2026-01-31T12:00:00.5Z", "2026-01-31 12:00:00.5z", "2026-01-31t13:00:00.500+01:00"]
)
def test_a_timestamp_may_have_small_letters_and_a_blank(text):
    """RFC 3339 leaves it to its readers."""
    assert _parsed(since=text).since == datetime(2026, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC)
