"""What the seven plugins answer, and what their manifests show, fits the schemas in those manifests."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

from reglet import Context
from reglet.domain.entities.manifest import OperationManifest
from reglet.infrastructure.build.project import load_plugin_in_process
from reglet.testing import examples_of, run_example
from tests.examples.test_projects import EXAMPLES, PROJECTS


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def operations(project: str) -> dict[str, OperationManifest]:
    """Return the operations of a plugin, by `service/operation`."""
    services = load_plugin_in_process(EXAMPLES / project).manifest(Context()).services
    return {
        f"{service.name}/{each.name}": each for service in services.values() for each in service.operations
    }


def validator(operation: OperationManifest) -> Any:
    """Return what validates an operation's output."""
    Draft202012Validator.check_schema(operation.output_schema)
    return Draft202012Validator(operation.output_schema)


@pytest.mark.parametrize("project", PROJECTS)
def test_an_output_fits_its_schema(project: str) -> None:
    """Null where it may be null, and every documented field."""
    known = operations(project)
    for example in examples_of(load_plugin_in_process(EXAMPLES / project)):
        data = run_example(example).data
        operation = known[f"{example.service}/{example.operation}"]
        if data:
            validator(operation).validate(json.loads(json.dumps(data)))
            assert set(data) == set((operation.output_schema or {})["properties"]), example.id


@pytest.mark.parametrize("project", PROJECTS)
def test_the_examples_of_a_manifest_fit_its_schemas(project: str) -> None:
    """Though they leave out what is left at its default."""
    manifest = load_plugin_in_process(EXAMPLES / project).manifest(Context())
    config = Draft202012Validator(manifest.config_schema)
    for operation in operations(project).values():
        for example in operation.examples:
            config.validate(example.input)
            if example.expected_output is not None:
                validator(operation).validate(example.expected_output)


@pytest.mark.parametrize("project", PROJECTS)
def test_no_property_of_a_schema_has_two_types(project: str) -> None:
    """A list of types breaks hosts that read one."""

    def types(schema: Any) -> list[Any]:
        if isinstance(schema, dict):
            own = [schema["type"]] if "type" in schema and not isinstance(schema["type"], dict) else []
            return own + [found for each in schema.values() for found in types(each)]
        return [found for each in schema for found in types(each)] if isinstance(schema, list) else []

    for operation in operations(project).values():
        assert all(isinstance(each, str) for each in types(operation.output_schema))
