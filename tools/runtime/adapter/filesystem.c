// wasi:filesystem on preview 1. A descriptor is a preview 1 file descriptor, or the root of all paths (`paths.h`).
#include "interfaces.h"
#include "paths.h"
#include "replacements.h"

// The error codes of wasi:filesystem, one up, by preview 1 errno. An errno without a counterpart is `io`.
enum {
  no_counterpart, access, would_block, already, bad_descriptor, busy, deadlock, quota, exist, file_too_large, illegal_byte_sequence,
  in_progress, interrupted, invalid, io, is_directory, loop, too_many_links, message_size, name_too_long, no_device,
  no_entry, no_lock, insufficient_memory, insufficient_space, not_directory, not_empty, not_recoverable, unsupported,
  no_tty, no_such_device, overflow, not_permitted, pipe, read_only, invalid_seek, text_file_busy, cross_device
};
static const u8 codes[] = {
  [2] = access, [6] = would_block, [7] = already, [8] = bad_descriptor, [10] = busy, [16] = deadlock, [19] = quota,
  [20] = exist, [22] = file_too_large, [25] = illegal_byte_sequence, [26] = in_progress, [27] = interrupted,
  [28] = invalid, [29] = io, [31] = is_directory, [32] = loop, [34] = too_many_links, [35] = message_size,
  [37] = name_too_long, [43] = no_device, [44] = no_entry, [46] = no_lock, [48] = insufficient_memory,
  [51] = insufficient_space, [52] = unsupported, [54] = not_directory, [55] = not_empty, [56] = not_recoverable,
  [58] = unsupported, [59] = no_tty, [60] = no_such_device, [61] = overflow, [63] = not_permitted, [64] = pipe,
  [69] = read_only, [70] = invalid_seek, [74] = text_file_busy, [75] = cross_device, [76] = not_permitted,
};

static u8 code_of(p1_errno error) { return (error < sizeof codes && codes[error] ? codes[error] : io) - 1; }

// Writes the failure of a result whose value is aligned to `offset` bytes, if there is one.
static int failed(p1_errno error, u8 *result, u32 offset) {
  result[0] = error != 0;
  if (error) result[offset] = code_of(error);
  note_error(error);
  return error != 0;
}

#define METHOD(name) INTERFACE("filesystem/types#[method]descriptor." name)

// ---- preopens

typedef struct { u32 fd; u8 *name; u32 size; } directory;

INTERFACE("filesystem/preopens#get-directories") void get_directories(list *result) {
  directory *root = must_allocate(sizeof *root);
  *root = (directory){ROOT, must_allocate(1), 1};
  root->name[0] = '/';
  *result = (list){root, 1};
}

INTERFACE("filesystem/types#[resource-drop]descriptor") void drop_descriptor(u32 fd) {
  if (fd != ROOT) p1_fd_close(fd);
}

// ---- open files

static void give_stream(u32 fd, u64 offset, int kind, u8 *result) {
  result[0] = 0;
  U32_AT(result, 4) = (u32)stream_on(fd, offset, kind);
}

METHOD("read-via-stream") void read_via_stream(u32 fd, u64 offset, u8 *result) {
  give_stream(fd, offset, POSITIONED, result);
}
METHOD("write-via-stream") void write_via_stream(u32 fd, u64 offset, u8 *result) {
  give_stream(fd, offset, POSITIONED, result);
}
METHOD("append-via-stream") void append_via_stream(u32 fd, u8 *result) { give_stream(fd, 0, APPENDING, result); }

// Never fails: where it does, libc goes on with bytes that it was not given. `pread` looks at what is noted.
METHOD("read") void descriptor_read(u32 fd, u64 size, u64 offset, u8 *result) {
  u32 wanted = size > CHUNK ? CHUNK : (u32)size, got = 0;
  void *bytes = must_allocate(wanted);
  p1_vector into = {bytes, wanted};
  note_error(p1_fd_pread(fd, &into, 1, offset, &got));
  result[0] = 0;
  U32_AT(result, 4) = (u32)bytes;
  U32_AT(result, 8) = got;
  result[12] = !got && wanted;  // the end was reached
}

METHOD("write") void descriptor_write(u32 fd, const u8 *bytes, u32 size, u64 offset, u8 *result) {
  u32 written = 0;
  p1_vector from = {bytes, size};
  if (failed(p1_fd_pwrite(fd, &from, 1, offset, &written), result, 8)) return;
  U64_AT(result, 8) = written;
}

