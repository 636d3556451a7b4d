// Which built-in and frozen modules the interpreter has.
#pragma once
#include "cpython.h"

void keep_needed_modules(void);         // call it before the interpreter starts
void forget_bootstrap_modules(void);    // call it once the interpreter has started
object *python_forget_unused(object *self, object *nothing);  // those that a plugin may be without and has not imported
