"""Recordings of host calls, and what is masked in them."""

import base64
import json
import re
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglet.application.models.decorators import field, model
from reglet.application.models.json_schema import input_schema
from reglet.application.operations import operation
from reglet.application.plugin import define_plugin
from reglet.domain.entities.result import Result
from reglet.domain.errors import CapabilityError
from reglet.testing.masking import MASK, Masker, is_secret_name, known_secrets
from reglet.testing.recording import (
    RecordedCall,
    Recorder,
    Recording,
    RecordingError,
    Replay,
    ReplayMismatchError,
)
from reglet.testing.strategies import json_values
from tests.testing.plugins import fetching


class Echo:
    """A host that answers what it was asked, has no shell, and takes the log."""

    def call(self, name, request):
        if name == "exec_command":
            raise CapabilityError("exec:/bin/sh")
        return b"" if name == "log_message" else request


def recorded(*calls, secrets=()):
    """Return the recording of some calls."""
    recorder = Recorder(Echo(), secrets=secrets)
    for name, request in calls:
        try:
            recorder.call(name, json.dumps(request).encode())
        except CapabilityError:
            continue
    return recorder.recording(plugin="http", config={"url": "http://a.test", "password": "hunter22"})


GET = (
    "http_request",
    {"method": "GET", "url": "http://a.test/", "context": {"deadline": "2026-01-01T00:00:00Z"}},
)


def test_a_recording_is_sorted_json_with_every_call_in_order():
    """Another language can read it, and two equal runs give equal files."""
    text = recorded(GET, ("log_message", {"message": "hi"})).to_json()
    document = json.loads(text)
    assert (document["format"], document["version"], document["plugin"]) == ("reglet-recording", 1, "http")
    assert [call["function"] for call in document["calls"]] == ["http_request", "log_message"]
    assert document["calls"][0]["answer"]["url"] == "http://a.test/"
    assert document["config"] == {"url": "http://a.test", "password": MASK}
    assert text == recorded(GET, ("log_message", {"message": "hi"})).to_json()


def test_a_recording_comes_back_from_its_file_and_answers(tmp_path):
    """Written, read and played back, each call gets its recorded answer."""
    path = tmp_path / "run.json"
    recorded(GET, ("exec_command", {"command": "/bin/sh"})).save(path)
    replay = Replay(Recording.load(path))
    later = GET[1] | {"context": {"deadline": "2027-01-01T00:00:00Z"}}
    answer = replay.call("http_request", json.dumps(later).encode())
    assert json.loads(answer)["url"] == "http://a.test/"
    assert replay.call("log_message", b"{}") == b""
    with pytest.raises(CapabilityError, match="exec:/bin/sh"):
        replay.call("exec_command", b'{"command": "/bin/sh"}')
    replay.assert_faithful()
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


def test_another_request_is_refused_with_a_diff_and_remembered():
    """A plugin that catches the error does not hide it."""
    replay = Replay(recorded(GET))
    with pytest.raises(ReplayMismatchError) as caught:
        replay.call("http_request", b'{"method": "GET", "url": "http://b.test/"}')
    assert "host call 1 of 1 differs" in str(caught.value)
    assert '-  "url": "http://a.test/"' in str(caught.value)
    assert '+  "url": "http://b.test/"' in str(caught.value)
    with pytest.raises(ReplayMismatchError):
        replay.assert_faithful()


def test_a_call_too_many_is_refused():
    """The recording has an end."""
    replay = Replay(recorded())
    with pytest.raises(ReplayMismatchError, match="one host call more than the 0 recorded"):
        replay.call("dns_lookup", b'{"hostname": "a.test"}')


def test_calls_that_were_not_made_are_listed():
    """A run that stops early is not the one that was recorded."""
    with pytest.raises(ReplayMismatchError, match="1 recorded calls were not made:\n  http_request"):
        Replay(recorded(GET)).assert_faithful()


