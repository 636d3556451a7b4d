// The buffers through which host and guest hand each other bytes.
#pragma once
#include "base.h"

// An address and a length in one value, as the ABI packs them; 0 is nothing.
typedef u64 packed;

static inline packed pack(const void *bytes, u32 size) { return (u64)(u32)bytes << 32 | size; }
static inline u8 *packed_bytes(packed value) { return (u8 *)(u32)(value >> 32); }
static inline u32 packed_size(packed value) { return (u32)value; }

int inside_memory(const void *bytes, u32 size);

void *new_buffer(u32 size);            // NULL over the limit or without memory
void release_buffer(const void *bytes);  // what is no buffer is left alone
u32 tracked_bytes(void);

void begin_call(const void *config, u32 size);  // frees the buffers of earlier calls, but not this one
void end_call(void);

int limit_was_reached(void);   // by the host, for this call
void repair_low_memory(void);  // undoes what a host wrote at address 0
