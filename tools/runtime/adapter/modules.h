// Which built-in and frozen modules the interpreter has.
#pragma once

void keep_needed_modules(void);         // call it before the interpreter starts
void forget_bootstrap_modules(void);    // call it once the interpreter has started
