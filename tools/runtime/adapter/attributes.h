// How attrs sets the fields of a frozen instance.
#pragma once
#include "cpython.h"

object *python_fields_setter(object *self, object *names);
