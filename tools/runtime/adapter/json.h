// JSON, written and read for what nearly every check has; Python does the rest.
#pragma once
#include "cpython.h"

object *python_write_json(object *self, object *value);
object *python_read_json(object *self, object *bytes);
