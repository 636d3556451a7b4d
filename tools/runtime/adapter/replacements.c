// Functions of CPython and libc that have another body here. Each is exported as `replaces:` and its name; the linker
// calls it wherever they call their own. What they would have called is imported as `original:` and the name.
#include "numeric_values.h"
#include "replacements.h"

#define ORIGINAL(name) __attribute__((import_module("env"), import_name("original:" name)))

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

// ---- errors of libc that are not Linux's

i32 *__errno_location(void);

static p1_errno last_error;  // numbered as libc's are

void note_error(p1_errno error) { last_error = error; }

static i32 with_its_error(i32 done) {
  if (done < 0 && last_error && *__errno_location() == P1_IO) *__errno_location() = last_error;
  return done;
}

ORIGINAL("read") i32 original_read(i32 fd, void *to, u32 size);
EXPORT("replaces:read") i32 read_bytes(i32 fd, void *to, u32 size) {
  note_error(0);
  return with_its_error(original_read(fd, to, size));
}

ORIGINAL("pread") i32 original_read_at(i32 fd, void *to, u32 size, i64 offset);
EXPORT("replaces:pread") i32 read_at(i32 fd, void *to, u32 size, i64 offset) {
  note_error(0);
  i32 got = original_read_at(fd, to, size, offset);
  if (got < 0 || !last_error) return got;
  *__errno_location() = last_error;
  return -1;
}

ORIGINAL("write") i32 original_write(i32 fd, const void *from, u32 size);
EXPORT("replaces:write") i32 write_bytes(i32 fd, const void *from, u32 size) {
  note_error(0);
  return with_its_error(original_write(fd, from, size));
}

ORIGINAL("__wasilibc_nocwd_openat_nomode") i32 original_open(i32 fd, const char *path, i32 flags);
EXPORT("replaces:__wasilibc_nocwd_openat_nomode") i32 open_below(i32 fd, const char *path, i32 flags) {
  note_error(0);
  return with_its_error(original_open(fd, path, flags));
}

// libc takes an empty path for the working directory.
ORIGINAL("__wasilibc_find_relpath_alloc")
i32 original_find(const char *path, const char **prefix, char **rest, u32 *room, i32 may_allocate);
EXPORT("replaces:__wasilibc_find_relpath_alloc")
i32 find_named(const char *path, const char **prefix, char **rest, u32 *room, i32 may_allocate) {
  if (*path) return original_find(path, prefix, rest, room, may_allocate);
  *__errno_location() = P1_NO_ENTRY;
  return -1;
}

// libc refuses names that are not UTF-8, which WASI 0.2 has no strings for; preview 1 takes any bytes.
typedef struct { const char *bytes; u32 size; } string;
EXPORT("replaces:wasi_string_from_c") i32 string_of_any_bytes(const char *from, string *to) {
  *to = (string){from, strlen(from)};
  return 0;
}

// ---- what libc does not know of a file

typedef struct { i64 seconds; i32 nanoseconds; } time;
typedef struct { u64 device, inode, links; u32 mode; u8 unused[44]; time times[3]; } status;  // libc's `struct stat`

enum { SECOND = 1000000000, PIPE = 0x1000 };

static int is_noted;
static p1_stat noted_status;

void note_status(const p1_stat *from) {
  is_noted = 1;
  noted_status = *from;
}

// The device is part of it, since libc tells all files to be of one.
u64 inode_number(const p1_stat *from) { return from->device * 0x9E3779B97F4A7C15ull ^ from->inode; }

static i32 completed(i32 failed, status *to) {
  if (!failed && is_noted) {
    i64 times[] = {(i64)noted_status.accessed, (i64)noted_status.modified, (i64)noted_status.changed};
    to->inode = inode_number(&noted_status);
    if (noted_status.is_pipe) to->mode |= PIPE;
    for (u32 i = 0; i < 3; i++) {
      if (times[i] >= 0) continue;
      to->times[i].seconds = (times[i] - (SECOND - 1)) / SECOND;
      to->times[i].nanoseconds = (i32)(times[i] - to->times[i].seconds * SECOND);
    }
  }
  is_noted = 0;
  return failed;
}

ORIGINAL("stat") i32 original_stat(const char *path, status *to);
EXPORT("replaces:stat") i32 status_of(const char *path, status *to) { return completed(original_stat(path, to), to); }

ORIGINAL("lstat") i32 original_lstat(const char *path, status *to);
EXPORT("replaces:lstat") i32 status_of_link(const char *path, status *to) {
  return completed(original_lstat(path, to), to);
}

ORIGINAL("fstat") i32 original_fstat(i32 fd, status *to);
EXPORT("replaces:fstat") i32 status_of_open(i32 fd, status *to) { return completed(original_fstat(fd, to), to); }

ORIGINAL("fstatat") i32 original_fstatat(i32 fd, const char *path, status *to, i32 flags);
EXPORT("replaces:fstatat") i32 status_below(i32 fd, const char *path, status *to, i32 flags) {
  return completed(original_fstatat(fd, path, to, flags), to);
}

typedef struct { time accessed, modified; } new_times;

static const new_times *through_libc(const new_times *from, new_times *room) {
  if (!from) return NULL;
  *room = *from;
  if (room->accessed.seconds < 0) room->accessed.seconds += BEFORE_1970;
  if (room->modified.seconds < 0) room->modified.seconds += BEFORE_1970;
  return room;
}

ORIGINAL("utimensat") i32 original_utimensat(i32 fd, const char *path, const new_times *to, i32 flags);
EXPORT("replaces:utimensat") i32 set_times_below(i32 fd, const char *path, const new_times *to, i32 flags) {
  new_times room;
  return original_utimensat(fd, path, through_libc(to, &room), flags);
}

ORIGINAL("futimens") i32 original_futimens(i32 fd, const new_times *to);
EXPORT("replaces:futimens") i32 set_times_of_open(i32 fd, const new_times *to) {
  new_times room;
  return original_futimens(fd, through_libc(to, &room));
}
