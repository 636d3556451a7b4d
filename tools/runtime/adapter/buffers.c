// `allocate` and `deallocate`, and the 100 MB that they hand out at most (ABI section 1).
//
// Every buffer belongs to a call: to the next one if no call is under way. When a call begins, the buffers of earlier
// calls are freed, so a host that never deallocates can go on for ever.
#include "buffers.h"

typedef struct buffer {
  struct buffer *next;             // of its chain
  struct buffer *older, *younger;  // of all
  u32 size, call;
  u32 unused[3];  // keep the bytes behind them aligned to 16
} buffer;

enum { LIMIT = 100 << 20, CHAINS = 256 };

static buffer *chains[CHAINS], *youngest;
static u32 tracked, current_call, depth;
static int over_limit;

static buffer **chain_of(const void *bytes) { return &chains[(u32)bytes >> 4 & (CHAINS - 1)]; }
static void *bytes_of(buffer *each) { return each + 1; }

u32 tracked_bytes(void) { return tracked; }
int limit_was_reached(void) { return over_limit; }

int inside_memory(const void *bytes, u32 size) {
  return bytes && (u64)(u32)bytes + size <= (u64)__builtin_wasm_memory_size(0) << 16;
}

void *new_buffer(u32 size) {
  if (size > LIMIT - tracked) return NULL;
  buffer *made = malloc(sizeof *made + (size ? size : 1));
  if (!made) return NULL;
  buffer **chain = chain_of(bytes_of(made));
  *made = (buffer){.next = *chain, .older = youngest, .size = size, .call = current_call};
  *chain = made;
  if (youngest) youngest->younger = made;
  youngest = made;
  tracked += size;
  return bytes_of(made);
}

// The link to a buffer in its chain, which links to none at its end.
static buffer **find(const void *bytes) {
  buffer **link = chain_of(bytes);
  while (*link && bytes_of(*link) != bytes) link = &(*link)->next;
  return link;
}

void release_buffer(const void *bytes) {
  buffer **link = find(bytes), *each = *link;
  if (!each) return;
  *link = each->next;
  if (each->older) each->older->younger = each->younger;
  *(each->younger ? &each->younger->older : &youngest) = each->older;
  tracked -= each->size;
  free(each);
}

void begin_call(const void *config, u32 size) {
  if (depth++) return;            // a host that calls an export from within a host function
  if (config || !size) over_limit = 0;  // it was reached, and the host found another way
  buffer *kept = *find(config);
  if (kept) kept->call = current_call;
  for (buffer *each = youngest, *older; each; each = older) {
    older = each->older;
    if (each->call != current_call) release_buffer(bytes_of(each));
  }
}

void end_call(void) {
  if (--depth) return;
  current_call++;
  over_limit = 0;
}

// ---- a host that takes 0 for an address
//
// `allocate` answers 0 over the limit, and some hosts then write there all the same. The bytes that they would
// overwrite (the stack, our data) are kept above the heap meanwhile, and put back as soon as the guest runs again.
// Nothing below `saved_size` can be trusted until then, so what is needed is found from the end of memory.

typedef struct { u32 mark, size, pages, unused; } saved;

enum { IN_USE = 0x72656731, RESTORED = 0x72656730, PAGE = 1 << 16 };

static saved *saved_at_end(void) { return (saved *)memory_size() - 1; }

// Address 0, which the compiler would otherwise take for a mistake.
static u8 *lowest(void) {
  u8 *address = NULL;
  __asm__("" : "+r"(address));
  return address;
}

static void save_low_memory(u32 size) {
  saved *last = saved_at_end();
  u32 heap_end = memory_size() - (last->mark == RESTORED ? last->pages * PAGE : 0);
  if (size > heap_end) size = heap_end;  // what lies beyond is nobody's
  u32 pages = (size + sizeof *last + PAGE - 1) / PAGE;
  if (last->mark != RESTORED || last->pages < pages) {
    if (__builtin_wasm_memory_grow(0, pages) == (unsigned long)-1) return;
    last = saved_at_end();
    last->pages = pages;
  }
  last->mark = IN_USE;
  last->size = size;
  memcpy((u8 *)(last + 1) - last->pages * PAGE, lowest(), size);
}

void repair_low_memory(void) {
  saved *last = saved_at_end();
  if (last->mark != IN_USE) return;
  last->mark = RESTORED;
  memcpy(lowest(), (u8 *)(last + 1) - last->pages * PAGE, last->size);
}

EXPORT("allocate") void *allocate(u32 size) {
  repair_low_memory();
  if (!size) return NULL;
  void *bytes = new_buffer(size);
  if (!bytes) {
    over_limit = 1;
    save_low_memory(size);
  }
  return bytes;
}

EXPORT("deallocate") void deallocate(const void *bytes, u32 size) {
  (void)size;
  repair_low_memory();
  release_buffer(bytes);
}
