// What is known here and WASI 0.2 has no words for; libc's functions have it added to what they give.
#pragma once
#include "preview1.h"

// What a stream's failure was, not only that there was one.
void note_stream_error(p1_errno error);

// What is at the path that is looked at: its type may be a pipe's, its times before 1970.
void note_status(const p1_stat *from);

// What is added to seconds before 1970, which libc takes for no time, on their way through it.
#define BEFORE_1970 (1ll << 62)
