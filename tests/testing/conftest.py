"""Projects for the kit's own tests."""

from importlib.metadata import entry_points
from pathlib import Path

import pytest

# Loaded before pytester's runs, which take away again what they import: half of a package would remain.
import wasmtime  # noqa: F401
from hypothesis import strategies  # noqa: F401

import reglet.answers
import reglet.infrastructure.build.build
import reglet.infrastructure.engine
import reglet.infrastructure.host.module
import reglet.infrastructure.native
import reglet.sandbox
import reglet.testing.audit
import reglet.testing.plugintest
import reglet.testing.recording
import reglet.testing.runners  # noqa: F401

_HOME = Path.home()
KIT = "reglet.testing.pytest_plugin"
_LOAD = [] if any(entry.value == KIT for entry in entry_points(group="pytest11")) else ["-p", KIT]

PROJECT = """
[project]
name = "fetch-plugin"
version = "1.0.0"

[tool.reglet]
plugin = "{module}:plugin"
"""

PLUGIN = """
import reglet
from reglet import answers


@reglet.model
class Input:
    url: str
    expected: int = 200


@reglet.model
class Output:
    status_code: int


plugin = reglet.define_plugin(
    name="fetch",
    description="Fetches a page",
    capabilities=reglet.GrantSet(
        network=reglet.NetworkCapability(rules=[reglet.NetworkRule(hosts=["*.test"], ports=["443"])])
    ),
)


@plugin.service("web")
class Web:
    @reglet.operation(
        examples=[
            reglet.Example(
                "ok",
                Input("https://a.test/"),
                expected_output=Output(200),
                answers=[answers.http("https://a.test/")],
            ),
            reglet.Example(
                "gone",
                Input("https://a.test/"),
                expected_output=Output(status_code=STATUS),
                answers=[answers.http("https://a.test/", status_code=404)],
            ),
        ]
    )
    def fetch(self, ctx: reglet.Context, request: Input) -> Output:
        return Output(ctx.client(reglet.HTTPClient).get(request.url).status_code)
"""


class ProjectMaker:
    """Makes a plugin's project in a folder of its own and runs pytest there."""

    def __init__(self, pytester):
        self.pytester = pytester
        self.folder = pytester.path
        self.module = f"fetch_{abs(hash(str(self.folder)))}"

    def make(self, *, status=404, project=""):
        """Write the plugin; `status` is what the second example expects."""
        (self.folder / "pyproject.toml").write_text(PROJECT.format(module=self.module) + project)
        (self.folder / f"{self.module}.py").write_text(PLUGIN.replace("STATUS", str(status)))

    def test(self, source, name="test_it.py"):
        """Write a test file."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)

    def run(self, *arguments):
        """Run pytest with the kit and return what it said."""
        return self.pytester.runpytest_inprocess(*_LOAD, "-p", "no:randomly", *arguments)


@pytest.fixture
def project(pytester, monkeypatch):
    """A maker of projects; what is compiled for all of them stays in the user's own caches."""
    monkeypatch.setenv("HOME", str(_HOME))
    return ProjectMaker(pytester)
