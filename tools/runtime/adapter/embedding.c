// CPython, embedded: which built-in modules it has, its `_reglet` module, and the exports that a build uses.
#include "embedding.h"

#include "allocator.h"
#include "attributes.h"
#include "buffers.h"
#include "host.h"
#include "json.h"
#include "modules.h"
#include "paths.h"
#include "preview1.h"

static object *current_handler;

object *handler(void) { return current_handler; }

static object *set_handler(object *self, object *callable) {
  (void)self;
  if (!PyCallable_Check(callable)) {
    PyErr_SetString(PyExc_TypeError, "the handler must be callable");
    return NULL;
  }
  Py_IncRef(callable);
  if (current_handler) Py_DecRef(current_handler);
  current_handler = callable;
  return none();
}

static object *list_of_strings(u8 **strings, u32 count) {
  object *made = PyList_New((i32)count);
  for (u32 i = 0; made && i < count; i++) {
    object *item = PyBytes_FromStringAndSize(strings[i], (i32)strlen((const char *)strings[i]));
    if (!item || PyList_SetItem(made, (i32)i, item)) {
      Py_DecRef(made);
      return NULL;
    }
  }
  return made;
}

// Asks the host each time: what libc knows is from the build.
static object *host_environ(object *self, object *nothing) {
  (void)self, (void)nothing;
  u32 count = 0, size = 0;
  if (p1_environ_sizes_get(&count, &size)) return PyList_New(0);
  u8 **strings = must_allocate(count * sizeof *strings + size);
  if (p1_environ_get(strings, (u8 *)(strings + count))) count = 0;
  object *made = list_of_strings(strings, count);
  free(strings);
  return made;
}

static object *python_tracked_bytes(object *self, object *nothing) {
  (void)self, (void)nothing;
  return PyLong_FromUnsignedLong(tracked_bytes());
}

static const method_definition methods[] = {
  {"set_handler", set_handler, METH_O, "Set the function (entry, payload) -> bytes that answers every export."},
  {"call", python_call, METH_FASTCALL, "Call a host function; None if the plugin does not import it."},
  {"environ", host_environ, METH_NOARGS, "Ask the host for its environment, a list of b\"NAME=value\"."},
  {"refusals", python_refusals, METH_NOARGS, "Take the looks that no grant covers since the last call; None if none."},
  {"note_unset", python_note_unset, METH_O, "Note a variable that a path needs and the host does not give."},
  {"preopens", python_preopens, METH_NOARGS, "Return the paths of the host's directories."},
  {"start_in", python_start_in, METH_O, "Set the working directory, which need not exist."},
  {"fields_setter", python_fields_setter, METH_O, "Return what sets the fields of these names of an instance to values."},
  {"write_json", python_write_json, METH_O, "Return a value as JSON, as Go writes it; NotImplemented if it is not plain."},
  {"read_json", python_read_json, METH_O, "Return the value of JSON bytes; NotImplemented if they are not plain."},
  {"forget_unused", python_forget_unused, METH_NOARGS, "Forget built-in modules that nothing imported; return their names."},
  {"tracked_bytes", python_tracked_bytes, METH_NOARGS, "Tell how many bytes of buffers are in use."},
};

EXPORT("_python_initialize") void python_initialize(void) {
  use_own_allocator();
  keep_needed_modules();
  Py_NoSiteFlag = 1;  // there are no site packages to look for
  Py_InitializeEx(0);
  forget_bootstrap_modules();
  object *module = PyImport_AddModule("_reglet");
  for (u32 i = 0; i < sizeof methods / sizeof *methods; i++) {
    object *function = PyCFunction_NewEx(&methods[i], NULL, NULL);
    PyObject_SetAttrString(module, methods[i].name, function);
    Py_DecRef(function);
  }
}

EXPORT("_run") int run(const char *source) { return PyRun_SimpleStringFlags(source, NULL); }

// libc keeps what it has learned of preopens and environment; a run has others than the build.
void __wasilibc_reset_preopens(void);
void __wasilibc_deinitialize_environ(void);

EXPORT("_forget_process_state") void forget_process_state(void) {
  __wasilibc_reset_preopens();
  __wasilibc_deinitialize_environ();
  forget_paths();
  zero_free_blocks();
}

// libpython can load extension modules; there is nothing to load them with.
EXPORT("dlopen") void *dlopen(const char *path, int flags) {
  (void)path, (void)flags;
  return NULL;
}
EXPORT("dlsym") void *dlsym(void *library, const char *name) {
  (void)library, (void)name;
  return NULL;
}
EXPORT("dlerror") const char *dlerror(void) { return "a Reglet plugin loads no native libraries"; }
