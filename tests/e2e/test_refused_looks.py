"""A path that no grant covers: whatever a check makes of it, its Result names the missing grant."""

from __future__ import annotations

import json
import sys

import pytest

from reglet.domain.entities.grants import (
    EnvironmentCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
)
from reglet.sandbox import Sandbox
from tests.looks import LOOKS, OF_THE_FOLDER, READS

pytestmark = pytest.mark.unmeasured

EXPECTED = {
    "open": "key = value",
    "stat": "11",
    "exists": "True",
    "listdir": "['app.conf', 'other.txt']",
    "glob": "['{folder}/app.conf']",
    "pathlib": "True",
}


@pytest.fixture(scope="module")
def module_path(built_source):
    """The plugin, built once."""
    return built_source(LOOKS)


@pytest.fixture
def folder(tmp_path):
    """A folder with a file to look at, and another."""
    folder = tmp_path.resolve() / "etc"
    folder.mkdir()
    (folder / "app.conf").write_text("key = value")
    (folder / "other.txt").write_text("other")
    return folder


def files(read=(), write=(), **more):
    """Return grants of files."""
    return GrantSet(fs=FileSystemCapability([FileSystemRule(list(read), list(write))]), **more)


def looked(module_path, grants, way, path, *, operation="look", **options):
    """Return the Result of looking at a path."""
    with Sandbox(grants, **options) as sandbox:
        return sandbox.load(module_path).check({"operation": operation, "way": way, "path": str(path)})


def assert_denied(result, operation, path):
    """Assert that a Result is the error that names a missing grant, and the rule to add."""
    assert result.error is not None, result
    assert (result.error.type, result.error.code) == ("capability", f"fs:{operation}:{path}")
    assert f"add {json.dumps({operation: [str(path)]})} to fs.rules" in result.error.message
    assert result.data is None
    assert result.error.wrapped is None


@pytest.mark.parametrize(
    "way", [*READS, "lstat", "access", "walk", "rglob", "resolve", "strict", "caught", "raised"]
)
@pytest.mark.parametrize("granted", ["nothing", "another file"])
def test_a_look_without_a_grant_is_no_verdict(module_path, folder, way, granted):
    """However it looks, and whatever the handler makes of what it did not see."""
    grants = None if granted == "nothing" else files(read=[f"{folder}/other.txt"])
    result = looked(module_path, grants, way, folder / "app.conf")
    assert_denied(result, "read", folder if way in OF_THE_FOLDER else folder / "app.conf")


@pytest.mark.parametrize(
    ("way", "pattern"),
    [("listdir", "*"), ("walk", "*"), ("scandir", "*"), ("glob", "*.conf"), ("rglob", "**/*.conf")],
)
def test_a_listing_that_leaves_names_out_is_no_verdict(module_path, folder, way, pattern):
    """Where a pattern grants some names of a folder, others are looked for in vain, there or not."""
    result = looked(module_path, files(read=[f"{folder}/*.txt"]), way, folder / "app.conf")
    assert_denied(result, "read", folder / pattern)


@pytest.mark.parametrize("granted", ["*.conf", "**", "*", ".", "app.*"])
def test_a_pattern_that_is_granted_finds_what_is_there(module_path, folder, granted):
    """The folder itself grants its names, a pattern those that fit it."""
    grants = files(read=[str(folder) if granted == "." else f"{folder}/{granted}"])
    result = looked(module_path, grants, "glob", folder / "app.conf")
    if granted == "app.*":  # not all that may fit
        assert_denied(result, "read", folder / "*.conf")
    else:
        assert result.data == {"seen": f"['{folder}/app.conf']"}


@pytest.mark.parametrize("way", READS)
def test_the_rule_that_is_named_makes_the_look_possible(module_path, folder, way):
    """Of a folder it grants the names in it."""
    path = folder if way in OF_THE_FOLDER else folder / "app.conf"
    result = looked(module_path, files(read=[str(path)]), way, folder / "app.conf")
    assert result.data == {"seen": EXPECTED[way].format(folder=folder)}


