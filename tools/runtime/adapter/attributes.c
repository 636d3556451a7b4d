// What attrs sets each field of a frozen instance by, a dozen times a check: `object.__setattr__`, bound. CPython's
// takes a tuple of arguments, looks through the bases of the type for another `__setattr__`, and looks the name up; this
// one knows where the slots are that it has set before.
#include "attributes.h"

// Of CPython's object.h, descrobject.h and structmember.h, for 32 bits.
typedef struct { u8 before[192]; u32 version; } type_object;  // 0, or a number that no other type has or had
typedef struct { const char *name; i32 kind; u32 offset; i32 flags; } member;
typedef struct { object head; u8 before[12]; const member *member; } member_descriptor;
enum { ANY_OBJECT = 16 };

extern object PyMemberDescr_Type;
int PyObject_GenericSetAttr(object *target, object *name, object *value);
object *_PyType_Lookup(object *type, object *name);

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

static object *set_attribute(object *self, object *const *arguments, i32 count) {
  if (count != 2)
    return PyErr_Format(PyExc_TypeError, "set_attribute takes a name and a value, not %d arguments", count);
  object *name = arguments[0], *value = arguments[1];
  u32 version = ((const type_object *)self->type)->version;
  const slot *kept = slot_of(version, name);
  if (!version || kept->version != version || kept->name != name)
    return set_and_learn(self, name, value) ? NULL : none();
  object **place = (object **)((u8 *)self + kept->offset), *earlier = *place;
  Py_IncRef(value);
  *place = value;
  if (earlier) Py_DecRef(earlier);
  return none();
}

static const method_definition definition = {
  "set_attribute", set_attribute, METH_FASTCALL, "Set an attribute of an instance, frozen or not."
};

object *python_attribute_setter(object *self, object *instance) {
  (void)self;
  return PyCFunction_NewEx(&definition, instance, NULL);
}
