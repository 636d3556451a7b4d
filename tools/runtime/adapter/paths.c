#include "paths.h"

typedef struct { const u8 *at; u32 size; } span;
typedef struct { u32 fd; span name; } preopen;

enum { FIRST_PREOPEN = 3 };
static preopen *preopens;
static u32 preopen_count;
static int loaded;

static void load_preopens(void) {
  if (loaded) return;
  loaded = 1;
  p1_preopen each;
  while (p1_fd_prestat_get(FIRST_PREOPEN + preopen_count, &each) == 0) preopen_count++;
  preopens = must_allocate(preopen_count * sizeof *preopens);
  for (u32 i = 0; i < preopen_count; i++) {
    u32 fd = FIRST_PREOPEN + i;
    p1_fd_prestat_get(fd, &each);
    u8 *name = must_allocate(each.name_size);
    p1_fd_prestat_dir_name(fd, name, each.name_size);
    while (each.name_size && !name[each.name_size - 1]) each.name_size--;
    preopens[i] = (preopen){fd, {name, each.name_size}};
  }
}

// ---- names of a path

static int is(span name, const char *text) {
  return name.size == strlen(text) && !__builtin_memcmp(name.at, text, name.size);
}

static span rest_of(span path, u32 from) { return (span){path.at + from, path.size - from}; }

static span without_slashes(span path) {
  while (path.size && *path.at == '/') path = rest_of(path, 1);
  return path;
}

// Takes the next name from a path, an empty one at its end. A "." names nothing.
static span take_name(span *path) {
  for (;;) {
    *path = without_slashes(*path);
    span name = {path->at, 0};
    while (name.size < path->size && path->at[name.size] != '/') name.size++;
    *path = rest_of(*path, name.size);
    if (!is(name, ".")) return name;
  }
}

static int is_same(span one, span other) {
  return one.size == other.size && !__builtin_memcmp(one.at, other.at, one.size);
}

// Whether a path is a directory or below it; what is below then remains of it.
static int enter(span directory, span *path) {
  for (span rest = *path;;) {
    span wanted = take_name(&directory);
    if (!wanted.size) {
      *path = rest;
      return 1;
    }
    if (!is_same(wanted, take_name(&rest))) return 0;
  }
}

static int climbs_out(span path) {
  for (i32 depth = 0;;) {
    span name = take_name(&path);
    if (!name.size) return 0;
    depth += is(name, "..") ? -1 : 1;
    if (depth < 0) return 1;
  }
}

static int has_dots(span path) {
  for (;;) {
    span name = take_name(&path);
    if (!name.size) return 0;
    if (is(name, "..")) return 1;
  }
}

// Writes a path without "..", as Go cleans it; the result is not longer.
static span collapse(span path, u8 *to) {
  int ends_in_slash = path.size && path.at[path.size - 1] == '/';
  u32 size = 0;
  for (;;) {
    span name = take_name(&path);
    if (!name.size) break;
    if (is(name, "..")) {
      while (size && to[--size] != '/');
    } else {
      if (size) to[size++] = '/';
      memcpy(to + size, name.at, name.size);
      size += name.size;
    }
  }
  if (ends_in_slash && size) to[size++] = '/';
  return (span){to, size};
}

// ---- where it is

// Go's rule: the preopen with the longest name that the path begins with.
static int find_inside(span path, place *found) {
  u32 longest = 0;
  int is_found = 0;
  for (u32 i = 0; i < preopen_count; i++) {
    span below = path;
    if (!enter(preopens[i].name, &below) || climbs_out(below)) continue;
    if (is_found && preopens[i].name.size < longest) continue;
    is_found = 1;
    longest = preopens[i].name.size;
    below = without_slashes(below);
    if (!below.size) below = (span){(const u8 *)".", 1};
    found->fd = preopens[i].fd, found->path = below.at, found->size = below.size;
  }
  return is_found;
}

static int leads_to_preopen(span path) {
  for (u32 i = 0; i < preopen_count; i++) {
    span name = preopens[i].name;
    if (enter(path, &name)) return 1;
  }
  return 0;
}

// Where a build shows the code of the plugin, its packages, the SDK and the standard library; a run does not.
static const char *const of_the_build[] = {"plugin", "packages", "sdk", "python"};