def call_in_recording(call):
    """Return a recording of one call, as a person may have written it."""
    return f'{{"format": "reglet-recording", "version": 1, "calls": [{call}]}}'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "cannot be read"),
        ("[]", "not a recording"),
        ('{"format": "reglet-recording", "version": 9}', "version 9"),
        (
            '{"format": "reglet-recording", "version": 1, "plugin": "", "config": null, "calls": [{}]}',
            'no "function"',
        ),
        (call_in_recording('"x"'), 'call 1: it is not an object: "x"'),
        (call_in_recording('{"function": 1, "answer": null}'), 'call 1: its "function" is 1'),
        (
            call_in_recording('{"function": "f", "anwser": {}}'),
            'call 1: it has a "anwser"; did you mean "answer"?',
        ),
        (call_in_recording('{"function": "f", "answer": null}'), 'call 1: it has no "request"'),
        (call_in_recording('{"function": "f", "request": {}}'), 'call 1: it has neither an "answer" nor'),
        (call_in_recording('{"function": "f", "refused": 5}'), 'call 1: its "refused" is 5'),
        ("[" * 100_000, "it is nested too deeply"),
    ],
)
def test_a_file_that_is_no_recording_is_named_with_what_is_wrong(tmp_path, text, problem):
    """Each way of being wrong has its own sentence."""
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(RecordingError, match=re.escape(problem)) as caught:
        Recording.load(path)
    assert str(path) in str(caught.value)


def test_a_recording_that_cannot_be_written_says_so(tmp_path):
    """The error names the file."""
    with pytest.raises(RecordingError, match="cannot be written"):
        recorded().save(tmp_path / "no" / "x.json")


def test_what_has_a_secrets_name_is_masked():
    """Headers, address, query, variables and config fields."""
    masked = Masker().masked(
        {
            "url": "https://user:pw@a.test/x?page=2&access_token=abc",
            "headers": {"Authorization": ["Bearer abc"], "X-Amz-Date": ["20260101"], "Accept": ["*/*"]},
            "env": ["DB_PASSWORD=abc", "LANG=C"],
        }
    )
    assert masked == {
        "url": "https://***@a.test/x?page=2&access_token=***",
        "headers": {"Authorization": ["Bearer ***"], "X-Amz-Date": ["20260101"], "Accept": ["*/*"]},
        "env": ["DB_PASSWORD=***", "LANG=C"],
    }


def masked_body(text, *secrets):
    """Return what is recorded of a body."""
    masked = Masker(secrets).masked({"body": base64.b64encode(text.encode()).decode()})
    return base64.b64decode(masked["body"]).decode()