@pytest.mark.parametrize("way", READS)
def test_a_file_that_is_granted_and_absent_is_absent(module_path, folder, way):
    """That is a verdict: it was looked for."""
    result = looked(module_path, files(read=[f"{folder}/**"]), way, folder / "gone" / "app.conf")
    if way in ("open", "stat", "listdir"):
        assert result.error.type == "panic"
        assert result.error.message.startswith("FileNotFoundError")
    else:
        assert result.data == {"seen": "[]" if way == "glob" else "False"}


@pytest.mark.parametrize("way", [*READS, "lstat", "resolve"])
def test_a_link_out_of_what_is_granted_names_where_it_leads(module_path, folder, way):
    """Hosts judge that; the link itself is granted already."""
    (folder / "inside").mkdir()
    (folder / "inside" / "out").symlink_to("..")
    path = folder / "inside" / "out" / "app.conf"
    asked, target = (path.parent, folder) if way in OF_THE_FOLDER else (path, folder / "app.conf")
    result = looked(module_path, files(read=[f"{folder}/inside/**"]), way, path)
    assert_denied(result, "read", target)
    assert way == "resolve" or f"{asked} leads there" in result.error.message


def test_a_change_of_a_link_names_the_link_and_one_through_it_where_it_leads(module_path, folder):
    """To remove a link takes no grant for what it leads to."""
    link = folder / "inside" / "link"
    link.parent.mkdir()
    link.symlink_to(folder / "app.conf")
    grants = files(read=[f"{folder}/inside/**"])
    assert_denied(looked(module_path, grants, "unlink", link), "write", link)
    assert_denied(looked(module_path, grants, "write", link), "write", folder / "app.conf")


@pytest.mark.parametrize("way", ["write", "mkdir", "unlink"])
@pytest.mark.parametrize("granted", ["nothing", "reading"])
def test_a_change_without_a_grant_names_the_grant_of_writing(module_path, folder, way, granted):
    """Also where the path may be read."""
    grants = None if granted == "nothing" else files(read=[f"{folder}/**"])
    path = folder / ("new" if way == "mkdir" else "app.conf")
    assert_denied(looked(module_path, grants, way, path), "write", path)
    assert (folder / "app.conf").read_text() == "key = value"


def test_a_change_of_a_mode_takes_the_grant_of_writing(module_path, folder):
    """Although WASI has no modes, and nothing is changed with it."""
    path = folder / "app.conf"
    assert_denied(looked(module_path, files(read=[str(path)]), "chmod", path), "write", path)
    assert looked(module_path, files(write=[str(path)]), "chmod", path).data == {"seen": "None"}
    absent = looked(module_path, files(write=[f"{folder}/**"]), "chmod", folder / "gone")
    assert absent.error.message.startswith("FileNotFoundError")


@pytest.mark.parametrize("way", ["exists", "glob", "pathlib", "caught"])
def test_an_author_can_take_a_refusal_for_an_answer(module_path, folder, way):
    """For the looks in the block, and those alone."""
    answered = looked(module_path, None, way, folder / "app.conf", operation="ask")
    assert answered.data == {"seen": {"glob": "[]", "caught": "none"}.get(way, "False")}
    assert_denied(
        looked(module_path, None, way, folder / "app.conf", operation="both"), "read", folder / "app.conf"
    )


@pytest.mark.parametrize("way", ["open", "stat", "listdir"])
def test_a_refusal_that_escapes_as_an_exception_is_no_bug(module_path, folder, way):
    """It is the error that names the grant, with the author's frames."""
    result = looked(module_path, None, way, folder / "app.conf", operation="ask")
    assert_denied(result, "read", folder if way in OF_THE_FOLDER else folder / "app.conf")
    assert b"in ask" in result.error.stack


def test_what_is_secret_stays_so(module_path, folder):
    """A path that the config holds as a secret is not told."""
    with Sandbox() as sandbox:
        result = sandbox.load(module_path).check({"operation": "hide", "token": str(folder / "app.conf")})
    assert result.error.type == "capability"
    assert str(folder / "app.conf") not in repr(result) + repr(result.error)


