// Where a path of the guest is among the host's directories, and which looks were refused.
//
// libc is given one preopen, `/`, so that every path comes here with its whole name: also one that lies in none of
// the host's directories, of which libc itself would say only that it does not exist.
#pragma once
#include "cpython.h"
#include "preview1.h"

enum { ROOT = 0x7FFFFFF0 };  // libc's one preopen; no host counts that far
enum { LONGEST_PATH = 4096 };

typedef enum { INSIDE, ABOVE, OF_THE_BUILD, OUTSIDE } whereabouts;
// `CHANGING` is of the name itself: a link that is there is not followed.
typedef enum { READING, CHANGING, WRITING } purpose;

// Where preview 1 finds a path. `ABOVE` is a directory that leads to one of the host's, and no more is known of it;
// `OF_THE_BUILD` was there while the plugin was built; with both, and `OUTSIDE`, there is nothing to ask the host for.
typedef struct {
  whereabouts where;
  u32 fd, size;
  const u8 *path;
  u8 collapsed[LONGEST_PATH];
} place;

void find(u32 fd, const u8 *path, u32 size, place *found);

// Keeps what was asked for if `error` says that no grant covers it; returns `error`.
p1_errno noted(p1_errno error, purpose why, u32 fd, const u8 *path, u32 size);

// What a call with a path gives: what the host says if the path is inside of one of its directories.
#define AT(found, call) ((found).where == INSIDE ? (call) : (found).where == OF_THE_BUILD ? P1_NO_ENTRY : P1_NOT_CAPABLE)

int is_any_directory(void);  // whether each path counts as a directory, for the moment
void forget_paths(void);     // what a build has learned of the host

// Methods of `_reglet`.
object *python_refusals(object *self, object *nothing);
object *python_note_unset(object *self, object *variable);
object *python_preopens(object *self, object *nothing);
object *python_start_in(object *self, object *path);
