// wasi:cli: arguments, environment, exit and the standard streams.
#include "interfaces.h"

typedef struct { u8 *text; u32 size; } string;
typedef struct { string name, value; } variable;

static string copy(const u8 *text, u32 size) {
  string made = {must_allocate(size), size};
  memcpy(made.text, text, size);
  return made;
}

static int read_strings(p1_errno (*sizes)(u32 *, u32 *), p1_errno (*get)(u8 **, u8 *), u8 ***strings, u32 *count) {
  u32 size = 0;
  *count = 0;
  if (sizes(count, &size) || !*count) return 0;
  u32 index_size = *count * sizeof(u8 *);
  *strings = must_allocate(index_size + size);
  return get(*strings, (u8 *)*strings + index_size) == 0;
}

static variable split(const u8 *text) {
  u32 size = strlen((const char *)text), name = 0;
  while (name < size && text[name] != '=') name++;
  u32 value = name < size ? name + 1 : size;
  return (variable){copy(text, name), copy(text + value, size - value)};
}

INTERFACE("cli/environment#get-environment") void get_environment(list *result) {
  u8 **strings = NULL;
  u32 count;
  *result = (list){must_allocate(0), 0};
  if (read_strings(p1_environ_sizes_get, p1_environ_get, &strings, &count)) {
    free(result->items);
    variable *variables = result->items = must_allocate(count * sizeof *variables);
    for (u32 i = 0; i < count; i++) variables[i] = split(strings[i]);
    result->count = count;
  }
  free(strings);
}

INTERFACE("cli/environment#get-arguments") void get_arguments(list *result) {
  u8 **strings = NULL;
  u32 count;
  *result = (list){must_allocate(0), 0};
  if (read_strings(p1_args_sizes_get, p1_args_get, &strings, &count)) {
    free(result->items);
    string *arguments = result->items = must_allocate(count * sizeof *arguments);
    for (u32 i = 0; i < count; i++) arguments[i] = copy(strings[i], strlen((const char *)strings[i]));
    result->count = count;
  }
  free(strings);
}

INTERFACE("cli/exit#exit") void cli_exit(u32 failed) { p1_proc_exit(failed ? 1 : 0); }

INTERFACE("cli/stdin#get-stdin") void *get_stdin(void) { return stream_on(0, 0, SEQUENTIAL); }
INTERFACE("cli/stdout#get-stdout") void *get_stdout(void) { return stream_on(1, 0, SEQUENTIAL); }
INTERFACE("cli/stderr#get-stderr") void *get_stderr(void) { return stream_on(2, 0, SEQUENTIAL); }

// No stream is a terminal: each of these answers `none`.
INTERFACE("cli/terminal-stdin#get-terminal-stdin") void terminal_stdin(u8 *result) { *result = 0; }
INTERFACE("cli/terminal-stdout#get-terminal-stdout") void terminal_stdout(u8 *result) { *result = 0; }
INTERFACE("cli/terminal-stderr#get-terminal-stderr") void terminal_stderr(u8 *result) { *result = 0; }
INTERFACE("cli/terminal-input#[resource-drop]terminal-input") void drop_input(u32 terminal) { (void)terminal; }
INTERFACE("cli/terminal-output#[resource-drop]terminal-output") void drop_output(u32 terminal) { (void)terminal; }
