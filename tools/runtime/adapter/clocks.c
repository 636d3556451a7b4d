// wasi:clocks and wasi:random, and sleeping (wasi:io/poll).
#include "interfaces.h"

enum { SECOND = 1000000000 };

u64 clock_now(u32 clock) {
  u64 time = 0;
  p1_clock_time_get(clock, 1, &time);
  return time;
}

static u64 resolution_of(u32 clock) {
  u64 resolution = 0;
  p1_clock_res_get(clock, &resolution);
  return resolution ? resolution : 1;
}

static void write_datetime(u8 *result, u64 nanoseconds) {
  U64_AT(result, 0) = nanoseconds / SECOND;
  U32_AT(result, 8) = (u32)(nanoseconds % SECOND);
}

INTERFACE("clocks/monotonic-clock#now") u64 monotonic_now(void) { return clock_now(P1_CLOCK_MONOTONIC); }
INTERFACE("clocks/monotonic-clock#resolution") u64 monotonic_resolution(void) {
  return resolution_of(P1_CLOCK_MONOTONIC);
}
INTERFACE("clocks/wall-clock#now") void wall_now(u8 *result) { write_datetime(result, clock_now(P1_CLOCK_REALTIME)); }
INTERFACE("clocks/wall-clock#resolution") void wall_resolution(u8 *result) {
  write_datetime(result, resolution_of(P1_CLOCK_REALTIME));
}

INTERFACE("random/random#get-random-bytes") void get_random_bytes(u64 size, list *result) {
  result->items = must_allocate((u32)size);
  result->count = (u32)size;
  if (size && p1_random_get(result->items, (u32)size)) __builtin_trap();
}

// A pollable is the address of its deadline. Files and streams are always ready.
void *pollable(u64 deadline) {
  u64 *made = must_allocate(sizeof *made);
  *made = deadline;
  return made;
}

INTERFACE("clocks/monotonic-clock#subscribe-instant") void *subscribe_instant(u64 time) { return pollable(time); }
INTERFACE("clocks/monotonic-clock#subscribe-duration") void *subscribe_duration(u64 duration) {
  return pollable(duration ? clock_now(P1_CLOCK_MONOTONIC) + duration : 0);
}
INTERFACE("io/poll#[resource-drop]pollable") void drop_pollable(u64 *each) { free(each); }

typedef struct {
  u64 user_data;
  u8 kind;
  u64 clock;  // 32 bits and padding: what follows the kind is aligned to 8 bytes
  u64 timeout, precision;
  u16 flags;
} clock_subscription;

// Waits once, for a relative time, and does not look at the clock again: wazero refuses absolute times, and a host's
// fake clock never gets there.
static void sleep_until(u64 deadline) {
  u64 now = clock_now(P1_CLOCK_MONOTONIC);
  if (now >= deadline) return;
  clock_subscription wait = {.clock = P1_CLOCK_MONOTONIC, .timeout = deadline - now, .precision = 1};
  u8 event[32];
  u32 happened;
  p1_poll_oneoff(&wait, event, 1, &happened);
}

INTERFACE("io/poll#[method]pollable.block") void block(const u64 *deadline) {
  if (*deadline) sleep_until(*deadline);
}

INTERFACE("io/poll#poll") void poll(u64 **pollables, u32 count, list *result) {
  u64 earliest = ~0ull;
  for (u32 i = 0; i < count; i++)
    if (*pollables[i] < earliest) earliest = *pollables[i];
  if (count && earliest) sleep_until(earliest);
  u64 now = earliest ? clock_now(P1_CLOCK_MONOTONIC) : 0;
  if (now < earliest) now = earliest;
  u32 *ready = must_allocate(count * sizeof *ready);
  result->items = ready;
  result->count = 0;
  for (u32 i = 0; i < count; i++)
    if (*pollables[i] <= now) ready[result->count++] = i;
}
