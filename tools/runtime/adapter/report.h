// A Result that says why the plugin could not answer, written without Python's help.
#pragma once
#include "buffers.h"

typedef struct { const char *code, *message; } report;

report memory_limit(void);

void report_exception(report *problem);  // takes the exception that was raised
packed write_report(const char *entry, const report *problem);
