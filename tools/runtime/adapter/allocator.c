// Memory for CPython's objects. CPython for WASI is built without its allocator of small blocks, so each object would
// take libc's header and whole 16 bytes: a tenth of a plugin's memory, of which there are 80,000 blocks.
//
// A pool is 4 KB of blocks of one size, as in CPython's own allocator; 16 pools are an arena, which is returned to libc
// when all of them are free. The first pools lie in memory that the libraries do not use any more.
#include "allocator.h"

#include "cpython.h"

void *calloc(u32 count, u32 size);
void *realloc(void *pointer, u32 size);
void *aligned_alloc(u32 alignment, u32 size);
extern u8 __heap_base[], __unused_start[], __unused_end[];

enum {
  STEP = 8,        // bytes from one size to the next
  LARGEST = 256,   // larger blocks are libc's
  SIZES = LARGEST / STEP,
  POOL = 4096,
  ARENA = 1 << 16,
  POOLS = ARENA / POOL,
  LIBC_WORD = 4,   // at an arena's end, so that the next one lies right behind it
  ARENAS = 4096,   // in 256 MB, all that a host gives
};

typedef struct pool pool;
struct pool {
  pool *next, *previous;  // with room for the same size, or free
  void **free;            // a list of blocks
  u16 used, unused;       // how many blocks, and where those begin that were never used
  u32 place;              // of its size
};
enum { FIRST_BLOCK = (sizeof(pool) + STEP - 1) / STEP * STEP };

static pool *with_room[SIZES], *free_pools;
// By the upper half of an address: 0 if the memory there is not ours, or how many of its pools are free, plus 1.
static u8 arenas[ARENAS];

static void link_first(pool **list, pool *each) {
  each->previous = NULL;
  each->next = *list;
  if (*list) (*list)->previous = each;
  *list = each;
}

static void unlink(pool **list, pool *each) {
  if (each->next) each->next->previous = each->previous;
  *(each->previous ? &each->previous->next : list) = each->next;
}

static u32 size_of(const pool *each) { return (each->place + 1) * STEP; }
static int is_full(const pool *each) { return !each->free && each->unused + size_of(each) > POOL - LIBC_WORD; }
static int is_ours(const void *block) { return (u32)block < ARENAS * ARENA && arenas[(u32)block / ARENA]; }
static pool *pool_of(void *block) { return (pool *)((u32)block & -POOL); }

static void add_free(pool *each) {
  u8 *count = &arenas[(u32)each / ARENA];
  if (!*count) *count = 1;
  (*count)++;
  link_first(&free_pools, each);
}

void use_for_objects(u8 *bytes, u32 size) {
  u8 *end = (u8 *)pool_of(bytes + size);
  for (u8 *each = (u8 *)pool_of(bytes + POOL - 1); each < end; each += POOL) add_free((pool *)each);
}

static int add_arena(void) {
  u8 *made = aligned_alloc(ARENA, ARENA - LIBC_WORD);
  if (!made) return 0;
  if ((u32)made >= ARENAS * ARENA) {
    free(made);
    return 0;
  }
  for (u32 i = POOLS; i--;) add_free((pool *)(made + i * POOL));
  return 1;
}

static pool *new_pool(u32 place) {
  if (!free_pools && !add_arena()) return NULL;
  pool *made = free_pools;
  unlink(&free_pools, made);
  arenas[(u32)made / ARENA]--;
  made->free = NULL;
  made->used = 0;
  made->unused = FIRST_BLOCK;
  made->place = place;
  link_first(&with_room[place], made);
  return made;
}

static void free_pool(pool *each) {
  unlink(&with_room[each->place], each);
  add_free(each);
  u8 *arena = (u8 *)((u32)each & -ARENA), *count = &arenas[(u32)each / ARENA];
  if (*count <= POOLS || arena < __heap_base) return;
  for (u32 i = 0; i < POOLS; i++) unlink(&free_pools, (pool *)(arena + i * POOL));
  *count = 0;
  free(arena);
}

static void *object_malloc(void *context, u32 size) {
  (void)context;
  if (size > LARGEST) return malloc(size);
  u32 place = size ? (size - 1) / STEP : 0;
  pool *from = with_room[place];
  if (!from && !(from = new_pool(place))) return malloc(size ? size : 1);
  void **block = from->free;
  if (block) {
    from->free = *block;
  } else {
    block = (void **)((u8 *)from + from->unused);
    from->unused += size_of(from);
  }
  from->used++;
  if (is_full(from)) unlink(&with_room[place], from);
  return block;
}

static void object_free(void *context, void *block) {
  (void)context;
  if (!is_ours(block)) return free(block);
  pool *to = pool_of(block);
  if (is_full(to)) link_first(&with_room[to->place], to);
  *(void **)block = to->free;
  to->free = block;
  if (!--to->used && (to->next || to->previous)) free_pool(to);
}

static void *object_calloc(void *context, u32 count, u32 size) {
  if (size && count > LARGEST / size) return calloc(count, size);
  void *block = object_malloc(context, count * size);
  return block ? memset(block, 0, count * size) : NULL;
}

static void *object_realloc(void *context, void *block, u32 size) {
  if (block && !is_ours(block)) return realloc(block, size ? size : 1);
  u32 had = block ? size_of(pool_of(block)) : 0;
  if (size <= had && size > had * 3 / 4) return block;
  void *made = object_malloc(context, size);
  if (!made || !block) return made;
  memcpy(made, block, size < had ? size : had);
  object_free(context, block);
  return made;
}

void use_own_allocator(void) {
  use_for_objects(__unused_start, (u32)(__unused_end - __unused_start));
  allocator own = {NULL, object_malloc, object_calloc, object_realloc, object_free};
  PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &own);
  PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &own);
}

void zero_free_blocks(void) {
  for (u32 place = 0; place < SIZES; place++)
    for (pool *each = with_room[place]; each; each = each->next)
      for (void **block = each->free; block; block = *block) memset(block + 1, 0, size_of(each) - sizeof *block);
  for (pool *each = free_pools; each; each = each->next)
    memset(&each->free, 0, POOL - LIBC_WORD - 2 * sizeof(pool *));
}
