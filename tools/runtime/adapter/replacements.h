// What is known here and WASI 0.2 has no words for; libc's functions have it added to what they give.
#pragma once
#include "preview1.h"

// What a call failed with: WASI 0.2 says of a stream only that it failed, and has fewer errors of files.
void note_error(p1_errno error);

// What is at the path that is looked at: it may be a pipe, its times before 1970, and it has an inode number.
void note_status(const p1_stat *from);
u64 inode_number(const p1_stat *from);

// What is added to seconds before 1970, which libc takes for no time, on their way through it.
#define BEFORE_1970 (1ll << 62)