METHOD("advise") void advise(u32 fd, u64 offset, u64 size, u32 advice, u8 *result) {
  (void)fd, (void)offset, (void)size, (void)advice;
  result[0] = 0;
}
METHOD("sync-data") void sync_data(u32 fd, u8 *result) { failed(p1_fd_datasync(fd), result, 1); }
METHOD("sync") void sync(u32 fd, u8 *result) { failed(p1_fd_sync(fd), result, 1); }
METHOD("set-size") void set_size(u32 fd, u64 size, u8 *result) {
  failed(p1_fd_filestat_set_size(fd, size), result, 1);
}

enum { FLAG_READ = 1, FLAG_WRITE = 2, FLAG_MUTATE_DIRECTORY = 32 };

static u8 may_open_last_look(void);

METHOD("get-flags") void get_flags(u32 fd, u8 *result) {
  if (fd == ROOT) {  // `access` looks at a path and then asks what may be done below the root
    result[0] = 0;
    result[1] = may_open_last_look();
    return;
  }
  p1_descriptor stat;
  if (failed(p1_fd_fdstat_get(fd, &stat), result, 1)) return;
  u8 flags = (stat.rights & P1_RIGHT_READ ? FLAG_READ : 0) | (stat.rights & P1_RIGHT_WRITE ? FLAG_WRITE : 0);
  if (stat.type == P1_DIRECTORY) flags |= FLAG_READ | FLAG_MUTATE_DIRECTORY;
  result[1] = flags & (FLAG_READ | FLAG_WRITE) ? flags : FLAG_READ | FLAG_WRITE;  // some hosts tell no rights
}

// ---- what a file is

static u8 type_of(u8 p1_type) {
  static const u8 types[] = {0, 1, 2, 3, 6, 7, 7, 5};  // unknown, devices, directory, file, sockets, symbolic link
  return p1_type < sizeof types ? types[p1_type] : 0;
}

enum { SECOND = 1000000000 };

// A time before 1970, which hosts write in two's complement, is added to what libc makes of the others.
static void write_time(u8 *to, u64 nanoseconds) {
  if ((i64)nanoseconds < 0) nanoseconds = 0;
  to[0] = 1;
  U64_AT(to, 8) = nanoseconds / SECOND;
  U32_AT(to, 16) = (u32)(nanoseconds % SECOND);
}

static void write_stat(p1_errno error, const p1_stat *stat, u8 *result) {
  if (failed(error, result, 8)) return;
  note_status(stat);
  result[8] = type_of(stat->type);
  U64_AT(result, 16) = stat->links;
  U64_AT(result, 24) = stat->size;
  write_time(result + 32, stat->accessed);
  write_time(result + 56, stat->modified);
  write_time(result + 80, stat->changed);
}

METHOD("stat") void descriptor_stat(u32 fd, u8 *result) {
  p1_stat stat = {};
  write_stat(p1_fd_filestat_get(fd, &stat), &stat, result);
}

static p1_stat stat_of_name(u8 type, const u8 *path, u32 size) {
  p1_stat stat = {.type = type, .links = 1};
  for (u32 i = 0; i < size; i++) stat.inode = stat.inode * 31 + path[i];
  return stat;
}

// What is at a path; of a directory that only leads to one of the host's, that it is a directory.
static p1_errno look_at(u32 fd, u32 lookup, const u8 *path, u32 size, p1_stat *stat) {
  place at;
  find(fd, path, size, &at);
  if (at.where == ABOVE || is_any_directory()) {
    *stat = stat_of_name(P1_DIRECTORY, path, size);
    return 0;
  }
  p1_errno error = AT(at, p1_path_filestat_get(at.fd, lookup & 1, at.path, at.size, stat));
  return noted(error, READING, fd, path, size);
}

static u8 last_look[LONGEST_PATH];
static u32 last_look_size;
static u8 last_look_type;

METHOD("stat-at") void stat_at(u32 fd, u32 lookup, const u8 *path, u32 size, u8 *result) {
  p1_stat stat = {};
  p1_errno error = look_at(fd, lookup, path, size, &stat);
  last_look_size = fd == ROOT && !error && size <= LONGEST_PATH ? size : 0;
  last_look_type = stat.type;
  memcpy(last_look, path, last_look_size);
  write_stat(error, &stat, result);
}

// The name that was listed last, and the inode number that was listed with it.
static struct { u32 fd, size; const u8 *name; u64 inode; } last_listed;

// libc makes inode numbers of it. Those of what it looks at are put in their place later (`replacements.c`); of those
// that it lists it asks one by one, and they are known.
static void write_hash(u64 inode, u8 *result) {
  result[0] = 0;
  U64_AT(result, 8) = inode;
  U64_AT(result, 16) = 0;
}

