// Memory for CPython's objects.
#pragma once
#include "base.h"

void use_own_allocator(void);               // call it before the interpreter starts
void use_for_objects(u8 *bytes, u32 size);  // static memory that nothing else uses any more, all zeros
void zero_free_blocks(void);                // what is left in them would be part of a snapshot
