"""The pytest plugin: fixtures, examples as tests, and the place in which plugins run.

In a project that has no `[tool.reglet]` it adds an option and does nothing else; what it needs is imported
when it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from reglet.domain.entities.result import Result
    from reglet.domain.ports import Plugin
    from reglet.testing.client import PluginClient
    from reglet.testing.fakes.host import FakeHost
    from reglet.testing.places import PlaceName
    from reglet.testing.projects import Projects

_FAILED = pytest.StashKey[bool]()
_PROJECTS = pytest.StashKey["Projects"]()
_PROJECT_FILE = "pyproject.toml"
_PLACES = ("fakes", "native", "sandbox", "go")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--reglet-place` and `--reglet-audit`."""
    group = parser.getgroup("reglet", "Reglet plugins")
    group.addoption(
        "--reglet-place",
        choices=_PLACES,
        default="fakes",
        help="where plugins run: in process with fakes (default), in the real world, inside the built .wasm "
        "in the sandbox, or on the Go host",
    )
    group.addoption(
        "--reglet-audit",
        metavar="FILE",
        type=Path,
        help="write what the tests touched (hosts, ports, commands, paths, variables) to FILE, as JSON",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Add the marker of examples, and a project's examples to what is collected."""
    config.addinivalue_line("markers", "reglet_example: an example of a Reglet plugin, run as a test")
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    project_file = config.rootpath / _PROJECT_FILE
    if _is_project_file(project_file) and str(project_file) not in config.args:
        config.args.append(str(project_file))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a plugin project's examples from its `pyproject.toml`."""
    if file_path.name != _PROJECT_FILE or not _is_project_file(file_path):
        return None
    from reglet.testing.collection import ExampleFile

    file: pytest.Collector = ExampleFile.from_parent(parent, path=file_path)
    return file


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put all plugins in the place that was asked for, those that tests import themselves too."""
    if config.getoption("--reglet-place") == "fakes":
        return
    from reglet.domain.errors import RegletError
    from reglet.testing.project_file import project_folder

    folders = {folder for path in {item.path for item in items} if (folder := project_folder(path))}
    for folder in sorted(folders):
        try:
            projects_of(config).plugin(folder)
        except RegletError as error:
            raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether a test failed, so that its fakes do not complain on top."""
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
    return report


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of the modules that were loaded."""
    if _PROJECTS in config.stash:
        config.stash[_PROJECTS].close()


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Watch what is touched while the tests run, if `--reglet-audit` asks for it."""
    path: Path | None = session.config.getoption("--reglet-audit")
    if path is None:
        return (yield)
    from reglet.testing.audit.surroundings import checks_watched
    from reglet.testing.audit.touched import touches_recorded

    with touches_recorded() as touched, checks_watched():
        outcome = yield
    touched.save(path)
    return outcome


def projects_of(config: pytest.Config) -> Projects:
    """Return what loads the plugins of this run, each once."""
    if _PROJECTS not in config.stash:
        from reglet.testing.projects import Projects

        cache = config.cache.mkdir("reglet") if config.pluginmanager.has_plugin("cacheprovider") else None
        place = cast("PlaceName", config.getoption("--reglet-place"))
        config.stash[_PROJECTS] = Projects(place, cache)
    return config.stash[_PROJECTS]


@pytest.fixture(scope="module")
def plugin(request: pytest.FixtureRequest) -> Plugin:
    """The plugin of the project that the test stands in, in the place that `--reglet-place` says."""
    from reglet.testing.project_file import project_folder

    folder = project_folder(request.path)
    if folder is None:
        pytest.fail(
            f'no pyproject.toml above {request.path} has [tool.reglet] plugin = "module:attribute"',
            pytrace=False,
        )
    return projects_of(request.config).plugin(folder)


@pytest.fixture
def fake_host(plugin: Plugin, request: pytest.FixtureRequest) -> Iterator[FakeHost]:
    """A host that grants what the plugin declares; after the test, every route must have been used."""
    from reglet.testing.fakes.host import FakeHost
    from reglet.testing.places import meets_fakes

    host = FakeHost.of(plugin)
    yield host
    if meets_fakes(plugin) and not request.node.stash.get(_FAILED, False):
        host.raise_unexpected()
        host.assert_all_used()


@pytest.fixture
def plugin_client(plugin: Plugin, fake_host: FakeHost) -> PluginClient:
    """Checks of the plugin against `fake_host`: config in, Result out, through the whole stack."""
    from reglet.testing.client import PluginClient

    return PluginClient(plugin, fake_host)


@pytest.fixture
def replay(plugin: Plugin, request: pytest.FixtureRequest) -> Callable[..., Result]:
    """Play a recording back: `replay("recordings/ok.json")`, relative to the test's folder."""
    from reglet.testing.client import replayed

    def run(path: str | Path, config: Mapping[str, Any] | None = None) -> Result:
        return replayed(plugin, request.path.parent / path, config)

    return run


def _is_project_file(path: Path) -> bool:
    from reglet.testing.project_file import names_a_plugin

    return names_a_plugin(path)
