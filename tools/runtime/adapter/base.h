// What every file of the adapter needs: short names of fixed-width types, and the C library's functions that it uses.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int i32;
typedef long long i64;

#define NULL ((void *)0)
#define EXPORT(name) __attribute__((export_name(name)))

// These come from libc.so at link time.
void *malloc(u32 size);
void free(void *pointer);
u32 strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, u32 size);
#define memcpy __builtin_memcpy
#define memset __builtin_memset

static inline u32 memory_size(void) { return (u32)__builtin_wasm_memory_size(0) << 16; }

// Memory for what the guest's C library asks of us: it cannot go on without, as the component model has it.
static inline void *must_allocate(u32 size) {
  void *pointer = malloc(size ? size : 1);
  if (!pointer) __builtin_trap();
  return pointer;
}
