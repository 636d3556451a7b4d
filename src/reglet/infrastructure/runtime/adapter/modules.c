// The built-in modules that checks need. The others that CPython for WASI has are no longer known to it, so importing
// one raises an ordinary ModuleNotFoundError.
#include "modules.h"

#include "cpython.h"

static const char *const kept[] = {
  "_abc",       "_ast",         "_bisect",   "_blake2",      "_codecs",     "_collections", "_contextvars", "_csv",
  "_datetime",  "_decimal",     "_elementtree", "_functools", "_heapq",     "_hmac",        "_imp",         "_io",
  "_json",      "_locale",      "_md5",      "_opcode",      "_operator",   "_pickle",      "_queue",       "_random",
  "_sha1",      "_sha2",        "_sha3",     "_signal",      "_socket",     "_sre",         "_stat",        "_statistics",
  "_string",    "_struct",      "_suggestions", "_sysconfig", "_thread",    "_tokenize",    "_types",       "_typing",
  "_warnings",  "_weakref",     "_zoneinfo", "array",        "atexit",      "binascii",     "builtins",     "errno",
  "gc",         "itertools",    "marshal",   "math",         "posix",       "pyexpat",      "select",       "sys",
  "time",       "unicodedata",  "zlib",
};

enum { KEPT = sizeof kept / sizeof *kept };
static builtin_module modules[KEPT + 1];

static int is_kept(const char *name) {
  for (u32 i = 0; i < KEPT; i++)
    if (!strcmp(kept[i], name)) return 1;
  return 0;
}

void keep_needed_modules(void) {
  builtin_module *to = modules;
  for (const builtin_module *each = PyImport_Inittab; each->name; each++)
    if (is_kept(each->name)) *to++ = *each;
  PyImport_Inittab = modules;
}
