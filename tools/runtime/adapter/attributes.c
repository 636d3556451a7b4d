// What attrs sets the fields of a frozen instance by: `object.__setattr__` for all of them in one call. CPython's takes a
// tuple of arguments, looks through the bases of the type for another `__setattr__`, and looks the name up, for each field;
// this one knows where the slots are that it has set before.
#include "attributes.h"

// Of CPython's object.h, descrobject.h and structmember.h, for 32 bits.
typedef struct { u8 before[192]; u32 version; } type_object;  // 0, or a number that no other type has or had
typedef struct { const char *name; i32 kind; u32 offset; i32 flags; } member;
typedef struct { object head; u8 before[12]; const member *member; } member_descriptor;
enum { ANY_OBJECT = 16 };

extern object PyMemberDescr_Type;
int PyObject_GenericSetAttr(object *target, object *name, object *value);
object *_PyType_Lookup(object *type, object *name);
i32 PyTuple_Size(object *tuple);
object *PyTuple_GetItem(object *tuple, i32 index);

// By version and name, where a slot lies in the instances of a type. A type that changes gets another version.
typedef struct { u32 version; object *name; u32 offset; } slot;
enum { SLOTS = 256 };
static slot known[SLOTS];

static slot *slot_of(u32 version, const object *name) { return &known[(version ^ (u32)name >> 3) % SLOTS]; }

static int set_and_learn(object *self, object *name, object *value) {
  if (PyObject_GenericSetAttr(self, name, value)) return -1;
  u32 version = ((const type_object *)self->type)->version;
  object *found = _PyType_Lookup(self->type, name);
  if (!version || !found || found->type != &PyMemberDescr_Type) return 0;
  const member *slot_member = ((const member_descriptor *)found)->member;
  if (slot_member->kind != ANY_OBJECT || slot_member->flags) return 0;
  slot *learnt = slot_of(version, name), earlier = *learnt;
  Py_IncRef(name);  // so that no other name comes to lie there
  *learnt = (slot){version, name, slot_member->offset};
  if (earlier.name) Py_DecRef(earlier.name);
  return 0;
}

static int set_field(object *self, object *name, object *value) {
  u32 version = ((const type_object *)self->type)->version;
  const slot *kept = slot_of(version, name);
  if (!version || kept->version != version || kept->name != name) return set_and_learn(self, name, value);
  object **place = (object **)((u8 *)self + kept->offset), *earlier = *place;
  Py_IncRef(value);
  *place = value;
  if (earlier) Py_DecRef(earlier);
  return 0;
}

static object *set_fields(object *names, object *const *arguments, i32 count) {
  if (count != PyTuple_Size(names) + 1)
    return PyErr_Format(PyExc_TypeError, "set_fields takes an instance and %d values, not %d arguments",
                        PyTuple_Size(names), count);
  for (i32 i = 1; i < count; i++)
    if (set_field(arguments[0], PyTuple_GetItem(names, i - 1), arguments[i])) return NULL;
  return none();
}

static const method_definition definition = {
  "set_fields", set_fields, METH_FASTCALL, "Set the fields of an instance, frozen or not."
};

object *python_fields_setter(object *self, object *names) {
  (void)self;
  return PyTuple_Size(names) < 0 ? NULL : PyCFunction_NewEx(&definition, names, NULL);
}
