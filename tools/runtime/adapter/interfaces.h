// How functions of WASI 0.2 receive and return values once the canonical ABI has flattened them.
//
// A result that does not fit one value is written where the last argument points: first a byte, 0 for success and 1
// for failure, then the value, aligned. Lists and strings are an address and a length; the callee allocates, the
// caller frees. A resource is a number of our choice: a preview 1 descriptor, or the address of a record.
#pragma once
#include "preview1.h"

#define INTERFACE(name) EXPORT("wasi:" name)

typedef struct { void *items; u32 count; } list;
typedef struct { u8 failed, error; } unit_result;

#define U32_AT(pointer, offset) (*(u32 *)((u8 *)(pointer) + (offset)))
#define U64_AT(pointer, offset) (*(u64 *)((u8 *)(pointer) + (offset)))

u64 clock_now(u32 clock);
void *pollable(u64 deadline);  // a deadline on the monotonic clock; 0 is always ready
void *stream_on(u32 fd, u64 offset, int kind);

enum { SEQUENTIAL, POSITIONED, APPENDING };

// The largest single read or write.
enum { CHUNK = 0x100000 };
