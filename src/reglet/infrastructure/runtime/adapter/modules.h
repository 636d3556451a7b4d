// Which built-in modules the interpreter has.
#pragma once

void keep_needed_modules(void);  // call it before the interpreter starts
