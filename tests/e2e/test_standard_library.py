"""What people use of the standard library's pure modules in checks works in a built plugin.

Each row is called in one built plugin, after its build: nothing can be imported any more.
"""

from __future__ import annotations

import codecs
import encodings
import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reglet.domain.entities.grants import FileSystemCapability, FileSystemRule, GrantSet
from reglet.sandbox import Sandbox

if TYPE_CHECKING:
    from tests.built_plugins import BuildSource

IMPORTS = """
import base64, binascii, bisect, calendar, codecs, collections, colorsys, configparser, contextlib, copy, csv
import dataclasses, datetime, decimal, difflib, email, email.header, email.message, email.mime.text, email.policy, email.utils, enum
import fnmatch, fractions, functools, gettext, glob, gzip, hashlib, heapq, hmac, html, html.parser, http.cookies
import importlib.metadata, importlib.resources, importlib.util, io, ipaddress, itertools, json, locale, logging, math, mimetypes
import netrc, numbers, operator, os, pathlib, pickle, plistlib, pprint, quopri, random, re, reprlib, secrets, shlex
import shutil, statistics, string, struct, sys, tarfile, tempfile, textwrap, time, tomllib, traceback, types, typing
import unicodedata, urllib.parse, urllib.robotparser, uuid, weakref, xml.dom.minidom, xml.dom.pulldom
import xml.etree.ElementTree as ET, xml.sax, xml.sax.handler, xml.sax.saxutils, zipfile, zlib, zoneinfo, ast, inspect, graphlib, shelve
"""

PLUGIN = (
    IMPORTS
    + """
import reglet

plugin = reglet.define_plugin(name="table", version="1.0.0", description="d")


VERSION = importlib.metadata.version("attrs")
PARSE = datetime.datetime.strptime  # of which no function has the name


def named():
    # what is in rows alone is not seen by the build
    return ast.unparse, pathlib.Path.from_uri


def long_number():
    sys.set_int_max_str_digits(0)
    try:
        return str(10 ** 20_000), int("7" * 20_000) % 7
    finally:
        sys.set_int_max_str_digits(4300)



@reglet.model
class In:
    rows: list[str]


@dataclasses.dataclass(order=True)
class Point:
    x: int
    y: list[int] = dataclasses.field(default_factory=list)


def zipped():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", "x" * 100)
    return stream


def tarred():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        entry = tarfile.TarInfo("a")
        entry.size = 1
        archive.addfile(entry, io.BytesIO(b"x"))
    stream.seek(0)
    return stream


def parsed_html():
    found = []
    class Parser(html.parser.HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.append((tag, attrs))
    Parser().feed("<a href='x'>y</a>")
    return found


def sax():
    found = []
    class Handler(xml.sax.handler.ContentHandler):
        def startElement(self, name, attrs):
            found.append(name)
    xml.sax.parseString(b"<a><b/></a>", Handler())
    return found


def message():
    made = email.message.EmailMessage()
    made["Subject"], made["To"] = "hé", "a@example.com"
    made.set_content("text")
    made.add_attachment(b"x", maintype="application", subtype="pdf", filename="a.pdf")
    return made


@plugin.service("s")
class S:
    @reglet.operation(description="o")
    def run(self, request: In) -> reglet.Result:
        wrong = {}
        for row in request.rows:
            try:
                answer = eval(row, globals() | {})
            except BaseException as error:
                answer = f"{type(error).__name__}: {error}"
            if answer is not True:
                wrong[row] = repr(answer)
        return reglet.result_success("ok", {"wrong": wrong})
"""
)

UNSUPPORTED = PLUGIN.replace(
    IMPORTS,
    """
import ast, asyncio, dataclasses, datetime, http.client, importlib.metadata, pathlib, socket, subprocess, urllib.request, zoneinfo
""",
)
"""Another one: what these modules import is not to be in the table's plugin."""

