// The host's functions, as the guest calls them.
#pragma once
#include "cpython.h"

object *python_call(object *self, object *const *arguments, i32 count);
