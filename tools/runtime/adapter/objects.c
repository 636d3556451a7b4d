// Objects that are there when a snapshot is taken and that a plugin does not let go of: functions, their code and its
// constants, classes, modules, and what the SDK made. CPython does not count the references to an immortal object, so
// that a guest which only uses them does not write to their pages.
#include "cpython.h"

// Of CPython's refcount.h and object.h, for 32 bits.
enum { IMMORTAL = 5 << 28, LEAST_IMMORTAL = 1 << 30 };
enum { HEAP_TYPE = 1 << 9 };
static const u32 TYPE_SUBCLASS = 1u << 31;

extern object PyClassMethodDescr_Type, PyClassMethod_Type, PyCFunction_Type, PyFunction_Type, PyGetSetDescr_Type,
  PyMemberDescr_Type, PyMethodDescr_Type, PyModule_Type, PyProperty_Type, PyStaticMethod_Type, PyWrapperDescr_Type;
extern object PyCode_Type, PyTuple_Type;

typedef int (*visitor)(object *each, void *argument);
void PyUnstable_GC_VisitObjects(visitor visit, void *argument);
u32 PyType_GetFlags(const object *type);
object *PyType_GetModuleName(object *type);
object *PyFunction_GetCode(object *function);
object *PyObject_GetAttrString(object *target, const char *name);
i32 PyTuple_Size(object *tuple);
object *PyTuple_GetItem(object *tuple, i32 index);

static int is_kept_already(const object *each) { return each->references >= LEAST_IMMORTAL; }
static void keep(object *each) {
  if (!is_kept_already(each)) each->references = IMMORTAL;
}

static void keep_constant(object *constant);

static void keep_code(object *code) {
  keep(code);
  object *constants = PyObject_GetAttrString(code, "co_consts");
  if (!constants) return PyErr_Clear();
  keep_constant(constants);
  Py_DecRef(constants);
}

static void keep_constant(object *constant) {
  if (is_kept_already(constant)) return;
  if (constant->type == &PyCode_Type) return keep_code(constant);
  keep(constant);
  if (constant->type != &PyTuple_Type) return;
  for (i32 i = 0; i < PyTuple_Size(constant); i++) keep_constant(PyTuple_GetItem(constant, i));
}

static int is_of_sdk(object *type) {
  object *module = PyType_GetModuleName(type);
  const char *name = module ? PyUnicode_AsUTF8AndSize(module, NULL) : NULL;
  static const char *const packages[] = {"reglet.", "cattrs.", "logging"};
  int found = 0;
  for (u32 i = 0; name && i < sizeof packages / sizeof *packages; i++)
    found |= !strncmp(name, packages[i], strlen(packages[i]));
  if (module) Py_DecRef(module);
  PyErr_Clear();
  return found;
}

static int is_lasting_kind(const object *type) {
  static const object *const kinds[] = {
    &PyClassMethodDescr_Type, &PyClassMethod_Type, &PyCFunction_Type,    &PyFunction_Type,
    &PyGetSetDescr_Type,      &PyMemberDescr_Type, &PyMethodDescr_Type,  &PyModule_Type,
    &PyProperty_Type,         &PyStaticMethod_Type, &PyWrapperDescr_Type,
  };
  for (u32 i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (type == kinds[i]) return 1;
  return 0;
}

static int keep_if_lasting(object *each, void *nothing) {
  (void)nothing;
  object *type = each->type;
  if (type == &PyFunction_Type) keep_code(PyFunction_GetCode(each));
  u32 flags = PyType_GetFlags(type);
  if (flags & TYPE_SUBCLASS || is_lasting_kind(type) || (flags & HEAP_TYPE && is_of_sdk(type))) keep(each);
  return 1;
}

EXPORT("_keep_objects") void keep_objects(void) {
  PyUnstable_GC_VisitObjects(keep_if_lasting, NULL);
}