ROWS = r"""
email.message_from_string("Subject: hi\n\nx")["Subject"] == "hi"
email.message_from_bytes(b"Subject: =?utf-8?q?h=C3=A9?=\n\nx", policy=email.policy.default)["subject"] == "h\xe9"
email.message_from_bytes(bytes(message()), policy=email.policy.default).get_body().get_content() == "text\n"
[p.get_filename() for p in message().iter_attachments()] == ["a.pdf"]
"Content-Type" in email.mime.text.MIMEText("x", "plain", "utf-8").as_string()
email.utils.parseaddr("A <a@b.c>") == ("A", "a@b.c")
email.utils.formataddr(("é", "a@b.c")).startswith("=?utf-8?")
email.utils.parsedate_to_datetime("Mon, 20 Nov 1995 19:12:08 -0500").year == 1995
email.utils.format_datetime(datetime.datetime(2020, 1, 1)).startswith("Wed, 01 Jan 2020")
email.utils.make_msgid(domain="example.com").endswith("@example.com>")
email.utils.getaddresses(["a@b.c, d@e.f"]) == [("", "a@b.c"), ("", "d@e.f")]
zipfile.ZipFile(zipped()).namelist() == ["a.txt"]
(lambda a, b: all(divmod(s * a, t * b) == (q, s * a - q * t * b) for s, t, q in ((1, 1, 3**9000), (-1, 1, -(3**9000) - 1), (1, -1, -(3**9000) - 1), (-1, -1, 3**9000))))(3**9000 * 7**5000 + 1, 7**5000)
10**30000 // 7**9000 == (10**30000 - 10**30000 % 7**9000) // 7**9000 and 0 <= 10**30000 % 7**9000 < 7**9000
zipfile.ZipFile(zipped()).read("a.txt") == b"x" * 100
zipfile.is_zipfile(zipped())
zipfile.Path(zipfile.ZipFile(zipped())).joinpath("a.txt").read_text() == "x" * 100
zipfile.ZipFile(io.BytesIO(bytes.fromhex("504b0304140000000000a9ba795d8316dc8c010000000100000005000000612e74787478504b01021403140000000000a9ba795d8316dc8c0100000001000000050000000000000000000000800100000000612e747874504b0506000000000100010033000000240000000000"))).namelist() == ["a.txt"]
xml.dom.minidom.parseString("<a b='c'><d/></a>").documentElement.getAttribute("b") == "c"
"<d/>" in xml.dom.minidom.parseString("<a><d/></a>").toprettyxml()
xml.dom.minidom.getDOMImplementation().createDocument(None, "a", None).toxml().endswith("<a/>")
[e for e, n in xml.dom.pulldom.parseString("<a/>")][0] == "START_DOCUMENT"
sax() == ["a", "b"]
xml.sax.saxutils.escape("<&>") == "&lt;&amp;&gt;"
ET.fromstring("<a><b>x</b></a>").find("./b").text == "x"
ET.tostring(ET.Element("a", {"b": "é"}), encoding="unicode") == '<a b="é" />'
ET.tostring(ET.fromstring("<a>x</a>"), xml_declaration=True, encoding="iso-8859-1").startswith(b"<?xml")
[e.tag for _, e in ET.iterparse(io.BytesIO(b"<a><b/></a>"))] == ["b", "a"]
ET.canonicalize("<a  b='1'/>") == '<a b="1"></a>'
list(csv.reader(["a,'b'", '"c,d",e'])) == [["a", "'b'"], ["c,d", "e"]]
list(csv.DictReader(io.StringIO("a,b\n1,2\n"))) == [{"a": "1", "b": "2"}]
csv.Sniffer().sniff("a;b;c\n1;2;3\n").delimiter == ";"
(lambda p: (p.read_string("[a]\nb=%(c)s\nc=1"), p["a"]["b"])[1])(configparser.ConfigParser()) == "1"
tomllib.loads("a = 1979-05-27T07:32:00Z\nb=[1.5]")["b"] == [1.5]
html.unescape("&eacute;&#39;") == "é'"
html.escape("<'>") == "&lt;&#x27;&gt;"
parsed_html() == [("a", [("href", "x")])]
urllib.parse.urlsplit("https://u:p@h:1/p?q#f").port == 1
urllib.parse.urljoin("http://a/b/c", "../d") == "http://a/d"
urllib.parse.parse_qs("a=1&a=2") == {"a": ["1", "2"]}
urllib.parse.urlencode({"a": "é"}) == "a=%C3%A9"
urllib.parse.unquote_plus("a+%C3%A9") == "a é"
"xn--bcher-kva".encode().decode("idna") == "bücher"
ipaddress.ip_network("10.0.0.0/8").supernet_of(ipaddress.ip_network("10.1.0.0/16"))
[str(n) for n in ipaddress.summarize_address_range(ipaddress.ip_address("10.0.0.0"), ipaddress.ip_address("10.0.0.3"))] == ["10.0.0.0/30"]
ipaddress.ip_interface("::1/64").network.prefixlen == 64
list(ipaddress.collapse_addresses([ipaddress.ip_network("10.0.0.0/25"), ipaddress.ip_network("10.0.0.128/25")])) == [ipaddress.ip_network("10.0.0.0/24")]
difflib.get_close_matches("appel", ["ape", "apple"]) == ["apple", "ape"]
"+b" in list(difflib.unified_diff(["a"], ["b"], lineterm=""))
"<table" in difflib.HtmlDiff().make_table(["a"], ["b"])
difflib.SequenceMatcher(None, "abcd", "bcde").ratio() == 0.75
statistics.mean([1, 2, 3]) == 2 and statistics.quantiles([1, 2, 3, 4], n=4)[1] == 2.5
statistics.NormalDist(0, 1).cdf(0) == 0.5 and round(statistics.stdev([1, 2, 4]), 3) == 1.528
statistics.linear_regression([1, 2], [2, 4]).slope == 2.0
statistics.mode("aab") == "a" and statistics.median([1, 3, 2]) == 2
decimal.Decimal("1.10") + decimal.Decimal("2.2") == decimal.Decimal("3.3")
decimal.Decimal("2").sqrt(decimal.Context(prec=5)) == decimal.Decimal("1.4142")
f"{decimal.Decimal('1234.5'):,.2f}" == "1,234.50"
fractions.Fraction("0.125") == fractions.Fraction(1, 8) and fractions.Fraction(decimal.Decimal("0.5")) == fractions.Fraction(1, 2)
fractions.Fraction(3.14159).limit_denominator(10) == fractions.Fraction(22, 7)
json.loads(json.dumps({"é": [1, None, True]}, indent=1)) == {"é": [1, None, True]}
re.sub(r"(?P<a>\w+)", r"<\g<a>>", "x y") == "<x> <y>" and bool(re.compile(r"\bé", re.I).search("É"))
re.escape("a.b") == r"a\.b" and re.split(r",\s*", "a, b") == ["a", "b"]
base64.b64decode(base64.b64encode(b"x")) == b"x" and base64.b32hexencode(b"a") == b"C4======" and base64.a85encode(b"x")[:2] == b"GQ"
base64.urlsafe_b64decode("_-8=") == b"\xff\xef" and base64.b85decode(base64.b85encode(b"abc")) == b"abc"
hashlib.sha256(b"").hexdigest()[:8] == "e3b0c442" and hashlib.new("md5", b"").hexdigest()[:4] == "d41d"
hashlib.sha3_256(b"").digest_size == 32 and hashlib.blake2b(b"", digest_size=8).digest_size == 8 and hashlib.shake_128(b"").hexdigest(2) == "7f9c"
len(hashlib.pbkdf2_hmac("sha256", b"p", b"s", 2)) == 32 if hasattr(hashlib, "pbkdf2_hmac") else True
hashlib.file_digest(io.BytesIO(b""), "sha1").hexdigest()[:4] == "da39"
hmac.new(b"k", b"m", "sha256").hexdigest()[:4] == "1659" or len(hmac.digest(b"k", b"m", "sha256")) == 32
hmac.compare_digest("a", "a")
datetime.datetime.fromisoformat("2020-01-01T00:00:00+02:00").utcoffset() == datetime.timedelta(hours=2)
datetime.datetime.strptime("2020-02-29", "%Y-%m-%d").strftime("%A %j %B") == "Saturday 060 February"
datetime.date(2024, 2, 29).isocalendar().week == 9 and datetime.timedelta(days=1) / datetime.timedelta(hours=1) == 24
calendar.monthrange(2024, 2) == (3, 29) and "February 2024" in calendar.month(2024, 2)
calendar.timegm(time.strptime("1970-01-02", "%Y-%m-%d")) == 86400 and "<table" in calendar.HTMLCalendar().formatmonth(2024, 1)
textwrap.dedent("  a\n  b") == "a\nb" and textwrap.shorten("a b c", 5, placeholder="…") == "a b c" and textwrap.fill("a b", 1) == "a\nb"
string.Template("$a ${b}").substitute(a=1, b=2) == "1 2" and string.capwords("a b") == "A B" and string.Formatter().format("{0!r}", "a") == "'a'"
uuid.uuid5(uuid.NAMESPACE_DNS, "x").version == 5 and uuid.uuid4().version == 4 and uuid.UUID(int=1).hex[-1] == "1"
uuid.uuid1().version == 1 and uuid.uuid7().version == 7
len(secrets.token_hex(4)) == 8 and secrets.choice([1]) == 1 and secrets.randbelow(1) == 0 and secrets.compare_digest(b"a", b"a")
struct.unpack(">HI", struct.pack(">HI", 1, 2)) == (1, 2) and struct.calcsize("<Q") == 8
zlib.decompress(zlib.compress(b"x")) == b"x" and zlib.crc32(b"x") == 0x8cdc1683
gzip.decompress(gzip.compress(b"x")) == b"x" and gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(b"y"))).read() == b"y"
tarfile.open(fileobj=tarred()).extractfile("a").read() == b"x" and tarfile.open(fileobj=tarred()).getnames() == ["a"]
shlex.split("a 'b c' \"d\"") == ["a", "b c", "d"] and shlex.join(["a b"]) == "'a b'" and list(shlex.shlex("a=b")) == ["a", "=", "b"]
fnmatch.filter(["a.txt", "b"], "*.txt") == ["a.txt"] and bool(re.match(fnmatch.translate("[!a]*"), "b"))
glob.escape("[a]") == "[[]a]" and bool(re.match(glob.translate("**/*.py", recursive=True), "a/b.py"))
pathlib.PurePosixPath("/a/b.tar.gz").suffixes == [".tar", ".gz"] and pathlib.PurePath("a").with_suffix(".b").name == "a.b"
pathlib.PurePosixPath("/a/b").relative_to("/a").parts == ("b",) and pathlib.PureWindowsPath("C:/a").drive == "C:" and pathlib.PurePosixPath("/a/b").full_match("/**")
pathlib.PurePosixPath("/a b").as_uri() == "file:///a%20b" and pathlib.Path.from_uri("file:///a%20b") == pathlib.Path("/a b")
sorted(p.name for p in pathlib.Path("FOLDER").glob("*.txt")) == ["a.txt"] and glob.glob("FOLDER/*.txt") == ["FOLDER/a.txt"]
[sorted(f) for _, _, f in os.walk("FOLDER")] == [["a.txt", "b.conf"]] and sorted(p.name for p in pathlib.Path("FOLDER").rglob("*")) == ["a.txt", "b.conf"]
pathlib.Path("FOLDER/a.txt").read_text(encoding="cp437") == "é" and os.path.getsize("FOLDER/a.txt") == 1
logging.getLogger("x").isEnabledFor(logging.ERROR) and logging.Formatter("%(message)s").format(logging.makeLogRecord({"msg": "a"})) == "a"
copy.deepcopy({"a": [1]}) == {"a": [1]} and copy.replace(Point(1), x=2).x == 2
list(itertools.batched("abc", 2)) == [("a", "b"), ("c",)] and list(itertools.accumulate([1, 2])) == [1, 3] and list(itertools.pairwise("abc"))[1] == ("b", "c")
functools.reduce(operator.add, [1, 2]) == 3 and functools.partial(int, base=2)("11") == 3 and functools.lru_cache(lambda x: x)(1) == 1
functools.singledispatch(lambda x: 1)("a") == 1 and functools.cmp_to_key(lambda a, b: 0)(1) == functools.cmp_to_key(lambda a, b: 0)(2) or True
enum.Enum("E", "A B").A.value == 1 and (enum.IntFlag("F", "X Y").X | 2) == 3
dataclasses.asdict(Point(1, [2])) == {"x": 1, "y": [2]} and dataclasses.replace(Point(1), x=3).x == 3 and dataclasses.make_dataclass("M", ["a"])(1).a == 1
typing.get_type_hints(Point)["x"] is int and typing.get_args(dict[str, int]) == (str, int) and typing.NamedTuple("N", [("a", int)])(1).a == 1
collections.Counter("aab").most_common(1) == [("a", 2)] and collections.ChainMap({}, {"a": 1})["a"] == 1 and collections.namedtuple("P", "a b")(1, 2).b == 2
collections.OrderedDict(a=1).popitem() == ("a", 1) and collections.deque([1, 2], 1)[0] == 2 and collections.defaultdict(list)["a"] == []
heapq.nsmallest(2, [3, 1, 2]) == [1, 2] and list(heapq.merge([1, 3], [2])) == [1, 2, 3]
bisect.bisect([1, 2, 3], 2) == 2
random.Random(1).randint(1, 6) == random.Random(1).randint(1, 6) and len(random.sample(range(9), 3)) == 3 and random.choices("a", k=2) == ["a", "a"]
0 <= random.gauss(0, 0) <= 0 and random.binomialvariate(5, 1.0) == 5 and len(random.randbytes(3)) == 3
math.isclose(math.hypot(3, 4), 5) and math.comb(5, 2) == 10 and math.lcm(4, 6) == 12 and math.sumprod([1, 2], [3, 4]) == 11
colorsys.rgb_to_hsv(1, 0, 0) == (0.0, 1.0, 1.0)
quopri.decodestring(quopri.encodestring("é=".encode())) == "é=".encode()
mimetypes.guess_type("a.html")[0] == "text/html" and mimetypes.guess_extension("application/json") == ".json"
plistlib.loads(plistlib.dumps({"a": [1, b"x", datetime.datetime(2020, 1, 1)]}))["a"][1] == b"x" and plistlib.loads(plistlib.dumps({"a": 1.5}, fmt=plistlib.FMT_BINARY)) == {"a": 1.5}
netrc.netrc("FOLDER/b.conf").authenticators("h") == ("l", "", "p")
unicodedata.normalize("NFD", "é") == "e\u0301" and unicodedata.name("a") == "LATIN SMALL LETTER A" and unicodedata.lookup("BULLET") == "•" and "\N{BULLET}" == "•"
locale.getlocale() is not None and locale.format_string("%d", 1000) == "1000" and locale.normalize("de_DE") == "de_DE.ISO8859-1"
locale.localeconv()["decimal_point"] == "."
gettext.gettext("a") == "a" and gettext.NullTranslations().ngettext("a", "b", 2) == "b" and gettext.translation("x", fallback=True).gettext("a") == "a"
importlib.metadata.version("attrs").count(".") >= 1 and importlib.metadata.metadata("attrs")["Name"] == "attrs"
importlib.metadata.PackageNotFoundError.__name__ == "PackageNotFoundError"
importlib.resources.files("reglet") is not None
pickle.loads(pickle.dumps({"a": (1, b"x")})) == {"a": (1, b"x")}
pprint.pformat({"a": list(range(40))}).count("\n") > 1 and reprlib.repr("x" * 99).count(".") == 3
ast.literal_eval("{'a': [1]}") == {"a": [1]} and ast.unparse(ast.parse("a  =  1")) == "a = 1"
inspect.signature(lambda a, *, b=1: a).parameters["b"].default == 1 and inspect.isfunction(tarred)
list(graphlib.TopologicalSorter({"a": ["b"]}).static_order()) == ["b", "a"]
http.cookies.SimpleCookie("a=b; Path=/")["a"].value == "b"
urllib.robotparser.RobotFileParser().parse(["User-agent: *", "Disallow: /x"]) is None
codecs.encode("a", "rot13") == "n" and codecs.encode(b"a", "zlib")[:1] == b"x" and codecs.encode(b"a", "uu").startswith(b"begin")
codecs.encode(b"\xe9", "quopri") == b"=E9" and codecs.decode(b"YQ==", "base64") == b"a" and "a".encode("utf-7") == b"a"
["a".encode(f"utf-32{end}")[-4:] for end in ("-le", "-be")] == [b"a\0\0\0", b"\0\0\0a"] and len("a".encode("utf-32")) == 8
"\u20ac".encode("raw-unicode-escape") == b"\\u20ac" and b"a".decode("charmap") == "a"
email.header.decode_header("=?iso-8859-1?q?p=F6stal?= x") == [(b"p\xf6stal", "iso-8859-1"), (b" x", None)]
long_number() == ("1" + 20_000 * "0", 0)
PARSE("2020-01-02", "%Y-%m-%d").day == 2 and getattr(datetime.date, "strptime")("2020", "%Y").year == 2020
importlib.util.find_spec("absent") is None
io.TextIOWrapper(io.BytesIO("é".encode("cp850")), encoding="cp850").read() == "é"
codecs.getincrementaldecoder("koi8-r")().decode(b"\xc1") == "а" and codecs.getreader("iso8859-15")(io.BytesIO(b"\xa4")).read() == "€"
traceback.format_exception_only(ValueError("x")) == ["ValueError: x\n"]
contextlib.suppress(ValueError).__class__.__name__ == "suppress"
"".join(traceback.format_exception(NameError("name 'foo' is not defined"))).startswith("NameError")
types.SimpleNamespace(a=1).a == 1 and weakref.WeakValueDictionary() is not None and isinstance(1, numbers.Number)
time.strftime("%Y", time.gmtime(0)) == "1970" and time.monotonic() > 0
datetime.datetime(2020, 1, 2, 15, 4).strftime("%-I:%M %P, %k %l %^a %b %#Z %%k %-d %N") == "3:04 pm, 15  3 THU Jan  %k 2 %N"
time.strftime("%l %P%%", time.gmtime(0)) == "12 am%" and f"{datetime.date(2020, 1, 2):%^b}" == "JAN"
importlib.metadata.packages_distributions()["attr"] == ["attrs"]
binascii.hexlify(b"a") == b"61" and binascii.crc_hqx(b"a", 0) == 31879
zoneinfo.ZoneInfo.no_cache is not None and datetime.timezone.utc.utcoffset(None).seconds == 0
shutil.get_archive_formats()[0][0] != "" and shutil.which("nothing-of-this-name", path="") is None
""".strip().splitlines()  # noqa: RUF001 - a Cyrillic letter is meant


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that is granted."""
    folder = tmp_path_factory.mktemp("granted").resolve()
    (folder / "a.txt").write_bytes(b"\x82")
    (folder / "b.conf").write_text("machine h login l password p\n")
    return folder


def wrong(built_source: BuildSource, folder: Path, rows: list[str], plugin: str = PLUGIN) -> dict[str, str]:
    """Return what each row that is not true is instead."""
    rule = FileSystemRule(read=[f"{folder}/**"], write=[f"{folder}/w/**"])
    grants = GrantSet(fs=FileSystemCapability([rule]))
    with Sandbox(grants) as sandbox:
        config = {"rows": [row.replace("FOLDER", str(folder)) for row in rows]}
        result = sandbox.load(built_source(plugin)).check(config)
    assert result.error is None, json.dumps(result.error.message)
    found: dict[str, str] = result.data["wrong"]
    return found


def test_what_people_use_of_the_standard_library_works(built_source: BuildSource, folder: Path) -> None:
    """Though most of these functions import more, or look something up by name."""
    assert not wrong(built_source, folder, ROWS)


def test_every_8_bit_encoding_is_the_one_of_python(built_source: BuildSource, folder: Path) -> None:
    """Both ways, under its own name and the name that it is known by."""
    names = _encodings()
    assert len(names) > 60
    content = bytes(range(256))
    rows = [
        f"bytes(range(256)).decode({name!r}, 'replace') == {content.decode(name, 'replace')!r}"
        for name in names
    ]
    rows += [f"{_encodable(name)!r}.encode({name!r}) == {_encodable(name).encode(name)!r}" for name in names]
    rows += [f"codecs.lookup({name!r}).name == {_name_of(name)!r}" for name in names]

    assert wrong(built_source, folder, rows) == {}


def test_an_encoding_that_is_not_there_is_named(built_source: BuildSource, folder: Path) -> None:
    """No import brings the multibyte ones; one that nobody knows is unknown as ever."""
    [multibyte, nonsense] = wrong(
        built_source, folder, ["'a'.encode('gbk')", "'a'.encode('nonsense')"]
    ).values()

    assert "a plugin's Python has those of Unicode and of 8 bits, and not gbk" in multibyte
    assert "unknown encoding: nonsense" in nonsense


@pytest.mark.parametrize(
    "row",
    [
        "email.message_from_string('Subject: =?GB2312?B?1tC5+g==?=', policy=email.policy.default)['subject']",
        "email.message_from_string('Subject: =?ISO-2022-JP?B?GyRCRnw=?=', policy=email.policy.default)['subject']",
        "email.message_from_bytes(b'Content-Type: text/plain; charset=big5\\n\\n\\xa4\\xa4').get_payload()",
        'xml.etree.ElementTree.fromstring(b\'<?xml version="1.0" encoding="shift_jis"?><a/>\').text',
        "urllib.parse.unquote('%D6%D0', encoding='euc-kr')",
    ],
)
def test_text_in_an_encoding_that_is_not_there_is_never_read_as_another(
    built_source: BuildSource, folder: Path, row: str
) -> None:
    """The standard library catches a `LookupError` and decodes by something else: it is not one."""
    [said] = wrong(built_source, folder, [row]).values()

    assert said.startswith(
        ("'UnsupportedOptionError: option encoding=", '"UnsupportedOptionError: option encoding=')
    )


def test_a_locale_that_is_not_there_is_refused(built_source: BuildSource, folder: Path) -> None:
    """As where it is not installed; libc takes any name, and formats as in C."""
    rows = [
        "locale.setlocale(locale.LC_ALL, 'C.UTF-8') == 'C.UTF-8;C;C;C;C;C'",
        "locale.setlocale(locale.LC_NUMERIC, 'C') == 'C'",
        "locale.setlocale(locale.LC_ALL, locale.setlocale(locale.LC_ALL)) == 'C.UTF-8;C;C;C;C;C'",
    ]
    refused = ["locale.setlocale(locale.LC_ALL, 'de_DE.UTF-8')", "locale.setlocale(0, ('en_US', 'UTF-8'))"]

    found = wrong(built_source, folder, rows + refused)

    assert found.keys() == {*refused}
    assert all("a plugin's Python has the locale C alone" in each for each in found.values())


def test_a_shelf_is_kept_where_writing_is_granted(built_source: BuildSource, tmp_path: Path) -> None:
    """It is looked for in modules by name, of which a plugin has the one in Python."""
    (tmp_path / "w").mkdir()
    rows = ["shelve.open('FOLDER/w/x').update(a=1) is None", "shelve.open('FOLDER/w/x')['a'] == 1"]
    assert wrong(built_source, tmp_path.resolve(), rows) == {}


def test_time_zones_are_listed(built_source: BuildSource, folder: Path) -> None:
    """Without the module that reads them from a package."""
    assert wrong(built_source, folder, ["'UTC' in zoneinfo.available_timezones()"], UNSUPPORTED) == {}


@pytest.mark.parametrize(
    ("row", "advice"),
    [
        ("socket.create_connection(('127.0.0.1', 80))", "TCPDialer"),
        ("socket.getaddrinfo('localhost', 80)", "DNSResolver"),
        ("socket.gethostbyname('localhost')", "DNSResolver"),
        ("socket.socket()", "TCPDialer"),
        ("http.client.HTTPConnection('localhost').request('GET', '/')", "TCPDialer"),
        ("urllib.request.urlopen('http://localhost/')", "TCPDialer"),
        ("subprocess.run(['ls'])", "CommandRunner"),
        ("asyncio.new_event_loop()", "asyncio does not work in a plugin"),
    ],
)
def test_what_has_no_sockets_and_processes_is_not_taken_for_a_target_that_fails(
    built_source: BuildSource, folder: Path, row: str, advice: str
) -> None:
    """`OSError` is what checks catch of a target: a name that is not found, a program that is not there."""
    [said] = wrong(built_source, folder, [row], UNSUPPORTED).values()

    assert said.startswith("'NotImplementedError: ")
    assert advice in said


def test_a_host_has_the_name_that_it_was_asked_by(built_source: BuildSource, folder: Path) -> None:
    """No longer one can be looked for."""
    rows = ["socket.getfqdn('short') == 'short'", "socket.getfqdn() == socket.gethostname()"]
    assert wrong(built_source, folder, rows, UNSUPPORTED) == {}


def _encodings() -> list[str]:
    found = []  # but palmos, whose table was corrected in Python 3.14
    for file in sorted(Path(encodings.__path__[0]).glob("*.py")):
        try:
            module = importlib.import_module(f"encodings.{file.stem}")
        except ImportError:
            continue
        if isinstance(getattr(module, "decoding_table", None), str) and file.stem != "palmos":
            found.append(file.stem)
    return found


def _encodable(name: str) -> str:
    return bytes(range(256)).decode(name, "ignore")


def _name_of(name: str) -> str:
    return codecs.lookup(name).name


@pytest.mark.parametrize("mode", ["a+", "a+b", "ab+"])
@pytest.mark.parametrize("steps", ["wsr", "wftsr", "srwtsr", "rsr", "swtsr"])
def test_what_is_appended_is_read_as_in_process(
    built_source: BuildSource, tmp_path: Path, mode: str, steps: str
) -> None:
    """Writes go to the end, and reads begin where the position was set."""
    code = (
        "(lambda f, out: ([out.append({'w': lambda: f.write(f.read(0) or X), 'f': f.flush, 't': f.tell, "
        "'s': lambda: f.seek(0), 'r': f.read}[step]()) for step in STEPS], f.close(), out)[2])(open(PATH, MODE), [])"
    )
    x = "b'abc'" if "b" in mode else "'abc'"
    path = tmp_path.resolve() / "file"
    code = code.replace("X", x).replace("STEPS", repr(steps)).replace("MODE", repr(mode))
    path.write_text("old")
    expected = eval(code.replace("PATH", repr(str(path))))
    path.write_text("old")
    grants = GrantSet(fs=FileSystemCapability([FileSystemRule(read=[f"{path}"], write=[f"{path}"])]))

    with Sandbox(grants) as sandbox:
        row = code.replace("PATH", repr(str(path))) + f" == {expected!r}"
        result = sandbox.load(built_source(PLUGIN)).check({"rows": [row]})

    assert result.data == {"wrong": {}}
    assert path.read_text() == "old" + "abc" * steps.count("w")
