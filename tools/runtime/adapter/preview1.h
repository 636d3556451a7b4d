// WASI preview 1, the interface that every Reglet host has.
#pragma once
#include "base.h"

#define P1(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))

typedef u16 p1_errno;
typedef struct { const void *data; u32 size; } p1_vector;
typedef struct { u64 device, inode; u8 type, is_pipe; u64 links, size, accessed, modified, changed; } p1_stat;
typedef struct { u8 type; u16 flags; u64 rights, inheriting; } p1_descriptor;
typedef struct { u8 kind; u32 name_size; } p1_preopen;
typedef struct { u64 next, inode; u32 name_size; u8 type; } p1_entry;

enum {
  P1_INVALID = 28, P1_IO = 29, P1_NO_ENTRY = 44, P1_NO_SUCH_CALL = 52, P1_OVERFLOW = 61, P1_NOT_PERMITTED = 63,
  P1_READ_ONLY = 69, P1_NOT_CAPABLE = 76
};
enum { P1_CHARACTER_DEVICE = 2, P1_DIRECTORY = 3, P1_REGULAR_FILE = 4 };
enum { P1_CLOCK_REALTIME = 0, P1_CLOCK_MONOTONIC = 1 };
enum { P1_RIGHT_READ = 1 << 1, P1_RIGHT_WRITE = 1 << 6 };

P1(args_sizes_get) p1_errno p1_args_sizes_get(u32 *count, u32 *size);
P1(args_get) p1_errno p1_args_get(u8 **list, u8 *text);
P1(environ_sizes_get) p1_errno p1_environ_sizes_get(u32 *count, u32 *size);
P1(environ_get) p1_errno p1_environ_get(u8 **list, u8 *text);
P1(clock_time_get) p1_errno p1_clock_time_get(u32 clock, u64 precision, u64 *time);
P1(clock_res_get) p1_errno p1_clock_res_get(u32 clock, u64 *resolution);
P1(random_get) p1_errno p1_random_get(void *bytes, u32 size);
P1(proc_exit) _Noreturn void p1_proc_exit(u32 status);
P1(poll_oneoff) p1_errno p1_poll_oneoff(const void *subscriptions, void *events, u32 count, u32 *happened);
P1(fd_write) p1_errno p1_fd_write(u32 fd, const p1_vector *from, u32 count, u32 *written);
P1(fd_read) p1_errno p1_fd_read(u32 fd, const p1_vector *into, u32 count, u32 *read);
P1(fd_pread) p1_errno p1_fd_pread(u32 fd, const p1_vector *into, u32 count, u64 offset, u32 *read);
P1(fd_pwrite) p1_errno p1_fd_pwrite(u32 fd, const p1_vector *from, u32 count, u64 offset, u32 *written);
P1(fd_close) p1_errno p1_fd_close(u32 fd);
P1(fd_sync) p1_errno p1_fd_sync(u32 fd);
P1(fd_datasync) p1_errno p1_fd_datasync(u32 fd);
P1(fd_fdstat_get) p1_errno p1_fd_fdstat_get(u32 fd, p1_descriptor *stat);
P1(fd_filestat_get) p1_errno p1_fd_filestat_get(u32 fd, p1_stat *stat);
P1(fd_filestat_set_size) p1_errno p1_fd_filestat_set_size(u32 fd, u64 size);
P1(fd_filestat_set_times) p1_errno p1_fd_filestat_set_times(u32 fd, u64 accessed, u64 modified, u16 which);
P1(fd_readdir) p1_errno p1_fd_readdir(u32 fd, void *into, u32 size, u64 cookie, u32 *used);
P1(fd_prestat_get) p1_errno p1_fd_prestat_get(u32 fd, p1_preopen *preopen);
P1(fd_prestat_dir_name) p1_errno p1_fd_prestat_dir_name(u32 fd, u8 *name, u32 size);
P1(path_open) p1_errno p1_path_open(u32 fd, u32 lookup, const u8 *path, u32 size, u16 open, u64 rights,
                                    u64 inheriting, u16 flags, u32 *opened);
P1(path_filestat_get) p1_errno p1_path_filestat_get(u32 fd, u32 lookup, const u8 *path, u32 size, p1_stat *stat);
P1(path_filestat_set_times) p1_errno p1_path_filestat_set_times(u32 fd, u32 lookup, const u8 *path, u32 size,
                                                                u64 accessed, u64 modified, u16 which);
P1(path_create_directory) p1_errno p1_path_create_directory(u32 fd, const u8 *path, u32 size);
P1(path_remove_directory) p1_errno p1_path_remove_directory(u32 fd, const u8 *path, u32 size);
P1(path_unlink_file) p1_errno p1_path_unlink_file(u32 fd, const u8 *path, u32 size);
P1(path_rename) p1_errno p1_path_rename(u32 fd, const u8 *from, u32 from_size, u32 to_fd, const u8 *to, u32 to_size);
P1(path_symlink) p1_errno p1_path_symlink(const u8 *target, u32 target_size, u32 fd, const u8 *path, u32 size);
P1(path_link) p1_errno p1_path_link(u32 fd, u32 lookup, const u8 *from, u32 from_size, u32 to_fd, const u8 *to,
                                    u32 to_size);
P1(path_readlink) p1_errno p1_path_readlink(u32 fd, const u8 *path, u32 size, u8 *into, u32 room, u32 *used);
