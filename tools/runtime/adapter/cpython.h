// What the adapter uses of CPython's C API; libpython has it.
#pragma once
#include "base.h"

typedef struct object object;
struct object {
  i32 references;
  object *type;
};
// The flags say what the function takes: itself and one object, or with METH_FASTCALL an array of objects and their count.
typedef struct { const char *name; void *function; int flags; const char *documentation; } method_definition;
typedef struct { const char *name; object *(*initialise)(void); } builtin_module;

typedef struct { const char *name; const u8 *code; i32 size; int is_package; } frozen_module;

typedef struct {
  void *context;
  void *(*malloc)(void *context, u32 size);
  void *(*calloc)(void *context, u32 count, u32 size);
  void *(*realloc)(void *context, void *block, u32 size);
  void (*free)(void *context, void *block);
} allocator;

enum { PYMEM_DOMAIN_MEM = 1, PYMEM_DOMAIN_OBJ = 2 };
enum { METH_NOARGS = 4, METH_O = 8, METH_FASTCALL = 128 };

extern builtin_module *PyImport_Inittab;
extern const frozen_module *_PyImport_FrozenBootstrap, *_PyImport_FrozenStdlib, *_PyImport_FrozenTest;
extern int Py_NoSiteFlag;
extern object *PyExc_ValueError, *PyExc_TypeError, *PyExc_MemoryError, *PyExc_LookupError, *PyExc_ModuleNotFoundError;

void PyMem_SetAllocator(int domain, allocator *to);
void Py_InitializeEx(int install_signal_handlers);  // whose thread holds the lock for good: there is no other
int PyRun_SimpleStringFlags(const char *source, void *flags);

object *PyImport_AddModule(const char *name);
object *PyCFunction_NewEx(const method_definition *definition, object *self, object *module);
int PyObject_SetAttrString(object *target, const char *name, object *value);
object *PyObject_Vectorcall(object *callable, object *const *arguments, u32 count, object *names);
object *PyObject_Str(object *value);
int PyCallable_Check(object *value);
void Py_IncRef(object *value);
void Py_DecRef(object *value);
object *Py_GetConstant(unsigned id);

object *PyBytes_FromStringAndSize(const void *bytes, i32 size);
int PyBytes_AsStringAndSize(object *value, char **bytes, i32 *size);
const char *PyUnicode_AsUTF8AndSize(object *value, i32 *size);
object *PyUnicode_InternFromString(const char *text);
object *PyLong_FromUnsignedLong(u32 value);
object *PyList_New(i32 size);
int PyList_Append(object *list, object *item);
int PyList_SetItem(object *list, i32 index, object *item);
object *PyType_GetName(object *type);
object *PyObject_Type(object *value);

object *PyErr_GetRaisedException(void);
void PyErr_SetString(object *type, const char *message);
object *PyErr_Format(object *type, const char *format, ...);
int PyErr_GivenExceptionMatches(object *error, object *type);
void PyErr_Clear(void);

static inline object *none(void) { return Py_GetConstant(0); }
