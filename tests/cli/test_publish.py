"""`package`, `push`, `pull` and `index`, and a reference as a TARGET, as the shell sees them."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
import trustme
import yaml
from attrs import frozen

from reglet.cli import main
from reglet.infrastructure.registry.artifact import digest_of
from reglet.infrastructure.registry.layout import read_layout
from tests.built_plugins import ROOT, BuildExample
from tests.host.modules import plugin
from tests.registry.servers import PASSWORD, USERNAME, proxied, read_url

HTTP = ROOT / "examples" / "http"
MANIFEST = b'{"name":"http","version":"1.0.0","capabilities":{"network":{"rules":[{"hosts":["*"],"ports":["443"]}]}}}'
LOGIN = {"REGISTRY_USERNAME": USERNAME, "REGISTRY_PASSWORD": PASSWORD}


@frozen
class Ended:
    """A command that ended: its status and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Ended]


@pytest.fixture(name="module")
def _module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a plugin of a few hundred bytes that has the name of the example."""
    path = tmp_path_factory.mktemp("module") / "http.wasm"
    path.write_bytes(plugin(manifest=MANIFEST))
    return path


@pytest.fixture(name="run")
def _run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs the command in an empty folder, with an empty store and no logins."""
    monkeypatch.chdir(tmp_path)
    for name in LOGIN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("REGLET_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object, **variables: str) -> Ended:
        output, messages = StringIO(), StringIO()
        with monkeypatch.context() as changed, redirect_stdout(output), redirect_stderr(messages):
            for name, value in variables.items():
                changed.setenv(name, value)
            status = main([str(argument) for argument in arguments])
        return Ended(status, output.getvalue(), messages.getvalue())

    return run


def done(result: Ended, status: int = 0) -> list[str]:
    """Return the lines on stdout of a command that ended with a status, or on stderr if it is not 0."""
    assert result.returncode == status, result.stderr
    return (result.stderr if status == 3 else result.stdout).splitlines()


def test_a_project_is_packaged_as_a_folder_and_as_an_archive(
    run: Run, built_example: BuildExample, tmp_path: Path
):
    """Both have the digest that is printed, the module that a build gives, and metadata.json."""
    folder, digest = done(run("package", HTTP))
    archive, same = done(run("package", HTTP, "-o", "made.tar"))
    assert (folder, archive, same) == ("http-1.0.0.oci", "made.tar", digest)
    for path, metadata in (
        (tmp_path / folder, tmp_path / folder / "metadata.json"),
        (tmp_path / archive, tmp_path / "metadata.json"),
    ):
        artifact = read_layout(path)
        assert artifact.digest == digest
        assert artifact.module == built_example("http").path.read_bytes()
        assert json.loads(metadata.read_text()) == {
            "name": "http",
            "version": "1.0.0",
            "description": "HTTP/HTTPS request checking and validation",
            "capabilities": ["network"],
        }
    annotations = json.loads(artifact.manifest)["annotations"]
    assert annotations["org.opencontainers.image.created"] == "2023-11-14T22:13:20Z"
    assert annotations["dev.reglet.plugin.capabilities"] == "network"


def test_a_package_that_cannot_be_made_says_why(run: Run, module: Path, tmp_path: Path):
    """A folder of other files, an annotation without a value, one for a layout: nothing is written."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    assert "choose another place with -o" in done(run("package", module, "-o", "notes"), 3)[-1]
    assert "has no name and value" in done(run("package", module, "--annotation", "licenses"), 3)[-1]
    done(run("package", module, "-o", "made.tar"))
    assert "is packaged already" in done(run("package", "made.tar", "--annotation", "a=b"), 3)[-1]
    assert "cannot write no/made.tar" in done(run("package", module, "-o", "no/made.tar"), 3)[-1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made.tar", "metadata.json", "notes"]


def test_a_project_a_file_and_a_layout_are_pushed_with_the_digest_of_the_package(
    run: Run, module: Path, registry: str
):
    """Two pushes have one digest; the tag is the version where none is given, and latest on request."""
    digest = done(run("package", HTTP, "-o", "made.oci"))[-1]
    name = f"{registry}/cli/plugins/http"
    assert done(run("push", name, HTTP, "--latest")) == [f"{name}:1.0.0", f"{name}:latest", digest]
    assert done(run("push", f"{name}:1.0.0", "made.oci")) == [f"{name}:1.0.0", digest]
    tags = json.loads(read_url(f"http://{registry}/v2/cli/plugins/http/tags/list"))["tags"]
    assert sorted(tags) == ["1.0.0", "latest"]
    first, second = (done(run("push", f"{name}:1.0.0", module))[-1] for _ in range(2))
    assert first == second != digest  # another plugin, and without a time and a source


def test_a_push_warns_of_what_will_surprise(run: Run, module: Path, registry: str):
    """A path that hosts do not install from, another name, another version."""
    result = run("push", f"{registry}/other:2.0.0", module)
    assert result.returncode == 0
    assert [line for line in result.stderr.splitlines() if line.startswith("warning: ")] == [
        (
            "warning: hosts that install plugins want registry/org/repo/name:tag, such as "
            "registry.example.com/acme/plugins/http:1.0.0"
        ),
        "warning: the reference is named other, the plugin http",
        "warning: the tag is 2.0.0, the plugin's version 1.0.0",
    ]


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("http:1.0.0", "http:1.0.0 names no plugin in a registry: write registry/org/repo/name:tag"),
        ("r.example/a/b/c@sha256:" + "0" * 64, "so leave out @sha256:"),
        (
            "127.0.0.1:9/a/b/http:1.0.0",
            "127.0.0.1:9/a/b/http:1.0.0: Connection refused: the upload broke off",
        ),
    ],
)
def test_a_push_that_cannot_be_made_is_one_line(reference: str, text: str, run: Run, module: Path):
    """It names the reference and the fix, with the usage status."""
    assert text in done(run("push", reference, module), 3)[-1]


def test_a_pull_writes_the_module(run: Run, module: Path, registry: str, tmp_path: Path):
    """Stdout has the file and its digest, as a build has."""
    reference = f"{registry}/pull/plugins/http:1.0.0"
    done(run("push", reference, module))
    assert done(run("pull", reference)) == ["http.wasm", digest_of(module.read_bytes())]
    assert (tmp_path / "http.wasm").read_bytes() == module.read_bytes()
    done(run("pull", reference, "-o", tmp_path / "docker.wasm"))
    assert "is not in the registry" in done(run("pull", f"{registry}/pull/plugins/http:2"), 3)[-1]


def test_a_tag_that_moved_is_a_difference(run: Run, module: Path, registry: str, tmp_path: Path):
    """With a lock file the status is 1 and nothing is written, until --update."""
    reference = f"{registry}/lock/plugins/http:1.0.0"
    pull = ("pull", reference, "--lock", "reglet.lock", "-o", "http.wasm")
    done(run("push", reference, module))
    done(run(*pull))
    lock = (tmp_path / "reglet.lock").read_bytes()
    entry = yaml.safe_load(lock)["plugins"]["http"]
    assert (entry["source"], entry["sha256"]) == (reference, digest_of(module.read_bytes()))
    done(run(*pull))
    assert (tmp_path / "reglet.lock").read_bytes() == lock

    other = tmp_path / "other.wasm"
    other.write_bytes(module.read_bytes() + b"\0\x02\x01a")
    done(run("push", reference, other))
    (line,) = done(run(*pull), 1)
    assert line.startswith(f"{reference} has moved: it was {digest_of(module.read_bytes())} (1.0.0)")
    assert (tmp_path / "reglet.lock").read_bytes() == lock
    assert (tmp_path / "http.wasm").read_bytes() == module.read_bytes()
    done(run(*pull, "--update"))
    assert (tmp_path / "http.wasm").read_bytes() == other.read_bytes()
    assert (tmp_path / "reglet.lock").read_bytes() != lock
    assert "name it with --lock" in done(run("pull", reference, "--update"), 3)[-1]


def test_a_reference_is_a_target(run: Run, built_example: BuildExample, registry: str):
    """run, inspect and manifest take what a tag means now, and a digest without the network."""
    module = built_example("http").path
    reference = f"{registry}/target/plugins/http:1.0.0"
    digest = done(run("push", reference, module))[-1]
    result = run("run", reference, "--config", '{"url": "http://127.0.0.1:9/"}', "--grants", "none", "--json")
    assert result.returncode == 2
    assert "missing capability: network:127.0.0.1:9" in json.loads(result.stdout)["error"]["message"]
    assert f"{reference} is {digest}" in result.stderr
    facts = json.loads(run("inspect", reference, "--json").stdout)
    assert f"sha256:{facts['sha256']}" == digest_of(module.read_bytes())
    away = f"127.0.0.1:9/target/plugins/http@{digest}"
    assert json.loads(run("manifest", away, "--json").stdout)["name"] == "http"


def test_a_changed_module_is_never_run(run: Run, module: Path, registry: str):
    """A wrong digest is an error before anything is loaded."""
    done(run("push", f"{registry}/changed/plugins/http:1.0.0", module))
    other = digest_of(b"another")
    with proxied(registry, lambda each: each) as (address, _):
        wanted = f"{address}/changed/plugins/http@{other}"
        assert "is not in the registry" in done(run("run", wanted), 3)[-1]


def test_a_login_is_needed_where_the_registry_wants_one(run: Run, module: Path, login_registry: str):
    """Without it one line says how; with it no stream shows the password."""
    reference = f"{login_registry}/cli/plugins/http:1.0.0"
    assert "needs a login: run `docker login" in done(run("push", reference, module), 3)[-1]
    for command in (("push", reference, module), ("pull", reference)):
        result = run(*command, **LOGIN)
        assert result.returncode == 0
        assert PASSWORD not in result.stdout + result.stderr


def test_a_registry_with_tls_is_trusted_by_its_authority(
    run: Run, module: Path, tls_registry: str, authority: tuple[trustme.CA, Path]
):
    """On this machine too, a server that speaks TLS is held to its certificate."""
    reference = f"{tls_registry}/cli/plugins/http:1.0.0"
    (*_, complaint) = done(run("push", reference, module, **LOGIN), 3)
    assert "is not trusted" in complaint
    assert "set REQUESTS_CA_BUNDLE" in complaint
    trusted = {**LOGIN, "REQUESTS_CA_BUNDLE": str(authority[1])}
    done(run("push", reference, module, **trusted))
    done(run("pull", reference, **trusted))


def test_an_index_lists_a_folders_plugins(run: Run, module: Path, tmp_path: Path):
    """Projects, files and layouts; what is no plugin is passed over."""
    done(run("package", module, "-o", "plugins.tar"))
    folder = tmp_path / "all"
    folder.mkdir()
    (tmp_path / "plugins.tar").rename(folder / "http.tar")
    (folder / "dns").symlink_to(ROOT / "examples" / "dns")
    (folder / "README.md").write_text("# Plugins")
    where = ("--registry", "registry.example.com/acme/plugins", "--repository", "https://code.example.com/a")
    index = json.loads("\n".join(done(run("index", folder, *where))))
    assert (index["registry"], index["repository"], index["updated"]) == (
        where[1],
        where[3],
        "2023-11-14T22:13:20Z",
    )
    assert [(each["name"], each["capabilities"], each["latest"]) for each in index["plugins"]] == [
        ("dns", ["network"], "1.0.0"),
        ("http", ["network"], "1.0.0"),
    ]
    done(run("index", folder, *where, "-o", "index.json"))
    assert json.loads((tmp_path / "index.json").read_text()) == index
    (tmp_path / "empty").mkdir()
    assert "has no plugin" in done(run("index", "empty", *where), 3)[-1]