METHOD("metadata-hash") void metadata_hash(u32 fd, u8 *result) {
  (void)fd;
  write_hash(0, result);
}
METHOD("metadata-hash-at") void metadata_hash_at(u32 fd, u32 lookup, const u8 *path, u32 size, u8 *result) {
  (void)lookup;
  int is_listed = fd == last_listed.fd && size == last_listed.size && !__builtin_memcmp(path, last_listed.name, size);
  write_hash(is_listed ? last_listed.inode : 0, result);
}

enum { KEEP_TIME, SET_NOW, SET_TIME };
static const i64 LAST_SECOND = (i64)(~0ull >> 1) / SECOND;
enum { P1_SET_ACCESSED = 1, P1_SET_ACCESSED_NOW = 2, P1_SET_MODIFIED = 4, P1_SET_MODIFIED_NOW = 8 };

typedef struct { u32 kind; u64 seconds; u32 nanoseconds; } new_time;

// Writes the time in nanoseconds, before 1970 in two's complement.
static p1_errno timestamp(new_time from, u64 *to) {
  *to = 0;
  if (from.kind != SET_TIME) return 0;
  i64 seconds = (i64)from.seconds;
  if (seconds < BEFORE_1970 && seconds > BEFORE_1970 - LAST_SECOND) seconds -= BEFORE_1970;
  if (seconds >= LAST_SECOND || seconds <= -LAST_SECOND) return P1_OVERFLOW;
  *to = (u64)(seconds * SECOND + from.nanoseconds);
  return 0;
}

typedef struct { u64 accessed, modified; u16 which; } new_times;

static p1_errno times_of(new_time accessed, new_time modified, new_times *to) {
  static const u16 of_access[] = {0, P1_SET_ACCESSED_NOW, P1_SET_ACCESSED};
  static const u16 of_change[] = {0, P1_SET_MODIFIED_NOW, P1_SET_MODIFIED};
  to->which = of_access[accessed.kind] | of_change[modified.kind];
  p1_errno error = timestamp(accessed, &to->accessed);
  return error ? error : timestamp(modified, &to->modified);
}

METHOD("set-times") void set_times(u32 fd, u32 a_kind, u64 a_seconds, u32 a_nanoseconds, u32 m_kind, u64 m_seconds,
                                   u32 m_nanoseconds, u8 *result) {
  new_times to;
  new_time accessed = {a_kind, a_seconds, a_nanoseconds}, modified = {m_kind, m_seconds, m_nanoseconds};
  p1_errno error = times_of(accessed, modified, &to);
  failed(error ? error : p1_fd_filestat_set_times(fd, to.accessed, to.modified, to.which), result, 1);
}
METHOD("set-times-at") void set_times_at(u32 fd, u32 lookup, const u8 *path, u32 size, u32 a_kind, u64 a_seconds,
                                         u32 a_nanoseconds, u32 m_kind, u64 m_seconds, u32 m_nanoseconds,
                                         u8 *result) {
  new_times to;
  place at;
  find(fd, path, size, &at);
  new_time accessed = {a_kind, a_seconds, a_nanoseconds}, modified = {m_kind, m_seconds, m_nanoseconds};
  p1_errno error = times_of(accessed, modified, &to);
  if (!error)
    error = AT(at, p1_path_filestat_set_times(at.fd, lookup & 1, at.path, at.size, to.accessed, to.modified, to.which));
  failed(noted(error, lookup & 1 ? WRITING : CHANGING, fd, path, size), result, 1);
}

// ---- paths

// Changes what is at one path by a function of preview 1 that takes no more than that.
static void change(p1_errno (*function)(u32, const u8 *, u32), u32 fd, const u8 *path, u32 size, u8 *result) {
  place at;
  find(fd, path, size, &at);
  failed(noted(AT(at, function(at.fd, at.path, at.size)), CHANGING, fd, path, size), result, 1);
}

METHOD("create-directory-at") void create_directory_at(u32 fd, const u8 *path, u32 size, u8 *result) {
  change(p1_path_create_directory, fd, path, size, result);
}
METHOD("remove-directory-at") void remove_directory_at(u32 fd, const u8 *path, u32 size, u8 *result) {
  change(p1_path_remove_directory, fd, path, size, result);
}
METHOD("unlink-file-at") void unlink_file_at(u32 fd, const u8 *path, u32 size, u8 *result) {
  change(p1_path_unlink_file, fd, path, size, result);
}