static int is_of_the_build(span path) {
  span first = take_name(&path);
  for (u32 i = 0; i < sizeof of_the_build / sizeof *of_the_build; i++)
    if (is(first, of_the_build[i])) return 1;
  return 0;
}

void find(u32 fd, const u8 *path, u32 size, place *found) {
  found->where = INSIDE;
  found->fd = fd, found->path = path, found->size = size;
  if (fd != ROOT) return;
  load_preopens();
  span whole = {path, size};
  if (find_inside(whole, found)) return;
  if (has_dots(whole) && size <= LONGEST_PATH) {
    whole = collapse(whole, found->collapsed);
    if (find_inside(whole, found)) return;
  }
  found->where = leads_to_preopen(whole) ? ABOVE : is_of_the_build(whole) ? OF_THE_BUILD : OUTSIDE;
}

// ---- refused looks

enum { MOST_KEPT = 16 };
typedef struct { u32 size; u8 text[]; } refusal;
static refusal *refusals[MOST_KEPT];
static u32 refused;

static void keep(const char *why, int from_root, span path) {
  u32 start = strlen(why), size = start + from_root + path.size;
  refusal *made = must_allocate(sizeof *made + size);
  made->size = size;
  memcpy(made->text, why, start);
  if (from_root) made->text[start] = '/';
  memcpy(made->text + start + from_root, path.at, path.size);
  for (u32 i = 0; i < refused; i++)
    if (is_same((span){refusals[i]->text, refusals[i]->size}, (span){made->text, size})) {
      free(made);
      return;
    }
  refusals[refused++] = made;
}

p1_errno noted(p1_errno error, purpose why, u32 fd, const u8 *path, u32 size) {
  static const char *const words[] = {"read:", "change:", "write:"};
  if (why != READING && error == P1_NO_SUCH_CALL) error = P1_READ_ONLY;  // what wazero says of a read-only directory
  int is_refused = error == P1_NOT_CAPABLE || error == P1_NOT_PERMITTED || (error == P1_READ_ONLY && why != READING);
  if (!is_refused) return error;
  if (fd == ROOT && is_of_the_build((span){path, size})) return P1_NO_ENTRY;
  if (refused < MOST_KEPT) keep(words[why], fd == ROOT, (span){path, size});
  return error;
}

static void forget_refusals(void) {
  while (refused) free(refusals[--refused]);
}

void forget_paths(void) {
  forget_refusals();
  for (u32 i = 0; i < preopen_count; i++) free((void *)preopens[i].name.at);
  free(preopens);
  preopens = NULL;
  preopen_count = loaded = 0;
}

// ---- what Python asks

static object *list_of(u32 count, span (*at)(u32)) {
  object *made = PyList_New((i32)count);
  for (u32 i = 0; made && i < count; i++) {
    object *item = PyBytes_FromStringAndSize(at(i).at, (i32)at(i).size);
    if (!item || PyList_SetItem(made, (i32)i, item)) {
      Py_DecRef(made);
      return NULL;
    }
  }
  return made;
}

static span refusal_at(u32 index) { return (span){refusals[index]->text, refusals[index]->size}; }
static span preopen_at(u32 index) { return preopens[index].name; }

object *python_refusals(object *self, object *nothing) {
  (void)self, (void)nothing;
  if (!refused) return none();
  object *made = list_of(refused, refusal_at);
  forget_refusals();
  return made;
}

object *python_note_unset(object *self, object *variable) {
  (void)self;
  char *name;
  i32 size;
  if (PyBytes_AsStringAndSize(variable, &name, &size)) return NULL;
  if (refused < MOST_KEPT) keep("env:", 0, (span){(const u8 *)name, (u32)size});
  return none();
}

object *python_preopens(object *self, object *nothing) {
  (void)self, (void)nothing;
  load_preopens();
  return list_of(preopen_count, preopen_at);
}

int chdir(const char *path);
static int any_is_directory;

int is_any_directory(void) { return any_is_directory; }

object *python_start_in(object *self, object *path) {
  (void)self;
  char *text;
  i32 size;
  if (PyBytes_AsStringAndSize(path, &text, &size)) return NULL;
  any_is_directory = 1;  // as in Go, it need not exist
  chdir(text);
  any_is_directory = 0;
  return none();
}
