"""Calls of the standard library whose answers must be the same in the guest as in the CPython outside.

Each is an expression over the modules of PRELUDE. They cover the built-in modules of the lean list and what checks
use most. Left out on purpose: what differs by design between a host and a guest (clocks, processes, sockets, paths
of the machine), what CPython itself changed between 3.11 and 3.14, and the one thing that a 32-bit guest has
narrower: the hash of a number beyond 31 bits.
"""

from __future__ import annotations

PRELUDE = """
import array, base64, binascii, bisect, calendar, codecs, collections, configparser, contextlib, copy, csv, dataclasses
import datetime, decimal, difflib, email.generator, email.message, email.policy, enum, fnmatch, fractions, functools, gzip, hashlib, heapq
import hmac, html, io, ipaddress, itertools, json, keyword, math, numbers, operator, pickle, posixpath, pprint, quopri
import random, re, secrets, shlex, stat, statistics, string, struct, textwrap, tomllib, types, unicodedata
import urllib.parse, urllib.robotparser, uuid, xml.etree.ElementTree as ET, zlib, zoneinfo
import encodings.ascii, encodings.cp1252, encodings.hex_codec, encodings.idna, encodings.latin_1, encodings.punycode
import encodings.utf_16, encodings.utf_16_le, encodings.utf_32, encodings.utf_8_sig, _strptime
from datetime import date, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
"""

_TEXTS = ("", "plain", "Grüße", "naïve café", "日本語", "\U0001d518\U0001d52b", "a\\tb\\nc", "x" * 100)
_BYTES = (b"", b"\x00", b"abc", b"\xff\xfe\x00", bytes(range(256)), b"the quick brown fox" * 20)
_NUMBERS = ("0", "-1", "1.5", "1e300", "-0.0", "123456789012345678901234567890", "0.1", "1e-320")
_JSON = (
    "null", "[]", "{}", '{"a": [1, 2.5, "x"]}', '"\\u00e9\\ud83d\\ude00"', "1e999", "-0", "[true, false]",
    '{"a": 1, "a": 2}', '"\\n\\t\\\\"',
)  # fmt: skip
_URLS = (
    "https://user:pw@example.com:8443/a/b;c?x=1&y=%20#frag",
    "http://[2001:db8::1]:80/",
    "ftp://example.com",
    "//host/path",
    "mailto:someone@example.com",
    "/only/path?q",
    "http://bücher.example/ä?ö=ü",
    "",
)
_ADDRESSES = (
    "10.0.0.1",
    "127.0.0.1",
    "169.254.1.1",
    "8.8.8.8",
    "::1",
    "fe80::1",
    "2001:db8::ff",
)
_NETWORKS = ("10.0.0.0/8", "192.168.1.0/24", "2001:db8::/32", "0.0.0.0/0")
_DATES = ("2024-02-29", "1999-12-31", "2000-01-01", "2023-07-04")
_TIMES = ("2024-02-29T12:34:56+00:00", "1970-01-01T00:00:00+05:30", "2023-07-04T23:59:59.999999-08:00")
_PATTERNS = (
    (r"(\w+)@(\w+\.com)", "mail bob@example.com and al@test.com"),
    (r"^\d{3}-\d{4}$", "555-1234"),
    (r"(?P<year>\d{4})-(?P<month>\d\d)", "on 2024-05-17"),
    (r"(?i)ERROR|warn", "an Error, a WARN"),
    (r"a(?=b)", "ab ac"),
    (r"(?<!\d)\d{2}(?!\d)", "1 22 333 44"),
    (r"[^\x00-\x7f]+", "naïve 日本"),
    (r"(a|b)*?c", "ababc"),
)
_DECIMALS = ("0", "1.10", "-3.14159", "1E+5", "1e-10", "123456789.987654321", "NaN", "-Infinity")
_FLOATS = ("0.0", "1.5", "-2.25", "1e10", "0.1")


def _each(template: str, values: tuple[object, ...]) -> list[str]:
    return [template.replace("$", repr(value)) for value in values]


def _each_text(template: str, values: tuple[str, ...]) -> list[str]:
    return [template.replace("$", value) for value in values]