def test_a_refusal_does_not_outlive_its_check(module_path, folder):
    """In a guest that is used again."""
    with Sandbox() as sandbox:
        module = sandbox.load(module_path)
        refused = module.check(
            {"operation": "look", "way": "exists", "path": str(folder / "app.conf")}, fresh=False
        )
        after = module.check({"operation": "look", "way": "cwd", "path": ""}, fresh=False)
    assert refused.is_error
    assert after.data is not None


@pytest.mark.parametrize("way", ["cached", "kept", "exists"])
def test_what_a_refused_check_left_in_its_module_is_no_verdict_of_the_next(module_path, folder, way):
    """Hosts use an instance again, where a second check need not look."""
    config = {"operation": "look", "way": way, "path": str(folder / "app.conf")}
    with Sandbox() as sandbox:
        module = sandbox.load(module_path)
        for _ in range(3):
            assert_denied(module.check(config, fresh=False), "read", folder / "app.conf")
        another = module.check({"operation": "both", "way": way, "path": "/data"}, fresh=False)
    assert_denied(another, "read", "/data")


@pytest.mark.parametrize("operation", ["look", "ask"])
def test_what_another_config_left_in_a_cache_is_no_verdict(module_path, folder, operation):
    """Caches of functions are cleared after a refusal, so that the next check looks for itself."""
    path = str(folder / "app.conf")
    with Sandbox() as sandbox:
        module = sandbox.load(module_path)
        assert module.check({"operation": "look", "way": "cached", "path": path}, fresh=False).is_error
        again = module.check({"way": "cached", "path": path, "operation": operation}, fresh=False)
    assert again.is_error is (operation == "look")


@pytest.mark.parametrize("granted", ["nothing", "another file"])
def test_the_sdks_own_looks_do_not_count(module_path, folder, granted):
    """The plugin's source was there while it was built and is not now; nobody can grant it."""
    grants = None if granted == "nothing" else files(read=[f"{folder}/other.txt"])
    assert looked(module_path, grants, "source", "").data == {"seen": "False"}


def test_looks_of_the_standard_library_for_data_of_its_own_do_not_count(module_path):
    """It does without, or says itself what it lacks; so do imports that come too late."""
    assert looked(module_path, None, "type", "").data == {"seen": "text/html"}
    assert looked(module_path, None, "zone", "").error.type == "panic"


def test_a_look_at_what_the_standard_library_looks_for_counts(module_path):
    """Where it is the plugin's own."""
    assert_denied(looked(module_path, None, "types", "/etc/mime.types"), "read", "/etc/mime.types")


def test_a_relative_path_starts_in_the_directory_of_the_sandbox(module_path, folder):
    """As relative grants do; a refusal names the whole path."""
    granted = files(read=["app.conf"])
    assert looked(module_path, granted, "open", "app.conf", directory=folder).data == {"seen": "key = value"}
    assert looked(module_path, granted, "cwd", "", directory=folder).data == {"seen": str(folder)}
    refused = looked(module_path, granted, "exists", "../etc/other.txt", directory=folder)
    assert_denied(refused, "read", folder / "other.txt")


def test_a_relative_path_starts_in_pwd_where_it_is_granted(module_path, folder):
    """As in Go; the directory need not exist."""
    granted = files(read=[f"{folder}/**"], env=EnvironmentCapability(["PWD"]))
    here = looked(module_path, granted, "open", "app.conf", environment={"PWD": str(folder)})
    gone = looked(module_path, granted, "exists", "x", environment={"PWD": "/no/such/place"})
    assert here.data == {"seen": "key = value"}
    assert_denied(gone, "read", "/no/such/place/x")


def test_a_relative_path_stays_relative_where_no_directory_is_known(module_path):
    """A guest without files is told none; the rule to add is the path as it was asked for."""
    assert_denied(looked(module_path, None, "open", "go.mod"), "read", "go.mod")


