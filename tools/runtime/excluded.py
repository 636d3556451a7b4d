"""What of CPython the runtime does without: parts that no check needs and every plugin would carry.

The ranges are facts about the pinned libpython: functions of one source file follow each other, as do its
tables. A test proves that nothing which stays calls those functions, takes their address or reads that data.
"""

from __future__ import annotations

from tools.runtime.linker.excluded import Excluded, FunctionRange, OptionalPart

EXCLUDED_MODULES = frozenset(
    {
        "_asyncio",  # asyncio has the same in Python; there are no sockets to wait for
        "_codecs_cn",
        "_codecs_hk",
        "_codecs_iso2022",
        "_codecs_jp",
        "_codecs_kr",
        "_codecs_tw",
        "_lsprof",
        "_multibytecodec",
        "_sqlite3",
        "_symtable",
        "_tracemalloc",
        "cmath",
        "faulthandler",
    }
)
"""Built-in modules of CPython for WASI that the runtime has not; the adapter's list has those that it has."""

RUN_ONCE = ("init_types",)
"""Functions that have run in every image and do not run again, although pointers lead to them.

`init_types` makes the 150 types of `_ast`, behind a flag that is set then; what it alone calls is the largest
function of all. Every image has imported `ast`.
"""

OTHER_ALLOCATOR = (
    *(f"_PyMem_Mi{call}" for call in ("Malloc", "Calloc", "Realloc", "Free")),
    *(f"_PyObject_Mi{call}" for call in ("Malloc", "Calloc", "Realloc", "Free")),
    "mi_buffered_out",
    "mi_out_buf",
    "mi_out_buf_stderr",
    "mi_process_done",
    "_mi_os_random_weak",
)
"""Functions of mimalloc to which pointers lead: CPython can be started with it, and is with the adapter."""

EXCLUDED = (
    Excluded(
        library="libc.so",
        functions=(),
        data=(
            (45_744, 65_216),
            (65_344, 83_200),
            (93_632, 131_072),
        ),  # most tables of iconv, which CPython has not
    ),
    Excluded(
        library="libpython3.14.so",
        functions=(
            FunctionRange(5832, "pysqlite_close_all_blobs", 5979, "_pysqlite_long_as_int64"),
            FunctionRange(6081, "PyInit__asyncio", 6182, "_asyncio_Task__fut_waiter_get"),
            FunctionRange(6280, "PyInit__lsprof", 6306, "RotatingTree_Enum"),
            FunctionRange(6671, "PyInit_cmath", 6702, "cmath_exec"),
            FunctionRange(7309, "PyInit__codecs_cn", 7462, "_multibytecodec_MultibyteStreamWriter_reset"),
            FunctionRange(9562, "sqlite3_log", 10877, "pcache1Shrink"),
        ),
        data=(
            (725_840, 1_214_112),  # the tables of the Chinese, Japanese and Korean codecs
            (2_509_464, 2_528_728),  # SQLite's tables
            (2_998_556, 3_056_816),  # the codecs' lists of tables
            (3_105_356, 3_117_020),  # SQLite's lists of functions
        ),
    ),
)

_PYTHON = "libpython3.14.so"

OPTIONAL = (
    OptionalPart(("_csv",), _PYTHON, (FunctionRange(6193, "PyInit__csv", 6232, "csv_exec"),)),
    OptionalPart(
        ("_decimal",),
        _PYTHON,
        (
            FunctionRange(6705, "PyInit__decimal", 6925, "signaldict_copy"),
            FunctionRange(8988, "mpd_dflt_traphandler", 9213, "swap_halfrows_pow2"),
        ),
    ),
    OptionalPart(
        ("_elementtree", "pyexpat"),
        _PYTHON,
        (
            FunctionRange(7131, "PyInit_pyexpat", 7308, "makeuniversal"),
            FunctionRange(9214, "parserCreate", 9498, "big2_scanCdataSection"),
        ),
    ),
    OptionalPart(("_pickle",), _PYTHON, (FunctionRange(6307, "PyInit__pickle", 6410, "Unpickler_set_memo"),)),
    OptionalPart(
        ("_socket",), _PYTHON, (FunctionRange(7504, "PyInit__socket", 7581, "sock_gettimeout_getter"),)
    ),
    OptionalPart(
        ("_zoneinfo",),
        _PYTHON,
        (FunctionRange(6558, "calendarrule_year_to_timestamp", 6595, "parse_tz_delta"),),
    ),
)
"""What a plugin does without that does not import the modules: a sixth of all code.

Each stands behind a module of the standard library in Python, without which it is not imported.
"""