CALLS: tuple[str, ...] = (
    # json
    *_each("json.loads($)", _JSON),
    *_each("json.dumps($)", _TEXTS),
    *_each("json.dumps($, ensure_ascii=False, indent=2)", _TEXTS[:4]),
    *_each_text("json.dumps($)", _NUMBERS),
    "json.dumps({'b': [1, None, True], 'a': {'x': 1.25}}, sort_keys=True, separators=(',', ':'))",
    "json.dumps({1: 2, None: 3, True: 4, 1.5: 5})",
    "json.loads('[1, 2', strict=False) if 0 else json.JSONDecoder().raw_decode('[1] tail')",
    # text codecs
    *[f"{text!r}.encode({codec!r})" for text in _TEXTS[:6] for codec in ("utf-8", "utf-16", "utf-32", "utf-8-sig")],
    *[f"{text!r}.encode({codec!r}, 'backslashreplace')" for text in _TEXTS[:6] for codec in ("ascii", "latin-1")],
    *[f"{text!r}.encode('cp1252', 'xmlcharrefreplace')" for text in _TEXTS[:6]],
    *[f"{text!r}.encode('idna')" for text in ("bücher.example", "example.com", "日本.jp")],
    *[f"{text!r}.encode('punycode')" for text in _TEXTS[:5]],
    *_each("$.decode('utf-8', 'replace')", _BYTES),
    *_each("$.decode('latin-1')", _BYTES),
    *_each("codecs.encode($, 'hex_codec')", _BYTES[:4]),
    "b'\\xff\\xfea\\x00b\\x00'.decode('utf-16')",
    "codecs.lookup('UTF8').name",
    # bytes
    *[f"base64.{name}({data!r})" for name in ("b64encode", "urlsafe_b64encode", "b32encode", "b16encode", "b85encode")
      for data in _BYTES],
    *_each("base64.b64decode(base64.b64encode($))", _BYTES),
    *_each("binascii.crc32($)", _BYTES),
    *_each("binascii.hexlify($, '-')", _BYTES[:5]),
    *_each("quopri.encodestring($)", _BYTES[:3]),
    *_each("zlib.adler32($)", _BYTES),
    *_each("zlib.decompress(zlib.compress($))", _BYTES),
    *_each("gzip.decompress(gzip.compress($, mtime=0))", _BYTES),
    *[f"struct.pack({form!r}, 1, 2, 3)" for form in ("<bhi", ">BHQ", "=3i", "!3d", "<fqh")],
    "struct.unpack('<If', b'\\x01\\x02\\x03\\x04\\x00\\x00\\x80?')",
    "array.array('d', [1.5, -2.25]).tobytes()",
    "int.from_bytes(b'\\x01\\x02\\x03', 'big'), (1 << 70).to_bytes(10, 'little')",
    # hashes
    *[f"hashlib.{name}({data!r}).hexdigest()"
      for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "blake2b", "blake2s")
      for data in _BYTES],
    *_each("hmac.new(b'key', $, 'sha256').hexdigest()", _BYTES),
    "hashlib.shake_128(b'x').hexdigest(16), hashlib.sha3_512(b'').hexdigest()",
    "hmac.compare_digest('a', 'a'), secrets.compare_digest(b'a', b'b')",
    "uuid.uuid5(uuid.NAMESPACE_DNS, 'example.com'), uuid.UUID('12345678123456781234567812345678').urn",
    # addresses and URLs
    *[f"urllib.parse.{name}({url!r})" for name in ("urlsplit", "quote", "unquote_plus") for url in _URLS],
    *_each("urllib.parse.urljoin('http://a/b/c/d;p?q', $)", _URLS),
    "urllib.parse.parse_qs('a=1&a=2&b=%C3%A9&c='), urllib.parse.parse_qsl('x=1&y', keep_blank_values=True)",
    "urllib.parse.urlencode({'a': [1, 2], 'b': 'é ä'}, doseq=True)",
    *_each("(a := ipaddress.ip_address($), a.is_private, a.is_loopback, a.is_link_local, a.exploded, int(a))", _ADDRESSES),
    *_each("(n := ipaddress.ip_network($), n.num_addresses, n.prefixlen, n.netmask, n.broadcast_address)", _NETWORKS),
    "list(ipaddress.summarize_address_range(ipaddress.ip_address('10.0.0.0'), ipaddress.ip_address('10.0.0.9')))",
    "list(ipaddress.ip_network('10.0.0.0/30').hosts()), ipaddress.ip_network('10.0.0.0/8').overlaps(ipaddress.ip_network('10.1.0.0/16'))",
    # dates
    *_each("(d := date.fromisoformat($), d.isocalendar(), d.strftime('%a %d %b %Y %j %U'), d.toordinal())", _DATES),
    *_each("(t := datetime.datetime.fromisoformat($), t.astimezone(timezone.utc).isoformat(), t.timestamp())", _TIMES),
    "datetime.datetime.strptime('17/May/2024:10:11:12 +0200', '%d/%b/%Y:%H:%M:%S %z').isoformat()",
    "datetime.datetime(2024, 1, 31) + timedelta(days=30, microseconds=-1), timedelta(hours=25) // timedelta(minutes=7)",
    "tuple(map(int, calendar.monthrange(2024, 2))), calendar.timegm((2024, 1, 2, 3, 4, 5)), calendar.isleap(1900)",
    "time(12, 30, tzinfo=timezone(timedelta(hours=2))).isoformat(), timezone.utc.utcoffset(None)",
    # numbers
    *_each("str(Decimal($).normalize())", _DECIMALS),
    *_each("(Decimal($) * Decimal('1.1')).to_eng_string()", _DECIMALS),
    "decimal.Context(prec=50).divide(Decimal(1), Decimal(7)), Decimal(2).sqrt(), Decimal('2.675').quantize(Decimal('0.01'))",
    "decimal.Context(prec=60).power(Decimal(3), Decimal('0.5')), Decimal(10).ln()",
    *[f"math.{name}({number})" for name in ("floor", "ceil", "frexp", "isfinite", "fabs", "trunc") for number in _FLOATS],
    "math.sqrt(2), math.hypot(3, 4), math.gcd(12, 18), math.isqrt(10**20), math.comb(50, 25), math.fsum([0.1] * 10)",
    "[format(x, '.17g') for x in (0.1, 1/3, 2**0.5)], float('1e-320'), float.fromhex('0x1.8p3'), (0.1).hex()",
    "[round(x, 1) for x in (0.25, 0.35, -2.675)], divmod(-7, 3), -7 // 2, pow(3, 200, 1000007), int('ff', 16)",
    "Fraction('3.14').limit_denominator(10), Fraction(1, 3) + Fraction(1, 6), Fraction(0.1)",
    "statistics.mean([1, 2, 3, 4]), statistics.median([3, 1, 2]), statistics.pstdev([1, 2, 3, 4])",
    "random.Random(42).random(), random.Random(42).sample(range(100), 5), random.Random('x').getrandbits(64)",
    "f'{1234567.891:,.2f} {255:#x} {0.000012:e} {12:>5}|{12:<5}|{12:^5}', '%05.1f %s %r' % (3.14159, 'a', 'b')",
    # regular expressions
    *[f"[m.groups() for m in re.finditer({pattern!r}, {text!r})]" for pattern, text in _PATTERNS],
    *[f"re.sub({pattern!r}, '<>', {text!r})" for pattern, text in _PATTERNS],
    *[f"re.split({pattern!r}, {text!r})" for pattern, text in _PATTERNS],
    "re.search(r'(?P<a>x)', 'axb').groupdict(), re.escape('a.b*c'), re.fullmatch('[a-z]+', 'abc1')",
    # text
    *[f"{text!r}.{name}()" for name in ("upper", "title", "casefold", "split", "isidentifier") for text in _TEXTS],
    *[f"unicodedata.normalize({form!r}, {text!r})" for form in ("NFC", "NFKD") for text in _TEXTS[:6]],
    "unicodedata.name('é'), unicodedata.category('日'), unicodedata.numeric('½'), unicodedata.lookup('GREEK SMALL LETTER PI')",
    "string.Template('$a ${b}').substitute(a=1, b=2), string.capwords('ab cd'), string.Formatter().format('{0:>4}', 5)",
    "textwrap.fill('the quick brown fox jumps over the lazy dog', 20), textwrap.dedent('  a\\n   b')",
    "html.escape('<a href=\"x\">&'), html.unescape('&lt;&eacute;&#x41;'), shlex.split('a \"b c\" d'), shlex.quote(\"it's\")",
    "list(difflib.unified_diff(['a', 'b'], ['a', 'c'], lineterm='')), difflib.get_close_matches('appel', ['ape', 'apple'])",
    "fnmatch.filter(['a.py', 'b.txt', 'c.py'], '*.py'), fnmatch.fnmatchcase('/etc/passwd', '/etc/*')",
    "posixpath.normpath('/a/../b//c/.'), posixpath.join('a', '/b', 'c'), posixpath.splitext('x.tar.gz'), posixpath.relpath('/a/b', '/a/c')",
    "stat.filemode(0o100644), stat.S_ISDIR(0o040755)",
    # documents
    "list(csv.reader(['a,\"b,c\",d', '1,,3'])), list(csv.DictReader(['x,y', '1,2']))",
    "(o := io.StringIO(), csv.writer(o).writerow(['a', 'b,c', None, 1.5]), o.getvalue())[1:]",
    "tomllib.loads('[a]\\nb = [1, 2.5]\\nc = 2024-05-17T10:00:00Z\\nd = \"é\"')",
    "(c := configparser.ConfigParser(), c.read_string('[s]\\na = 1\\nb: %(a)s2'), dict(c['s']))[1:]",
    "ET.tostring(ET.fromstring('<a x=\"1\"><b>t&amp;u</b><c/></a>')), [e.tag for e in ET.fromstring('<a><b/><c/></a>').iter()]",
    "ET.fromstring('<r xmlns=\"urn:x\"><i>é</i></r>')[0].tag, ET.fromstring('<a><b k=\"v\"/></a>').find('b').attrib",
    "(m := email.message.EmailMessage(), m.__setitem__('Subject', 'Grüße'), m.set_content('text é'), m.as_bytes())[1:]",
    "pprint.pformat({'b': [1, 2], 'a': 'x' * 90}, width=40), repr(types.SimpleNamespace(a=1))",
    # containers and functions
    "collections.Counter('mississippi').most_common(2), dict(collections.OrderedDict(a=1)), collections.deque([1, 2, 3], 2)",
    "collections.ChainMap({'a': 1}, {'a': 2, 'b': 3})['b'], collections.defaultdict(list, x=[1])",
    "collections.namedtuple('P', 'x y')(1, 2)._replace(x=5), dataclasses.asdict(dataclasses.make_dataclass('D', ['a'])(1))",
    "heapq.nsmallest(3, [5, 1, 4, 2]), list(heapq.merge([1, 4], [2, 3])), bisect.bisect([1, 3, 5], 3)",
    "list(itertools.groupby('aabc')).__len__(), list(itertools.permutations('abc', 2)), list(itertools.accumulate([1, 2, 3]))",
    "list(itertools.product([1, 2], 'ab')), list(itertools.islice(itertools.count(5, 3), 4)), list(itertools.pairwise('abcd'))",
    "functools.reduce(operator.mul, range(1, 21)), operator.itemgetter(1, 2)('abc'), operator.attrgetter('imag')(2j)",
    "enum.Enum('Colour', 'RED GREEN').GREEN.value, enum.IntFlag('F', 'A B')(3).name, copy.deepcopy([[1], {2: [3]}])",
    "pickle.loads(pickle.dumps({'a': (1, 2.5, None, b'x', 'é')}, protocol=4)), pickle.dumps([1, 'a'], protocol=2)",
    "sorted(['b', 'A', 'c'], key=str.lower), sorted({'x': 2, 'y': 1}.items(), key=operator.itemgetter(1)), list(zip('ab', [1, 2]))",
    "keyword.iskeyword('match'), isinstance(True, numbers.Integral), hash(''), hash(7)",
    "contextlib.nullcontext(5).enter_result, [x for x in range(10) if x % 3 == 0], {**{'a': 1}, 'b': 2}",
    "io.BytesIO(b'abc').read(2), io.TextIOWrapper(io.BytesIO('é\\r\\nb'.encode()), 'utf-8').read()",
)  # fmt: skip
