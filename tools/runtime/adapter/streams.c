// wasi:io/streams on preview 1 descriptors.
#include "interfaces.h"
#include "replacements.h"

typedef struct {
  u32 fd;
  int kind;
  u64 offset;
} stream;

enum { LAST_OPERATION_FAILED = 0, CLOSED = 1 };

// libc asks no I/O error for its details: `read` and `write` take the errno that is noted here.
enum { SOME_ERROR = 1 };

void *stream_on(u32 fd, u64 offset, int kind) {
  stream *made = must_allocate(sizeof *made);
  *made = (stream){.fd = fd, .kind = kind, .offset = offset};
  return made;
}

static void fail(u8 *result, p1_errno error) {
  note_error(error);
  result[0] = 1;
  result[4] = error ? LAST_OPERATION_FAILED : CLOSED;
  U32_AT(result, 8) = SOME_ERROR;
}

INTERFACE("io/error#[resource-drop]error") void drop_error(u32 error) { (void)error; }
INTERFACE("io/streams#[resource-drop]input-stream") void drop_input_stream(stream *each) { free(each); }
INTERFACE("io/streams#[resource-drop]output-stream") void drop_output_stream(stream *each) { free(each); }
INTERFACE("io/streams#[method]input-stream.subscribe") void *input_subscribe(stream *each) {
  (void)each;
  return pollable(0);
}
INTERFACE("io/streams#[method]output-stream.subscribe") void *output_subscribe(stream *each) {
  (void)each;
  return pollable(0);
}

INTERFACE("io/streams#[method]input-stream.read") void input_read(stream *from, u64 size, u8 *result) {
  u32 wanted = size > CHUNK ? CHUNK : (u32)size, got = 0;
  void *bytes = must_allocate(wanted);
  p1_vector into = {bytes, wanted};
  p1_errno error = from->kind == SEQUENTIAL ? p1_fd_read(from->fd, &into, 1, &got)
                                            : p1_fd_pread(from->fd, &into, 1, from->offset, &got);
  if (error || (!got && wanted)) {
    free(bytes);
    fail(result, error);
    return;
  }
  from->offset += got;
  result[0] = 0;
  U32_AT(result, 4) = (u32)bytes;
  U32_AT(result, 8) = got;
}

INTERFACE("io/streams#[method]output-stream.check-write") void check_write(stream *to, u8 *result) {
  (void)to;
  result[0] = 0;
  U64_AT(result, 8) = CHUNK;
}

INTERFACE("io/streams#[method]output-stream.write") void output_write(stream *to, const u8 *bytes, u32 size,
                                                                     u8 *result) {
  p1_stat stat;
  if (to->kind == APPENDING && !p1_fd_filestat_get(to->fd, &stat)) to->offset = stat.size;
  while (size) {
    u32 written = 0;
    p1_vector from = {bytes, size};
    p1_errno error = to->kind == SEQUENTIAL ? p1_fd_write(to->fd, &from, 1, &written)
                                            : p1_fd_pwrite(to->fd, &from, 1, to->offset, &written);
    if (error || !written) {
      fail(result, error);
      return;
    }
    bytes += written;
    size -= written;
    to->offset += written;
  }
  result[0] = 0;
}

INTERFACE("io/streams#[method]output-stream.blocking-flush") void blocking_flush(stream *to, u8 *result) {
  (void)to;
  result[0] = 0;
}
