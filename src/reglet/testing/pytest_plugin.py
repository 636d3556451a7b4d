"""The pytest plugin: fixtures, examples as tests, and what runs the plugins.

In a project that has no `[tool.reglet]` it adds an option and does nothing else; what it needs is imported
when it is used.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import tomllib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

import pytest

import reglet
from reglet.application.names import PROJECT_FILE

if TYPE_CHECKING:
    from _pytest._code.code import ExceptionInfo, TerminalRepr

    from reglet.domain.entities.result import Result
    from reglet.domain.ports import Plugin
    from reglet.testing.fake_host import FakeHost
    from reglet.testing.plugintest import ExampleCase, PluginClient
    from reglet.testing.runners import Runner
    from reglet.testing.usage import Usage

_FAILED = pytest.StashKey[bool]()
_PROJECTS: pytest.StashKey[Projects] = pytest.StashKey()
_USAGE: pytest.StashKey[Usage] = pytest.StashKey()

RunnerName: TypeAlias = Literal["fakes", "native", "sandbox", "go"]
"""What runs the plugins, as `--reglet-place` names it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--reglet-place`, `--reglet-reuse` and `--reglet-audit`."""
    group = parser.getgroup("reglet", "Reglet plugins")
    group.addoption(
        "--reglet-place",
        choices=get_args(RunnerName),
        default="fakes",
        help="where plugins run: in process with fakes (default) or on the real network, inside the built "
        ".wasm in the sandbox, or on the Go host",
    )
    group.addoption(
        "--reglet-reuse",
        action="store_true",
        help="run each check again where one has run before, as hosts do that keep an instance, and fail "
        "where it answers otherwise",
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
    project_file = config.rootpath / PROJECT_FILE
    if names_a_plugin(project_file) and str(project_file) not in config.args:
        config.args.append(str(project_file))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a plugin project's examples from its `pyproject.toml`."""
    if file_path.name != PROJECT_FILE or not names_a_plugin(file_path):
        return None
    file: pytest.Collector = ExampleFile.from_parent(parent, path=file_path)
    return file


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the runner that was asked for run all plugins, those that tests import themselves too."""
    place = config.getoption("--reglet-place")
    folder_of = {path: project_folder(path) for path in {item.path for item in items}}
    for item in items:
        if folder_of[item.path] is not None:
            item.user_properties.append(("place", place))
    if place == "fakes" and not config.getoption("--reglet-reuse"):
        return
    from reglet.domain.errors import RegletError
    from reglet.domain.escaping import escape_lines

    for folder in sorted(filter(None, set(folder_of.values()))):
        try:
            projects_of(config).plugin(folder)
        except RegletError as error:
            raise pytest.UsageError(escape_lines(str(error))) from error


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether a test failed, so that its fakes do not complain on top; escape what a plugin said."""
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
    if not any(name == "place" for name, _ in item.user_properties):
        return report
    # What is shown of a test steers no terminal: messages, values and output hold text of plugins.
    from reglet.domain.escaping import escape_lines

    report.sections = [(name, escape_lines(content)) for name, content in report.sections]
    shown: Any = report.longrepr
    if isinstance(shown, str):
        report.longrepr = escape_lines(shown)
    elif isinstance(shown, tuple):
        path, line, reason = shown
        report.longrepr = (path, line, escape_lines(reason))
    elif hasattr(shown, "reprtraceback"):
        for traceback, crash, _ in getattr(shown, "chain", [(shown.reprtraceback, shown.reprcrash, None)]):
            entries = traceback.reprentries
            for place in filter(None, (crash, *(getattr(each, "reprfileloc", None) for each in entries))):
                place.message = escape_lines(place.message)
            for part in filter(None, (*entries, *(getattr(each, "reprlocals", None) for each in entries))):
                part.lines = [escape_lines(line) for line in part.lines]
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
    from reglet.testing.usage import Usage, checks_watched

    session.config.stash[_USAGE] = Usage()
    with checks_watched():
        outcome = yield
    session.config.stash[_USAGE].save(path)
    return outcome


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a test with everything granted, if `--reglet-audit` asks for it, and note what it touches.

    One that fails so means to be denied: it is run again with what is declared, and counts as that run ends.
    """
    if _USAGE not in item.config.stash:
        return None
    from _pytest.runner import runtestprotocol

    from reglet.testing.usage import grants_opened, usage_recorded

    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    with usage_recorded() as usage, grants_opened():
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
    if any(report.failed for report in reports):
        item.stash[_FAILED] = False
        if isinstance(item, pytest.Function):
            item._initrequest()  # noqa: SLF001 - fixtures are made anew, as plugins that repeat tests do it
        with usage_recorded() as usage:
            reports = runtestprotocol(item, log=False, nextitem=nextitem)
    item.config.stash[_USAGE].add(usage)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def projects_of(config: pytest.Config) -> Projects:
    """Return what loads the plugins of this run, each once."""
    if _PROJECTS not in config.stash:
        cache = config.cache.mkdir("reglet") if config.pluginmanager.has_plugin("cacheprovider") else None
        runner = cast("RunnerName", config.getoption("--reglet-place"))
        config.stash[_PROJECTS] = Projects(runner, cache, reuse=bool(config.getoption("--reglet-reuse")))
    return config.stash[_PROJECTS]


@pytest.fixture(scope="module")
def plugin(request: pytest.FixtureRequest) -> Plugin:
    """The plugin of the project that the test stands in, where `--reglet-place` says that it runs."""
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
    from reglet.testing.fake_host import FakeHost
    from reglet.testing.runners import NativeRunner, runner_of

    host = FakeHost.of(plugin)
    yield host
    if not isinstance(runner_of(plugin), NativeRunner) and not request.node.stash.get(_FAILED, False):
        host.raise_unexpected()
        host.assert_all_used()


@pytest.fixture
def plugin_client(plugin: Plugin, fake_host: FakeHost) -> PluginClient:
    """Checks of the plugin against `fake_host`: config in, Result out, through the whole stack."""
    from reglet.testing.plugintest import PluginClient

    return PluginClient(plugin, fake_host)


@pytest.fixture
def replay(plugin: Plugin, request: pytest.FixtureRequest) -> Callable[..., Result]:
    """Play a recording back: `replay("recordings/ok.json")`, relative to the test's folder."""
    from reglet.testing.recording import replayed

    def run(path: str | Path, config: Mapping[str, Any] | None = None) -> Result:
        return replayed(plugin, request.path.parent / path, config)

    return run


class Projects:
    """Loads plugins by their project's folder, each once, and builds those whose runner wants a module."""

    def __init__(self, runner: RunnerName, cache: Path | None, *, reuse: bool = False) -> None:
        """Run plugins in `runner`, each check again if `reuse`; built modules are kept in `cache`, if any."""
        self._runner: RunnerName = runner
        self._reuse = reuse
        self._plugins: dict[Path, Plugin] = {}
        self._open = ExitStack()
        self._cache = cache or Path(
            self._open.enter_context(tempfile.TemporaryDirectory(prefix="reglet-built-"))
        )

    def plugin(self, folder: Path) -> Plugin:
        """Return the plugin of a project. Raises what `load_plugin_in_process` and the build raise."""
        from reglet.domain.context import Context
        from reglet.infrastructure.build.project import load_plugin_in_process
        from reglet.testing import runners

        if folder in self._plugins:
            return self._plugins[folder]
        plugin = load_plugin_in_process(folder)
        runner: Runner | None = None  # it simply runs here, against fakes
        if self._runner != "fakes":
            grants = plugin.manifest(Context()).capabilities
            if self._runner == "native":
                from reglet.sandbox import native_functions

                functions = native_functions(grants)
                runner = runners.NativeRunner(plugin, lambda: functions.for_check(Context()))
            elif self._runner == "sandbox":
                built = built_module(folder, self._cache)
                runner = self._open.enter_context(runners.SandboxRunner(built, grants))
            else:
                built = built_module(folder, self._cache)
                from reglet.testing.go_runner import GoHostRunner

                runner = self._open.enter_context(GoHostRunner(built, grants, self._cache))
        if self._reuse:
            from reglet.testing.reuse import ReusingRunner

            runner = ReusingRunner(runner or runners.InProcessRunner(plugin))
        if runner is not None:
            plugin = runners.HostedPlugin(plugin, runner)
            runners.register(plugin)
            self._open.callback(runners.unregister, plugin)
        self._plugins[folder] = plugin
        return plugin

    def close(self) -> None:
        """Let go of loaded modules."""
        self._plugins.clear()
        self._open.close()


def built_module(folder: Path, cache: Path) -> Path:
    """Return the built module of a project.

    It is kept in `cache` with the digests of the files that it was made of, and built again when one of
    them, the project file or the SDK is not the same. Raises what the build raises.
    """
    from reglet.infrastructure.atomic import write_atomic
    from reglet.infrastructure.build.build import build_plugin

    name = f"{folder.name}-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"
    module, stamp = cache / f"{name}.wasm", cache / f"{name}.json"
    try:
        written: dict[str, Any] = json.loads(stamp.read_text("utf-8"))
        is_fresh = module.is_file() and written == _made_of(map(Path, written["sources"]))
    except (OSError, ValueError, KeyError):
        is_fresh = False
    if not is_fresh:
        report = build_plugin(folder, module)
        write_atomic(stamp, json.dumps(_made_of([*report.sources, folder / PROJECT_FILE])).encode())
    return module


def _made_of(sources: Iterable[Path]) -> dict[str, Any]:
    """Return the digests of sources, and one of the SDK's own source, which is in every module."""
    root = Path(reglet.__file__).parent
    sdk = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        status = path.stat()
        sdk.update(f"{path.relative_to(root)} {status.st_size} {status.st_mtime_ns}\n".encode())
    return {
        "sdk": sdk.hexdigest(),
        "sources": {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sources},
    }


class ExampleFile(pytest.File):
    """A project's `pyproject.toml`, which names the plugin whose examples these are."""

    def collect(self) -> Iterator[ExampleItem]:
        """Yield an item an example."""
        from reglet.domain.errors import RegletError
        from reglet.domain.escaping import escape_lines
        from reglet.testing.plugintest import examples_of

        try:
            plugin = projects_of(self.config).plugin(self.path.parent)
        except RegletError as error:
            said = f"{error}\n{getattr(error, 'traceback', '')}".rstrip()
            raise self.CollectError(escape_lines(said)) from error
        for case in examples_of(plugin):
            item: ExampleItem = ExampleItem.from_parent(self, name=case.id, case=case)
            yield item


class ExampleItem(pytest.Item):
    """One example, run against its answers."""

    def __init__(self, *, case: ExampleCase, **arguments: Any) -> None:
        """Run `case`."""
        super().__init__(**arguments)
        self.case = case
        self.add_marker("reglet_example")

    def runtest(self) -> None:
        """Run it."""
        from reglet.testing.plugintest import run_example

        run_example(self.case)

    def repr_failure(self, excinfo: ExceptionInfo[BaseException], style: Any = None) -> str | TerminalRepr:
        """Return what differs; the kit's own frames say nothing to an author."""
        from reglet.testing.plugintest import ExampleFailed

        if isinstance(excinfo.value, ExampleFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where the example is named."""
        return self.path, None, f"example {self.case.id}"


def names_a_plugin(path: Path) -> bool:
    """Whether a file is there, can be read, and has `[tool.reglet] plugin`."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    if "tool.reglet" not in text:
        return False
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    match tables:
        case {"tool": {"reglet": {"plugin": _}}}:
            return True
        case _:
            return False


def project_folder(path: Path) -> Path | None:
    """Return the nearest folder above a file, or the folder itself, that is a plugin's project."""
    return next((each for each in (path, *path.parents) if names_a_plugin(each / PROJECT_FILE)), None)