@pytest.mark.parametrize(
    ("name", "value", "masked"),
    [
        ("Set-Cookie", "sid=abc123; Path=/; Secure; HttpOnly", "sid=***; Path=/; Secure; HttpOnly"),
        ("Set-Cookie", "nameless", MASK),
        ("Cookie", "sid=abc123; theme=dark", "sid=***; theme=***"),
        ("Authorization", "Basic dXNlcjpwYXNz", "Basic ***"),
        ("Authorization", "AWS4-HMAC-SHA256 Credential=AK/x, Signature=1", "AWS4-HMAC-SHA256 ***"),
        ("X-Api-Key", "abc123", MASK),
        ("Date", "Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ("Access-Control-Allow-Credentials", "true", "true"),
    ],
)
def test_of_a_header_only_the_secret_part_is_masked(name, value, masked):
    """What a check looks at stays: attributes of a cookie, a scheme, a date."""
    assert Masker().masked({"headers": {name: [value]}}) == {"headers": {name: [masked]}}


@pytest.mark.parametrize(
    ("body", "masked"),
    [
        (
            '{"access_token": "abc123", "token_type": "Bearer"}',
            '{"access_token": "***", "token_type": "Bearer"}',
        ),
        ('{"a": {"apiKeys": 1, "api_key": 12345}}', '{"a": {"apiKeys": 1, "api_key": "***"}}'),
        ('{"credentials": [{"id": 7, "ok": true}]}', '{"credentials": [{"id": "***", "ok": true}]}'),
        ('{"password": "a\\"b",  "n": 1.50}', '{"password": "***",  "n": 1.50}'),
        ("grant_type=password&client_secret=abc&x=1", "grant_type=password&client_secret=***&x=1"),
        (
            "<SecretAccessKey>abc123</SecretAccessKey><Name>n</Name>",
            "<SecretAccessKey>***</SecretAccessKey><Name>n</Name>",
        ),
        ("user: admin\npassword: hunter2\nport: 5", "user: admin\npassword: ***\nport: 5"),
        ('export API_TOKEN="abc 123"', "export API_TOKEN=***"),
        ("> Authorization: Bearer abc123", "> Authorization: Bearer ***"),
        (
            '{"password_min_length": 12, "token": null, "secret": false}',
            '{"password_min_length": 12, "token": null, "secret": false}',
        ),
        ("PasswordAuthentication no", "PasswordAuthentication no"),
    ],
)
def test_in_a_body_what_has_a_secrets_name_is_masked_and_nothing_else(body, masked):
    """JSON, forms, XML, settings and headers in text."""
    assert masked_body(body) == masked


@pytest.mark.parametrize(
    "form",
    [
        "p@ss/wörd+1",
        "p%40ss%2Fw%C3%B6rd%2B1",
        "p%40ss%2fw%c3%b6rd%2b1",
        "p%40ss/w%C3%B6rd%2B1",
        "p@ss\\/w\\u00f6rd+1",
        "p@ss/w\\u00f6rd+1",
        base64.b64encode("p@ss/wörd+1".encode()).decode(),
        base64.b64encode("user:p@ss/wörd+1".encode()).decode().rstrip("="),
        base64.urlsafe_b64encode("{a: p@ss/wörd+1}".encode()).decode(),
        "p@ss/wörd+1".encode().hex(),
        "p@ss/wörd+1".encode().hex(":").upper(),
        "".join(f"%{byte:02X}" for byte in "p@ss/wörd+1".encode()),
        "".join(f"%2525{byte:02x}" for byte in "p@ss/wörd+1".encode()),
        "".join(f"&#{ord(each)};" for each in "p@ss/wörd+1"),
        "".join(f"&amp;#x00{ord(each):X};" for each in "p@ss/wörd+1"),
        "".join(f"\\u{ord(each):04X}" for each in "p@ss/wörd+1"),
        "".join(f"\\\\x{ord(each):02x}" for each in "p@ss/wörd+1"),
        "".join(f"\\{ord(each):03o}" for each in "p@ss/wörd+1"),
        "".join(f"\\{each}" for each in "p@ss/wörd+1"),
        "p%40s\\u0073/w&ouml;rd+1".replace("&ouml;", "ö"),
        "p@ss/wörd+1".encode("utf-16-le").decode("utf-16-le").replace("", "\0")[1:-1],
        base64.b64encode(base64.b64encode("p@ss/wörd+1".encode())).decode(),
        base64.b32encode("user:p@ss/wörd+1".encode()).decode(),
    ],
    ids=range(23),
)
def test_a_known_secret_is_masked_in_every_encoding(form):
    """In texts, in bodies, in arguments, as addresses, JSON and base64 write it."""
    masker = Masker(["p@ss/wörd+1"])
    assert masker.masked({"stdout": f"<{form}>"}) == {"stdout": "<***>"}
    assert masker.masked({"args": [f"x,{form}"]}) == {"args": ["x,***"]}
    assert masked_body(f"a {form} b", "p@ss/wörd+1") == "a *** b"


@pytest.mark.unmeasured
@pytest.mark.parametrize("unit", ["\\", "%25", "&amp;", "%", "hunter2-secre", "\\u0068", "68 ", "A", "&#0"])
def test_a_secret_is_looked_for_in_proportion_to_the_text(unit):
    """Whatever nearly is one, over and over."""
    masker = Masker(["hunter2-secret", "\\\\server\\share"])
    started = time.process_time()
    masker.known_in(unit * (200_000 // len(unit)))
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "unit",
    ['name="password"\r\n\r\nx', "-----BEGIN PRIVATE KEY-----", "eyJ", '<input name="a" value="b">\n\n'],
)
def test_what_has_a_secrets_name_is_looked_for_in_proportion_to_the_text(unit):
    """In a form too, whose boundary never comes again."""
    started = time.process_time()
    Masker().masked({"message": "--b\r\n" + unit * (200_000 // len(unit))})
    assert time.process_time() - started < 5


def test_a_known_number_is_masked_and_json_stays_json():
    """A PIN in a config is a secret, as a value and in a text."""
    masker = Masker(["4711"])
    assert masker.masked({"pin": 4711, "n": 47110}) == {"pin": MASK, "n": 47110}
    assert json.loads(masked_body('{"pin": 4711, "n": 1}', "4711")) == {"pin": MASK, "n": 1}


@pytest.mark.parametrize(
    ("args", "masked"),
    [
        (["--token", "abc123", "-v"], ["--token", MASK, "-v"]),
        (["--token=abc 123"], ["--token=***"]),
        (["--password", "--verbose"], ["--password", "--verbose"]),
        (["--password-file", "/etc/x"], ["--password-file", "/etc/x"]),
        (["-H", "Authorization: Bearer abc"], ["-H", "Authorization: Bearer ***"]),
        (["-u", "ann:hunter22", "-v"], ["-u", "ann:***", "-v"]),
        (["--user", "ann"], ["--user", "ann"]),
        (["PGPASSWORD=hunter22"], ["PGPASSWORD=***"]),
    ],
)
def test_arguments_of_commands_are_masked(args, masked):
    """Behind an option with a secret's name, as one word or two."""
    assert Masker().masked({"args": args}) == {"args": masked}


def test_a_secret_that_an_answer_gave_is_masked_where_it_is_used_and_before():
    """What has a secret's name once is a secret everywhere."""
    recorder = Recorder(Echo())
    recorder.call("http_request", b'{"url": "http://a.test/s3cr3t-token"}')
    recorder.call("http_request", b'{"url": "http://a.test/", "headers": {"X-Auth-Token": ["s3cr3t-token"]}}')
    assert "s3cr3t" not in recorder.recording().to_json()


def test_a_recording_is_for_its_owner_alone(tmp_path):
    """Whatever masks miss is not for everybody; an older file's mode does not stay."""
    path = tmp_path / "run.json"
    path.write_text("{}")
    path.chmod(0o644)
    recorded(GET).save(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_replay_that_meets_a_mask_says_where():
    """What a check makes of a mask may differ from what it made of the secret."""
    request = ("http_request", {"url": "http://a.test/", "headers": {"X-Api-Key": ["secret-1"]}})
    replay = Replay(recorded(GET, request))
    assert replay.note == ""
    for name, message in (GET, request):
        replay.call(name, json.dumps(message).encode())
    assert replay.masks == ("host call 2: headers.X-Api-Key.0",)
    assert "masks secrets in its answers" in replay.note
    with pytest.raises(
        ReplayMismatchError, match=r"(?s)one host call more.*host call 2: headers.X-Api-Key.0"
    ):
        replay.call("dns_lookup", b"{}")


def test_what_is_masked_in_a_request_fits_any_secret_and_nothing_else():
    """Another token replays; another address beside it does not."""
    body = base64.b64encode(b'{"api_key": 12345678, "q": 1}').decode()
    request = {
        "url": "http://a.test/?token=abc&p=1",
        "headers": {"Authorization": ["Bearer abc"]},
        "body": body,
    }
    recording = recorded(("http_request", request))
    later = request | {"url": "http://a.test/?token=other&p=1", "headers": {"Authorization": ["Bearer x"]}}
    Replay(recording).call("http_request", json.dumps(later).encode())
    for different in (
        {"url": "http://a.test/?token=abc&p=2"},
        {"headers": {"Authorization": ["Basic abc"]}},
        {"body": base64.b64encode(b'{"api_key": 1, "q": 2}').decode()},
    ):
        with pytest.raises(ReplayMismatchError):
            Replay(recording).call("http_request", json.dumps(request | different).encode())


def test_dates_of_requests_are_not_compared():
    """They differ from run to run by nature."""
    request = {"url": "http://a.test/", "headers": {"X-Amz-Date": ["20260101T000000Z"]}}
    replay = Replay(recorded(("http_request", request)))
    replay.call("http_request", json.dumps(request | {"headers": {"X-Amz-Date": ["2027"]}}).encode())
    replay.assert_faithful()


def test_a_known_secret_is_masked_wherever_it_stands():
    """In texts, arguments, encoded in addresses, and inside bodies."""
    masker = Masker(["s3cr3t/x", "ab"])
    body = base64.b64encode(b'{"key": "s3cr3t/x"}').decode()
    masked = masker.masked(
        {"args": ["--key=s3cr3t/x"], "url": "http://a.test/?q=s3cr3t%2Fx", "body": body, "message": "ab"}
    )
    assert masked["args"] == ["--key=***"]
    assert masked["url"] == "http://a.test/?q=***"
    assert base64.b64decode(masked["body"]) == b'{"key": "***"}'
    assert masked["message"] == "ab"


def test_a_body_that_is_no_text_stays():
    """Binary bodies are not taken apart."""
    body = base64.b64encode(b"\xff\xfe").decode()
    assert Masker(["secret"]).masked({"body": body}) == {"body": body}


def test_a_masked_request_still_replays():
    """Whoever knows the same secrets makes the same masked request."""
    request = ("http_request", {"url": "http://a.test", "headers": {"X-Key": ["s3cr3t"]}})
    recording = recorded(request, secrets=["s3cr3t"])
    replay = Replay(recording, secrets=["s3cr3t"])
    replay.call("http_request", json.dumps(request[1]).encode())
    replay.assert_faithful()


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("Authorization", True),
        ("X-Api-Key", True),
        ("apiKey", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("AWS_SESSION_TOKEN", True),
        ("Set-Cookie", True),
        ("X-Amz-Signature", True),
        ("password", True),
        ("PGPASSWORD", True),
        ("MYSQL_PWD", True),
        ("pwd", True),
        ("PWD", False),
        ("OLDPWD", False),
        ("key", False),
        ("monkey", False),
        ("Content-Type", False),
        ("passenger", False),
        ("url", False),
    ],
)
def test_names_of_secrets(name, secret):
    """Whole words count, not letters inside others."""
    assert is_secret_name(name) is secret


def test_a_checks_secrets_are_known_before_it_runs():
    """Fields that a model marks, fields and variables with a secret's name; nothing of a config that is none."""
    config = json.dumps(
        {"url": "http://a.test", "token": "t0ken-1", "inner": [{"password": "pass-2"}], "n": 1}
    ).encode()
    environment = {"AWS_SECRET_ACCESS_KEY": "key-3", "LANG": "C"}
    assert known_secrets(config, fetching(), environment) == ["t0ken-1", "pass-2", "key-3"]
    assert known_secrets(b'{"url": 1', fetching(), {}) == []
    assert known_secrets(b'{"tokens": ["x"], "api_key": [1234, {"a": "b"}], "secret": true}', None, {}) == [
        "1234",
        "b",
    ]


def test_a_field_that_only_its_schema_calls_secret_is_known():
    """Of a built plugin nothing else says so; wherever it lies, and whatever it holds."""

    @model
    class Inner:
        phrase: str = field(secret=True)

    @model
    class Outer:
        pin: int = field(secret=True)
        inner: Inner
        many: list[Inner]
        by_name: dict[str, Inner]
        user: str = ""

    config = {
        "pin": 4711,
        "user": "ann",
        "inner": {"phrase": "a-1"},
        "many": [{"phrase": "b-2"}],
        "by_name": {"x": {"phrase": "c-3"}},
    }
    given = json.dumps(config).encode()
    found = known_secrets(given, environment={}, schema=input_schema(Outer))
    assert found == ["4711", "a-1", "b-2", "c-3"]


def test_a_field_that_only_its_model_calls_secret_is_known():
    """The mark counts, not the name."""

    @model
    class Input:
        """A field of an innocent name."""

        salt: str = field(secret=True)

    plugin = define_plugin(name="p", version="1.0.0", description="d")

    def run(self, request):
        """Never called."""

    run.__annotations__ = {"request": Input, "return": Result}

    @plugin.service("s")
    class Service:
        """One operation."""

        go = operation()(run)

    assert known_secrets(b'{"salt": "pepper"}', plugin, {}) == ["pepper"]


@given(st.dictionaries(st.sampled_from(["url", "headers", "env", "body", "token", "args"]), json_values()))
def test_masking_twice_masks_no_more(request):
    """What a recording holds is what a replay compares, however often it is masked."""
    once = Masker(["a secret"]).masked(request)
    assert Masker(["a secret"]).masked(once) == once


def test_a_replay_does_not_compare_how_much_time_is_left():
    """The second of two look-ups has less of it, and how much less differs from run to run."""
    look_up = ("dns_lookup", {"hostname": "a.test", "type": "AAAA", "timeout_ms": 4980})
    replay = Replay(recorded(look_up))
    replay.call("dns_lookup", json.dumps(look_up[1] | {"timeout_ms": 4999}).encode())
    replay.assert_faithful()


def test_calls_of_several_threads_replay_in_any_order():
    """Which of them comes first is not the check's choice; the answers are those of the requests."""
    recorder = Recorder(Echo())
    calls = [json.dumps({"url": f"http://a.test/{number}"}).encode() for number in range(3)]
    for call in calls:
        thread = threading.Thread(target=recorder.call, args=("http_request", call))
        thread.start()
        thread.join()
        recorder.call("http_request", call)  # of this one
    replay = Replay(recorder.recording())
    for call in [*reversed(calls), *calls]:
        assert json.loads(replay.call("http_request", call)) == json.loads(call)
    with pytest.raises(ReplayMismatchError, match="one host call more than the 6 recorded"):
        replay.call("http_request", calls[0])


def test_a_call_of_several_threads_that_is_not_recorded_is_shown_beside_one_that_is_like_it():
    """One that is left, of the same function."""
    calls = (
        RecordedCall("dns_lookup", {"hostname": "a"}, {}),
        RecordedCall("http_request", {"url": "b"}, {}, thread=1),
    )
    replay = Replay(Recording(calls))
    with pytest.raises(
        ReplayMismatchError, match=r"(?s)call 1 of 2 is none of those.*like this one:.*url"
    ) as caught:
        replay.call("http_request", b'{"url": "c"}')
    assert '-  "url": "b"' in str(caught.value)


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (
            {"url": "http://h/?t=s3cr3tvalue"},
            {"error": {"message": "http GET http://h/?t=s3cr3tvalue failed"}},
        ),
        ({"url": "http://u:s3cr3tvalue@h/?t=s3cr3tvalue"}, {"error": {"message": "http://h/?t=s3cr3tvalue"}}),
        (
            {"url": "u", "headers": {"Authorization": ["Bearer s3cr3tvalue"]}},
            {"headers": {"X": ["Bearer s3cr3tvalue"]}},
        ),
        (
            {"url": "u", "body": base64.b64encode(b"user=a&password=s3cr3tvalue").decode()},
            {"body": base64.b64encode(b"got user=a&password=s3cr3tvalue").decode()},
        ),
    ],
    ids=["an error", "an error without the user", "a header", "a body"],
)
def test_what_an_answer_repeats_of_a_request_is_what_the_request_has(request_, answer):
    """So that a check makes the same of it; nothing of it stands in the recording."""

    class Repeating:
        def call(self, name, request):
            return json.dumps(answer).encode()

    recorder = Recorder(Repeating(), secrets=["s3cr3tvalue"])
    sent = json.dumps(request_).encode()
    recorder.call("http_request", sent)
    recording = recorder.recording()
    assert "s3cr3tvalue" not in recording.to_json()
    assert MASK in json.dumps(recording.calls[0].answer) or "body" in answer
    replay = Replay(recording, secrets=["s3cr3tvalue"])
    assert json.loads(replay.call("http_request", sent)) == answer
    assert replay.note == ""


def test_an_answer_that_is_no_json_is_replayed_as_it_was():
    """The plugin's error says the same."""

    class Broken:
        def call(self, name, request):
            return b"<html>"

    recorder = Recorder(Broken())
    recorder.call("http_request", b"{}")
    assert Replay(recorder.recording()).call("http_request", b"{}") == b"<html>"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (
            "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\n",
            "-----BEGIN EC PRIVATE KEY-----***-----END EC PRIVATE KEY-----\n",
        ),
        (
            '{"data": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlc2lnbmF0dXJl"}',
            '{"data": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.***"}',
        ),
        ("-----BEGIN CERTIFICATE-----\nMHcC\n-----END", "-----BEGIN CERTIFICATE-----\nMHcC\n-----END"),
        (
            '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter22\r\n--b--\r\n',
            '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n***\r\n--b--\r\n',
        ),
        (
            '--b\r\nContent-Disposition: form-data; name="user"\r\n\r\nann\r\n--b--\r\n',
            '--b\r\nContent-Disposition: form-data; name="user"\r\n\r\nann\r\n--b--\r\n',
        ),
        (
            '<input type=hidden name="csrf_token" value="abcdef01"><input name=page value=2>',
            '<input type=hidden name="csrf_token" value="***"><input name=page value=2>',
        ),
        ("<meta content='abcdef01' name='csrf-token'>", "<meta content='***' name='csrf-token'>"),
    ],
)
def test_keys_and_fields_of_forms_are_masked(text, masked):
    """What they hold, and nothing around it."""
    assert masked_body(text) == masked


def test_a_short_secret_is_masked_where_it_is_a_whole_value():
    """In a config, an argument or a header; in other strings it would be everywhere."""
    recorder = Recorder(Echo(), secrets=["42", "7"])
    request = {"args": ["--pin", "42", "421"], "headers": {"X-Pin": ["42"]}, "url": "http://a.test/42"}
    recorder.call("exec", json.dumps(request).encode())
    recording = recorder.recording(config={"pin": 7, "codes": ["42"], "port": 77})
    assert recording.calls[0].request == {
        "args": ["--pin", MASK, "421"],
        "headers": {"X-Pin": [MASK]},
        "url": "http://a.test/42",
    }
    assert recording.config == {"pin": MASK, "codes": [MASK], "port": 77}