METHOD("rename-at") void rename_at(u32 fd, const u8 *from, u32 from_size, u32 to_fd, const u8 *to, u32 to_size,
                                   u8 *result) {
  place old, new;
  find(fd, from, from_size, &old);
  find(to_fd, to, to_size, &new);
  p1_errno error = AT(old, AT(new, p1_path_rename(old.fd, old.path, old.size, new.fd, new.path, new.size)));
  noted(error, CHANGING, fd, from, from_size);
  failed(noted(error, CHANGING, to_fd, to, to_size), result, 1);
}
METHOD("symlink-at") void symlink_at(u32 fd, const u8 *target, u32 target_size, const u8 *path, u32 size, u8 *result) {
  place at;
  find(fd, path, size, &at);
  p1_errno error = AT(at, p1_path_symlink(target, target_size, at.fd, at.path, at.size));
  failed(noted(error, CHANGING, fd, path, size), result, 1);
}
METHOD("link-at") void link_at(u32 fd, u32 lookup, const u8 *from, u32 from_size, u32 to_fd, const u8 *to,
                               u32 to_size, u8 *result) {
  place old, new;
  find(fd, from, from_size, &old);
  find(to_fd, to, to_size, &new);
  p1_errno error = AT(old, AT(new, p1_path_link(old.fd, lookup & 1, old.path, old.size, new.fd, new.path, new.size)));
  noted(error, CHANGING, fd, from, from_size);
  failed(noted(error, CHANGING, to_fd, to, to_size), result, 1);
}

enum { LONGEST_LINK = 4096 };

METHOD("readlink-at") void readlink_at(u32 fd, const u8 *path, u32 size, u8 *result) {
  u32 used = 0;
  u8 *target = must_allocate(LONGEST_LINK);
  place at;
  find(fd, path, size, &at);
  p1_errno error = at.where == ABOVE ? P1_INVALID  // it is a directory
                                     : AT(at, p1_path_readlink(at.fd, at.path, at.size, target, LONGEST_LINK, &used));
  if (failed(noted(error, READING, fd, path, size), result, 4)) {
    free(target);
    return;
  }
  U32_AT(result, 4) = (u32)target;
  U32_AT(result, 8) = used;
}

// Preview 1 rights: bit n is the n-th function that its documentation lists.
#define RIGHT(n) (1ull << (n))
enum { OPEN_DIRECTORY = 2, FLAG_FILE_SYNC = 4, FLAG_DATA_SYNC = 8, FLAG_READ_SYNC = 16 };
enum { P1_DATA_SYNC = 2, P1_READ_SYNC = 8, P1_SYNC = 16 };
static const u64 READ_RIGHTS = RIGHT(1) | RIGHT(2) | RIGHT(5) | RIGHT(7) | RIGHT(13) | RIGHT(14) | RIGHT(15) |
                               RIGHT(18) | RIGHT(21) | RIGHT(27);
static const u64 WRITE_RIGHTS = RIGHT(0) | RIGHT(2) | RIGHT(4) | RIGHT(5) | RIGHT(6) | RIGHT(7) | RIGHT(8) |
                                RIGHT(21) | RIGHT(22) | RIGHT(23);
static const u64 MUTATE_RIGHTS = RIGHT(9) | RIGHT(10) | RIGHT(16) | RIGHT(17) | RIGHT(24) | RIGHT(25) | RIGHT(26);
static const u64 ALL_RIGHTS = RIGHT(29) - 1;

static u64 rights_for(u32 open, u32 flags) {
  if (open & OPEN_DIRECTORY) return READ_RIGHTS | (flags & FLAG_MUTATE_DIRECTORY ? MUTATE_RIGHTS : 0);
  u64 rights = (flags & FLAG_READ ? READ_RIGHTS : 0) | (flags & FLAG_WRITE ? WRITE_RIGHTS : 0);
  return rights ? rights : READ_RIGHTS;
}

METHOD("open-at") void open_at(u32 fd, u32 lookup, const u8 *path, u32 size, u32 open, u32 flags, u8 *result) {
  u16 p1_flags = (flags & FLAG_FILE_SYNC ? P1_SYNC : 0) | (flags & FLAG_DATA_SYNC ? P1_DATA_SYNC : 0) |
                 (flags & FLAG_READ_SYNC ? P1_READ_SYNC : 0);
  u32 opened = 0;
  purpose why = open & ~OPEN_DIRECTORY || flags & (FLAG_WRITE | FLAG_MUTATE_DIRECTORY) ? WRITING : READING;
  place at;
  find(fd, path, size, &at);
  p1_errno error = AT(at, p1_path_open(at.fd, lookup & 1, at.path, at.size, (u16)open, rights_for(open, flags),
                                       ALL_RIGHTS, p1_flags, &opened));
  if (failed(noted(error, why, fd, path, size), result, 4)) return;
  U32_AT(result, 4) = opened;
}

