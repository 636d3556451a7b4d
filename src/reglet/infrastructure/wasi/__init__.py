"""WASI preview 1 in Python over trees of files, for builds and for runs."""

from reglet.infrastructure.wasi.preview1 import FUNCTION_NAMES, WASI_MODULE, WasiFunction, function, unknown
from reglet.infrastructure.wasi.read_only import (
    Directory,
    DiskFile,
    File,
    MemoryDirectory,
    MemoryFile,
    ReadOnlyTree,
    directory_of,
)
from reglet.infrastructure.wasi.system import (
    Clock,
    Descriptor,
    Descriptors,
    HashedRandom,
    LinearMemory,
    SteppingClock,
    System,
)
from reglet.infrastructure.wasi.tree import (
    DirectoryEntry,
    Errno,
    FileStatus,
    FileType,
    OpenFile,
    OpenFlags,
    Times,
    Tree,
    WasiError,
)

__all__ = [
    "FUNCTION_NAMES",
    "WASI_MODULE",
    "Clock",
    "Descriptor",
    "Descriptors",
    "Directory",
    "DirectoryEntry",
    "DiskFile",
    "Errno",
    "File",
    "FileStatus",
    "FileType",
    "HashedRandom",
    "LinearMemory",
    "MemoryDirectory",
    "MemoryFile",
    "OpenFile",
    "OpenFlags",
    "ReadOnlyTree",
    "SteppingClock",
    "System",
    "Times",
    "Tree",
    "WasiError",
    "WasiFunction",
    "directory_of",
    "function",
    "unknown",
]
