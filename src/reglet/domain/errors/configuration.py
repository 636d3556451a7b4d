"""What is wrong with a config, an option, or the way a plugin is written."""

from __future__ import annotations

from collections.abc import Sequence

from reglet.domain.entities.json_value import JSONObject
from reglet.domain.errors.base import Cause, CausedError, RegletError


class ConfigError(CausedError):
    """A config does not fit. `field` names where; `reason` says what is wrong with the value seen there."""

    error_type = "config"

    def __init__(self, field: str = "", reason: Cause = None) -> None:
        """Describe what is wrong with `field`, or with the config as a whole."""
        text = f"config validation failed for field '{field}'" if field else "config validation failed"
        super().__init__(text, reason)
        self.field = field

    @property
    def code(self) -> str:
        """The field."""
        return self.field

    @property
    def is_timeout(self) -> bool:
        """False: a config never runs out of time."""
        return False


class ConfigProblemsError(RegletError):
    """Everything that is wrong with a config, each as `message @ $.path`."""

    error_type = "config"

    def __init__(self, problems: Sequence[str]) -> None:
        """Take the problems in the order of the config's fields."""
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)

    @property
    def details(self) -> JSONObject:
        """The problems as a list."""
        return {"problems": list(self.problems)}


class UnsupportedOptionError(RegletError):
    """An option was set that the host cannot be told about, or did not apply."""

    error_type = "config"

    def __init__(self, option: str, value: object, reason: str) -> None:
        """Name the option, the value asked for, and why it cannot be had."""
        super().__init__(f"option {option}={value!r} cannot be honoured: {reason}")
        self.option = option
        self.value = value

    @property
    def code(self) -> str:
        """`unsupported_option`."""
        return "unsupported_option"


class SchemaError(CausedError):
    """A type has no schema that every host accepts, or a value does not fit one."""

    error_type = "validation"

    def __init__(self, schema_type: str = "", cause: Cause = None) -> None:
        """Describe what is wrong with the type."""
        super().__init__(f"schema error for type {schema_type}" if schema_type else "schema error", cause)
        self.schema_type = schema_type

    @property
    def code(self) -> str:
        """`schema`."""
        return "schema"


class DefinitionError(RegletError):
    """A plugin, model or operation is written in a way that cannot work; the text says how to write it."""

    error_type = "validation"