@pytest.mark.parametrize("granted", ["nothing", "files"])
@pytest.mark.parametrize(
    ("way", "path", "name"),
    [
        ("home", "~", "HOME"),
        ("home", "~/.ssh/config", "HOME"),
        ("home of pathlib", "~/app.conf", "HOME"),
        ("variables", "$HOME/app.conf", "HOME"),
        ("variables", "/etc/${SITE}/app.conf", "SITE"),
    ],
)
def test_a_path_that_needs_a_variable_the_host_does_not_give_is_no_verdict(
    module_path, folder, granted, way, path, name
):
    """Python leaves it as it stands, and nothing is found there; the grant of the variable is named."""
    grants = None if granted == "nothing" else files(read=[f"{folder}/**"])
    error = looked(module_path, grants, way, path, directory=folder).error
    assert (error.type, error.code) == ("capability", f"env:{name}")
    assert f'add "{name}" to env.vars' in error.message


@pytest.mark.parametrize(
    ("way", "path"),
    [("home", "~/app.conf"), ("home of pathlib", "~/app.conf"), ("variables", "$HOME/app.conf")],
)
def test_a_path_at_home_is_seen_where_the_variable_is_granted(module_path, folder, way, path):
    """The rule that the error names is the one that makes it work."""
    granted = files(read=[f"{folder}/**"], env=EnvironmentCapability(["HOME"]))
    assert looked(module_path, granted, way, path, environment={"HOME": str(folder)}).data == {"seen": "True"}


@pytest.mark.parametrize("way", ["home", "home of pathlib"])
def test_the_home_of_another_user_is_not_known(module_path, folder, way):
    """No grant shows a guest its host's users."""
    error = looked(module_path, files(read=[f"{folder}/**"]), way, "~root/app.conf").error
    assert (error.type, error.code) == ("config", "unsupported_option")
    assert "write the home directory as a path" in error.message


@pytest.mark.parametrize("way", ["home", "variables"])
def test_a_variable_that_is_missing_can_be_an_answer(module_path, way):
    """As any refusal."""
    path = "$HOME/app.conf" if way == "variables" else "~/app.conf"
    assert looked(module_path, None, way, path, operation="ask").data == {"seen": "False"}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc")
@pytest.mark.parametrize(
    ("path", "leads"),
    [
        ("/proc/self/status", "/proc/self/status"),
        ("/proc/thread-self/status", "/proc/thread-self/status"),
        ("/proc/mounts", "/proc/self/mounts"),
        ("/proc/net/dev", "/proc/self/net/dev"),
    ],
)
def test_what_the_kernel_shows_a_process_of_itself_can_be_granted(module_path, path, leads):
    """The link with the name of the process is a directory: nobody can name a number beforehand."""
    first = looked(module_path, files(read=[path]), "exists", path)
    if leads != path:
        assert_denied(first, "read", leads)
    assert looked(module_path, files(read=[path, leads]), "exists", path).data == {"seen": "True"}
    assert looked(module_path, files(read=[path, leads]), "real", path).data == {"seen": leads}
    refused = looked(module_path, files(read=[path, "/proc/**", leads]), "exists", "/proc/self/environ")
    assert_denied(refused, "read", "/proc/self/environ")


@pytest.mark.parametrize("link", ["folder", "file", "chain", "up"])
@pytest.mark.parametrize("pattern", ["exact", "**"])
def test_the_rules_that_are_named_on_the_way_through_links_make_the_look_possible(
    module_path, folder, link, pattern
):
    """A grant of the link alone is never said to be what is missing."""
    base = folder.parent
    (base / "folder").symlink_to("etc")
    (base / "file").symlink_to("etc/app.conf")
    (base / "chain").symlink_to(base / "folder")
    (base / "up").symlink_to("etc/../folder/.")
    path = base / link if link == "file" else base / link / "app.conf"
    granted = [str(path) if pattern == "exact" or link == "file" else f"{base}/{link}/**"]
    for _ in range(4):
        result = looked(module_path, files(read=granted), "open", path)
        if result.error is None:
            break
        named = result.error.code.removeprefix("fs:read:")
        assert named not in granted
        granted.append(named)
    assert result.data == {"seen": "key = value"}