static p1_errno try_to_open(u32 open, u32 flags) {
  u32 opened = 0;
  place at;
  find(ROOT, last_look, last_look_size, &at);
  p1_errno error =
      AT(at, p1_path_open(at.fd, 1, at.path, at.size, (u16)open, rights_for(open, flags), ALL_RIGHTS, 0, &opened));
  if (!error) p1_fd_close(opened);
  return error;
}

// What may be done with the file that was looked at last: preview 1 has no other way to ask than to open it.
static u8 may_open_last_look(void) {
  if (!last_look_size || (last_look_type != P1_DIRECTORY && last_look_type != P1_REGULAR_FILE)) return 0;
  u32 open = last_look_type == P1_DIRECTORY ? OPEN_DIRECTORY : 0;
  u8 flags = noted(try_to_open(open, FLAG_READ), READING, ROOT, last_look, last_look_size) ? 0 : FLAG_READ;
  if (!open && !try_to_open(0, FLAG_WRITE)) flags |= FLAG_WRITE | FLAG_MUTATE_DIRECTORY;
  return flags;
}

// ---- directories

typedef struct {
  u32 fd, at, end, room;
  u64 cookie, device;
  u8 *buffer;
  int last;  // the host has told the last entry
} listing;

enum { LISTING_ROOM = 4096, ENTRY_HEAD = 24 };

METHOD("read-directory") void read_directory(u32 fd, u8 *result) {
  listing *made = must_allocate(sizeof *made);
  p1_stat stat = {};
  p1_fd_filestat_get(fd, &stat);
  *made = (listing){.fd = fd, .device = stat.device, .room = LISTING_ROOM, .buffer = must_allocate(LISTING_ROOM)};
  result[0] = 0;
  U32_AT(result, 4) = (u32)made;
}

INTERFACE("filesystem/types#[resource-drop]directory-entry-stream") void drop_listing(listing *each) {
  last_listed.fd = 0;
  free(each->buffer);
  free(each);
}

static int is_dot(const u8 *name, u32 size) {
  return (size == 1 && name[0] == '.') || (size == 2 && name[0] == '.' && name[1] == '.');
}

// Gives the next whole entry in the buffer, or NULL.
static const p1_entry *next_entry(listing *from) {
  u32 left = from->end - from->at;
  const p1_entry *entry = (const p1_entry *)(from->buffer + from->at);
  if (left < ENTRY_HEAD || left - ENTRY_HEAD < entry->name_size) return NULL;
  from->at += ENTRY_HEAD + entry->name_size;
  from->cookie = entry->next;
  return entry;
}

static p1_errno fill(listing *into) {
  if (into->at < into->end && into->at == 0) {  // one entry is larger than the buffer
    free(into->buffer);
    into->room *= 2;
    into->buffer = must_allocate(into->room);
  }
  u32 used = 0;
  p1_errno error = p1_fd_readdir(into->fd, into->buffer, into->room, into->cookie, &used);
  into->at = 0;
  into->end = error ? 0 : used;
  into->last = used < into->room;
  return error;
}

INTERFACE("filesystem/types#[method]directory-entry-stream.read-directory-entry")
void read_directory_entry(listing *from, u8 *result) {
  for (;;) {
    const p1_entry *entry = next_entry(from);
    if (!entry) {
      if (from->last) {
        result[0] = result[4] = 0;  // success, none
        return;
      }
      if (failed(fill(from), result, 4)) return;
      continue;
    }
    p1_entry head;
    memcpy(&head, entry, ENTRY_HEAD);
    const u8 *name = (const u8 *)entry + ENTRY_HEAD;
    if (is_dot(name, head.name_size)) continue;
    u8 *copy = must_allocate(head.name_size);
    memcpy(copy, name, head.name_size);
    last_listed.fd = from->fd, last_listed.size = head.name_size, last_listed.name = name;
    last_listed.inode = inode_number(&(p1_stat){.device = from->device, .inode = head.inode});
    result[0] = 0;
    result[4] = 1;
    result[8] = type_of(head.type);
    U32_AT(result, 12) = (u32)copy;
    U32_AT(result, 16) = head.name_size;
    return;
  }
}
