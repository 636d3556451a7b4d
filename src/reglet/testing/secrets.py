"""Which texts must not stand in a recording: secret fields of the config, variables with a secret's name."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from reglet.application.models.inspect import model_type
from reglet.application.models.redaction import secret_strings
from reglet.application.plugin import PluginDefinition
from reglet.domain.ports import Plugin
from reglet.testing.masking import is_secret_name
from reglet.testing.places import definition_of


def known_secrets(
    config: bytes, plugin: Plugin | None = None, environment: Mapping[str, str] | None = None
) -> list[str]:
    """Return the secrets that a check may put into its host calls.

    Those are the texts of fields that the plugin's models mark as secret, of config fields with a secret's
    name, and of environment variables with one (`AWS_SECRET_ACCESS_KEY`).
    """
    variables = os.environ if environment is None else environment
    named = (value for name, value in variables.items() if is_secret_name(name))
    return list(dict.fromkeys([*_of_config(config, plugin), *named]))


def _of_config(config: bytes, plugin: Plugin | None) -> Iterator[str]:
    try:
        decoded = json.loads(config)
    except ValueError:
        return
    yield from _named(decoded)
    definition = None if plugin is None else definition_of(plugin)
    if isinstance(definition, PluginDefinition):
        inputs = [operation.input for operation in definition.operations]
        for model in dict.fromkeys([definition.config, *inputs]):
            if model is not None:
                yield from secret_strings(model_type(model), decoded)


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            if isinstance(item, str):
                yield from [item] if is_secret_name(name) else []
            else:
                yield from _named(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)
