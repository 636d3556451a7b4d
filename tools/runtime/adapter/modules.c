// The built-in modules that checks need. The others that CPython for WASI has are no longer known to it, so importing
// one raises an ordinary ModuleNotFoundError.
#include "modules.h"

#include "allocator.h"
#include "cpython.h"

static const char *const kept[] = {
  "_abc", "_ast", "_bisect", "_blake2", "_codecs", "_collections", "_contextvars", "_csv", "_datetime",
  "_decimal", "_elementtree", "_functools", "_heapq", "_hmac", "_imp", "_io", "_json", "_locale", "_md5",
  "_opcode", "_operator", "_pickle", "_queue", "_random", "_sha1", "_sha2", "_sha3", "_signal", "_socket",
  "_sre", "_stat", "_statistics", "_string", "_struct", "_suggestions", "_sysconfig", "_thread", "_tokenize",
  "_types", "_typing", "_warnings", "_weakref", "_zoneinfo", "array", "atexit", "binascii", "builtins", "errno",
  "gc", "itertools", "marshal", "math", "posix", "pyexpat", "select", "sys", "time", "unicodedata", "zlib",
};

enum { KEPT = sizeof kept / sizeof *kept };
static builtin_module modules[KEPT + 1];

static int is_kept(const char *name) {
  for (u32 i = 0; i < KEPT; i++)
    if (!strcmp(kept[i], name)) return 1;
  return 0;
}

// Of these, those that nothing has imported when a snapshot is taken are forgotten, and the build leaves out their code.
static const char *const optional[] = {
  "_csv", "_decimal", "_elementtree", "_pickle", "_socket", "_zoneinfo", "pyexpat",
};
enum { OPTIONAL = sizeof optional / sizeof *optional };
static object *(*initialisers[OPTIONAL])(void);
static enum { UNUSED, USED, FORGOTTEN } states[OPTIONAL];

// As what finds no more modules in a built plugin says it (guest/sealed.py).
static object *refuse(const char *name) {
  static const char message[] =
    "No module named '%s': a built plugin has only what was imported during its build; "
    "%s must be imported at the top of the plugin's module";
  return PyErr_Format(PyExc_ModuleNotFoundError, message, name, name);
}

static object *initialise(u32 i) {
  if (states[i] == FORGOTTEN) return refuse(optional[i]);
  states[i] = USED;
  return initialisers[i]();
}

#define INITIALISE(i) static object *initialise_##i(void) { return initialise(i); }
INITIALISE(0) INITIALISE(1) INITIALISE(2) INITIALISE(3) INITIALISE(4) INITIALISE(5) INITIALISE(6)
static object *(*const observed[OPTIONAL])(void) = {
  initialise_0, initialise_1, initialise_2, initialise_3, initialise_4, initialise_5, initialise_6,
};

static void observe_uses(void) {
  for (builtin_module *each = modules; each->name; each++)
    for (u32 i = 0; i < OPTIONAL; i++)
      if (!strcmp(each->name, optional[i])) initialisers[i] = each->initialise, each->initialise = observed[i];
}

object *python_forget_unused(object *self, object *nothing) {
  (void)self, (void)nothing;
  object *names = PyList_New(0);
  for (u32 i = 0; names && i < OPTIONAL; i++) {
    if (states[i] == USED) continue;
    states[i] = FORGOTTEN;
    object *name = PyUnicode_InternFromString(optional[i]);
    int failed = !name || PyList_Append(names, name);
    if (name) Py_DecRef(name);
    if (failed) return Py_DecRef(names), NULL;
  }
  return names;
}

// CPython has part of its standard library frozen into its data. The runtime imports it from the same files as the
// rest, which are smaller, and puts objects where the frozen ones were.
static const frozen_module none_frozen[1];

static void forget(const frozen_module **table) {
  for (const frozen_module *each = *table; each->name; each++) {
    memset((u8 *)each->code, 0, (u32)each->size);
    use_for_objects((u8 *)each->code, (u32)each->size);
  }
  *table = none_frozen;
}

void forget_bootstrap_modules(void) { forget(&_PyImport_FrozenBootstrap); }

void keep_needed_modules(void) {
  forget(&_PyImport_FrozenStdlib);
  forget(&_PyImport_FrozenTest);
  builtin_module *to = modules;
  for (const builtin_module *each = PyImport_Inittab; each->name; each++)
    if (is_kept(each->name)) *to++ = *each;
  observe_uses();
  PyImport_Inittab = modules;
}
