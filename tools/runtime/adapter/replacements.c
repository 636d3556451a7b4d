// Functions of CPython that have another body here. Each is exported as `replaces:` and its name; the linker calls it
// wherever CPython calls its own.
#include "base.h"
#include "numeric_values.h"

// CPython's is a switch of 2,002 cases, which a host needs longer to compile than the evaluation loop.
EXPORT("replaces:_PyUnicode_ToNumeric") double to_numeric(u32 character) {
  u32 low = 0, high = sizeof numeric_runs / sizeof *numeric_runs;
  while (high - low > 1) {
    u32 middle = (low + high) / 2;
    if (numeric_runs[middle] >> 14 <= character)
      low = middle;
    else
      high = middle;
  }
  u32 run = numeric_runs[low], place = character - (run >> 14);
  return place <= (run >> 8 & 0x3F) ? numeric_values[run & 0xFF] + place : -1.0;
}

// Lets go of the types of `_ast`, 150 fields one by one, as an interpreter ends. A guest ends with its interpreter.
EXPORT("replaces:_PyAST_Fini") void keep_ast_types(void *interpreter) { (void)interpreter; }

// Takes the whole interpreter apart before a process exits, whose memory goes with it.
EXPORT("replaces:_Py_Finalize") int keep_interpreter(void) { return 0; }
