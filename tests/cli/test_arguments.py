"""`--config`: one check or many, from JSON, YAML and TOML; and what is wrong with a file, in one line."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglet.cli.arguments import decode_document, read_config, read_configs
from reglet.cli.build import facts_of
from reglet.cli.command import UsageError
from reglet.testing.recording import Recording, RecordingError

VALUE = {"url": "https://example.com", "ports": [443, 8443], "tls": {"verify": True}, "since": "2026-01-02"}
FILES = {
    "a.json": '{"url": "https://example.com", "ports": [443, 8443], "tls": {"verify": true}, "since": "2026-01-02"}',
    "b.yaml": "url: https://example.com\nports: [443, 8443]\ntls:\n  verify: true\nsince: 2026-01-02\n",
    "c.yml": "{url: https://example.com, ports: [443, 8443], tls: {verify: true}, since: 2026-01-02}",
    "d.toml": 'url = "https://example.com"\nports = [443, 8443]\nsince = 2026-01-02\n[tls]\nverify = true\n',
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a byte order mark"])
def test_a_config_comes_from_each_kind_of_file(name: str, mark: bytes, tmp_path: Path):
    """The value is the same; a date is the string that stands there."""
    path = tmp_path / name
    path.write_bytes(mark + FILES[name].encode())
    assert json.loads(read_config(f"@{path}")) == VALUE


def test_each_config_and_each_file_of_a_folder_is_a_check(tmp_path: Path):
    """In the order given, a folder's by name; what is no config there is passed over."""
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "README.md").write_text("# Configs")
    configs = read_configs(['{"a": 1}', f"@{tmp_path}", f"@{tmp_path / 'd.toml'}"])
    assert [config.name for config in configs] == ['{"a": 1}', *FILES, f"@{tmp_path / 'd.toml'}"]
    assert read_configs([])[0].content == b"{}"


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.json", '{"a": 1, "b": {"c": 1, "c": 2}}', "the name 'c' stands twice in an object"),
        ("a.json", '{"a": 1e400}', "1e400 is no number that JSON can hold"),
        ("a.json", '{"a": NaN}', "NaN is no number that JSON can hold"),
        ("a.json", "", "is empty: give a JSON object"),
        ("a.json", "[" * 100_000, "cannot be read: "),
        ("a.json", "[]", "--config must be a JSON object such as"),
        ("a.yaml", "a: 1\na: 2\n", "the name 'a' stands twice in an object"),
        ("a.yaml", "a: [1\nb: 2", "expected ',' or ']'"),
        ("a.yaml", "a: &x [1]\nb: *x\n", "aliases are not for configs"),
        ("a.yaml", "a: !!python/object/apply:os.system [id]", "could not determine a constructor"),
        ("a.yaml", "a: .inf", "cannot be written as JSON"),
        ("a.yaml", 'a: 1\n"\\x61": 2\n', "the name 'a' stands twice in an object"),
        ("a.yaml", 'a: {1: x, "1": y}', "the name '1' stands twice in an object"),
        (
            "a.yaml",
            "a:\n  <<: {b: 1}",
            "merge keys, as in line 2, are not for configs: write the fields again",
        ),
        ("a.yaml", "a: {[b]: c}", "the name in line 1 is no string"),
        ("a.yaml", "# nothing", '--config must be a JSON object such as {"url": "…"}, not null'),
        ("a.yaml", "- a", "not a list"),
        ("a.json", '{"a": ' + "1" * 5_000 + "}", "Exceeds the limit (4300 digits)"),
        ("a.json", "[" * 100_000, "it is nested too deeply"),
        ("a.json", "{\0}\0", "it has zero bytes, as UTF-16 has; save it as UTF-8"),
        ("a.yaml", "[" * 1_000, "cannot be read: "),
        ("a.yaml", "a: 1\n---\nb: 2\n", "expected a single document"),
        ("a.toml", "a = 1\na = 2\n", "Cannot overwrite a value"),
        ("a.toml", "a = inf\n", "cannot be written as JSON"),
        ("a.toml", "a", "cannot be read: "),
        ("a.toml", "a = " + "[" * 5_000, "cannot be read: "),
    ],
)
def test_a_file_that_is_no_config_says_why(name: str, content: str, text: str, tmp_path: Path):
    """The kind of fault and the file, in one line; nothing of a decoder's own passes through."""
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(UsageError) as raised:
        read_config(f"@{path}")
    assert text in str(raised.value)
    assert "\n" not in str(raised.value)


YAML_SCALARS = {
    "NO": "NO",
    "on": "on",
    "True": True,
    "~": None,
    "": None,
    "017": 15,
    "0o17": 15,
    "0X1f": 31,
    "1_000": 1000,
    "089": 89.0,
    "12:30:45": "12:30:45",
    ".5": 0.5,
    "1e3": 1000.0,
    "2026-01-31": "2026-01-31",
    "!!str 5": "5",
    '"\\ud83d\\ude00"': "😀",
    "{1: a, yes: b, null: c, 1.50: d}": {"1": "a", "yes": "b", "null": "c", "1.50": "d"},
}


@pytest.mark.parametrize("written", YAML_SCALARS)
@pytest.mark.parametrize("name", ["a.yaml", "A.YML"])
def test_yaml_is_read_as_the_go_hosts_read_profiles(written: str, name: str, tmp_path: Path):
    """`no` is a string, a time is no number in base 60; names are what is written, and so are dates."""
    path = tmp_path / name
    path.write_text(f"a: {written}\r\n")
    assert json.loads(read_config(f"@{path}")) == {"a": YAML_SCALARS[written]}


@given(st.binary(max_size=60), st.sampled_from(["JSON", "YAML", "TOML"]))
def test_a_document_is_a_value_or_our_error(content: bytes, language: str):
    """Whatever bytes a file holds."""
    with suppress(UsageError):
        decode_document(content, "--config @file", language)


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        ("c.json", "--config c.json is not JSON: did you mean --config @c.json?"),
        ("folder", "--config folder is not JSON: did you mean --config @folder?"),
        ("@empty", "--config @empty has no config: put files into it that end in .json, .yaml or .toml"),
        ("x" * 5_000, "--config is not JSON: Expecting value at line 1 column 1: 'xxxxxxxxxx'"),
        ("none.json", "--config is not JSON: Expecting value at line 1 column 1: 'none.json'"),
    ],
)
def test_a_file_is_named_with_an_at_sign(
    argument: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Who forgets it is told."""
    (tmp_path / "c.json").write_text("{}")
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as raised:
        read_configs([argument])
    assert str(raised.value) == text


@pytest.mark.parametrize(
    "content", ['{"a": 1e3, "b": "\\ud800", "c": 12345678901234567890}', '{ "a" :\n1.10}']
)
def test_json_goes_to_the_plugin_as_it_is_written(content: str, tmp_path: Path):
    """Numbers keep their spelling, which hosts in other languages tell apart."""
    path = tmp_path / "config.json"
    path.write_text(content)
    assert read_config(f"@{path}") == read_config(content) == content.encode()


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no device without an end")
def test_a_file_without_an_end_is_not_read_to_it():
    """Nor is one that is larger than any config, plugin or recording."""
    with pytest.raises(UsageError, match="--config @/dev/zero: it has more than 128 MB"):
        read_config("@/dev/zero")
    with pytest.raises(UsageError, match="/dev/zero: it has more than 128 MB"):
        facts_of(Path("/dev/zero"))
    with pytest.raises(RecordingError, match="/dev/zero: the recording cannot be read: it has more"):
        Recording.load(Path("/dev/zero"))
