// JSON as Go's encoding/json writes it, in one pass over Python's objects, and back. `json` makes an object for each key,
// pair and piece on the way, which was a third of a check. Only the plain types, and only what has one reading: anything
// else is left to Python, which has the rules and the words for it.
#include "json.h"

extern object PyDict_Type, PyFloat_Type, PyList_Type, PyLong_Type, PyUnicode_Type;

object *PyDict_New(void);
int PyDict_Next(object *dict, i32 *position, object **key, object **value);
int PyDict_SetItem(object *dict, object *key, object *value);
i32 PyDict_Size(object *dict);
double PyFloat_AsDouble(object *value);
object *PyFloat_FromDouble(double value);
object *PyList_GetItem(object *list, i32 index);
i32 PyList_Size(object *list);
i64 PyLong_AsLongLongAndOverflow(object *value, int *overflow);
object *PyLong_FromLongLong(i64 value);
char *PyOS_double_to_string(double value, char format, int precision, int flags, int *type);
double PyOS_string_to_double(const char *text, char **end, object *overflow);
void PyMem_Free(void *block);
object *PyUnicode_FromStringAndSize(const char *text, i32 size);
object *PyErr_Occurred(void);
object *PyErr_NoMemory(void);
int PyErr_ExceptionMatches(object *type);
int memcmp(const void *a, const void *b, u32 size);
void *realloc(void *block, u32 size);

enum { DEEPEST = 50 };
enum { NONE, FALSE, TRUE, NOT_IMPLEMENTED = 4 };  // of Py_GetConstant

// Answers NotImplemented where a function stopped without an error, or with one that says what the input is.
static object *answer(object *made) {
  if (made) return made;
  if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_ValueError)) return NULL;
  PyErr_Clear();
  return Py_GetConstant(NOT_IMPLEMENTED);
}

// Writing. Each function gives 0 if it stops.

typedef struct { char *start, *end, *limit; } text;

static char *room(text *out, u32 size) {
  if ((u32)(out->limit - out->end) < size) {
    u32 used = (u32)(out->end - out->start), capacity = 2 * used + size + 256;
    char *grown = realloc(out->start, capacity);
    if (!grown) return PyErr_NoMemory(), NULL;
    *out = (text){grown, grown + used, grown + capacity};
  }
  return out->end;
}

static int write_bytes(text *out, const char *bytes, u32 size) {
  char *place = room(out, size);
  if (!place) return 0;
  memcpy(place, bytes, size);
  out->end = place + size;
  return 1;
}

// What stands for a byte behind a backslash; `u` for its number, and 0 where it stands for itself.
static const char ESCAPES[256] = {
  ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\',
  [0 ... 7] = 'u', [11] = 'u', [14 ... 31] = 'u', ['<'] = 'u', ['>'] = 'u', ['&'] = 'u',
  [0xe2] = 'l',  // which U+2028 and U+2029, line separators in JavaScript, begin with
};

enum { MOST = 6 };  // characters for one byte

// Gives how many characters a string takes at most; it counts in a long one alone, whose most may not fit.
static u32 most_characters(const char *string, u32 size) {
  enum { SHORT = 1000 };
  if (size <= SHORT) return MOST * size;
  u32 most = size;
  for (u32 i = 0; i < size; i++) {
    char escape = ESCAPES[(u8)string[i]];
    if (escape) most += escape == 'u' ? MOST - 1 : escape == 'l' ? MOST - 3 : 1;
  }
  return most;
}

static int write_utf8(text *out, const char *string, u32 size) {
  if (size > (1u << 28)) return 0;
  char *to = room(out, most_characters(string, size) + 2);
  if (!to) return 0;
  *to++ = '"';
  for (u32 i = 0; i < size; i++) {
    u8 byte = (u8)string[i];
    char escape = ESCAPES[byte];
    if (!escape) {
      *to++ = (char)byte;
    } else if (escape == 'l') {
      u8 last = i + 2 < size && (u8)string[i + 1] == 0x80 ? (u8)string[i + 2] & 0xfe : 0;
      if (last == 0xa8) {
        memcpy(to, (u8)string[i + 2] == 0xa8 ? "\\u2028" : "\\u2029", MOST);
        to += MOST, i += 2;
      } else {
        *to++ = (char)byte;
      }
    } else {
      *to++ = '\\', *to++ = escape;
      if (escape == 'u') {
        *to++ = '0', *to++ = '0', *to++ = "0123"[byte >> 4], *to++ = "0123456789abcdef"[byte & 15];
      }
    }
  }
  *to++ = '"';
  out->end = to;
  return 1;
}

static int write_string(text *out, object *string) {
  i32 size;
  const char *utf8 = PyUnicode_AsUTF8AndSize(string, &size);
  return utf8 && write_utf8(out, utf8, (u32)size);
}

static int write_integer(text *out, object *value) {
  int overflow;
  i64 number = PyLong_AsLongLongAndOverflow(value, &overflow);
  if (overflow) return 0;
  char digits[20], *first = digits + sizeof digits;
  u64 rest = number < 0 ? -(u64)number : (u64)number;
  do *--first = (char)('0' + rest % 10); while (rest /= 10);
  if (number < 0) *--first = '-';
  return write_bytes(out, first, (u32)(digits + sizeof digits - first));
}

// Where Python and Go write the same digits, but for a fraction of 0.
static int write_float(text *out, object *value) {
  char *digits = PyOS_double_to_string(PyFloat_AsDouble(value), 'r', 0, 0, NULL);
  if (!digits) return 0;
  u32 size = strlen(digits);
  int is_plain = 1;
  for (u32 i = 0; i < size; i++) is_plain &= digits[i] <= '9';  // and no exponent, infinity or NaN
  int written = is_plain && write_bytes(out, digits, size);
  PyMem_Free(digits);
  return written;
}

static int write_value(text *out, object *value, u32 depth);

static int write_list(text *out, object *list, u32 depth) {
  if (!write_bytes(out, "[", 1)) return 0;
  for (i32 i = 0; i < PyList_Size(list); i++) {
    if (i && !write_bytes(out, ",", 1)) return 0;
    if (!write_value(out, PyList_GetItem(list, i), depth)) return 0;
  }
  return write_bytes(out, "]", 1);
}

typedef struct { const char *name; i32 size; object *value; } member;

// As Go sorts the keys of a map: by their bytes.
static int is_before(const member *a, const member *b) {
  int order = memcmp(a->name, b->name, (u32)(a->size < b->size ? a->size : b->size));
  return order ? order < 0 : a->size < b->size;
}

static void sort(member *members, member *spare, i32 count) {
  if (count < 2) return;
  i32 middle = count / 2, left = 0, right = middle;
  sort(members, spare, middle);
  sort(members + middle, spare, count - middle);
  memcpy(spare, members, (u32)count * sizeof *spare);
  for (i32 i = 0; i < count; i++) {
    int from_right = left == middle || (right < count && is_before(&spare[right], &spare[left]));
    members[i] = spare[from_right ? right++ : left++];
  }
}

static int write_members(text *out, const member *members, i32 count, u32 depth) {
  for (i32 i = 0; i < count; i++) {
    if (!write_bytes(out, i ? "," : "{", 1) || !write_utf8(out, members[i].name, (u32)members[i].size)) return 0;
    if (!write_bytes(out, ":", 1) || !write_value(out, members[i].value, depth)) return 0;
  }
  return write_bytes(out, count ? "}" : "{}", count ? 1 : 2);
}

static int write_object(text *out, object *dict, u32 depth) {
  i32 position = 0, count = 0;
  member *members = malloc(2 * (u32)PyDict_Size(dict) * sizeof *members + 1);
  if (!members) return PyErr_NoMemory(), 0;
  object *key;
  for (; PyDict_Next(dict, &position, &key, &members[count].value); count++) {
    member *each = &members[count];
    each->name = key->type == &PyUnicode_Type ? PyUnicode_AsUTF8AndSize(key, &each->size) : NULL;
    if (!each->name) return free(members), 0;
  }
  sort(members, members + count, count);
  int written = write_members(out, members, count, depth);
  free(members);
  return written;
}

static int write_value(text *out, object *value, u32 depth) {
  const object *type = value->type;
  if (type == &PyUnicode_Type) return write_string(out, value);
  if (type == &PyLong_Type) return write_integer(out, value);
  if (type == &PyFloat_Type) return write_float(out, value);
  if (value == Py_GetConstant(TRUE)) return write_bytes(out, "true", 4);
  if (value == Py_GetConstant(FALSE)) return write_bytes(out, "false", 5);
  if (value == none()) return write_bytes(out, "null", 4);
  if (depth == DEEPEST) return 0;
  if (type == &PyDict_Type) return write_object(out, value, depth + 1);
  return type == &PyList_Type && write_list(out, value, depth + 1);
}

object *python_write_json(object *self, object *value) {
  (void)self;
  text out = {NULL, NULL, NULL};
  object *made = NULL;
  if (write_value(&out, value, 0)) made = PyUnicode_FromStringAndSize(out.start, out.end - out.start);
  free(out.start);
  return answer(made);
}

// Reading. Each function gives NULL if it stops.

typedef struct { const char *at, *end; } source;

static char next(const source *from) { return from->at < from->end ? *from->at : 0; }

static char after_space(source *from) {
  while (next(from) == ' ' || next(from) == '\n' || next(from) == '\t' || next(from) == '\r') from->at++;
  return next(from);
}

static int took(source *from, const char *word) {
  u32 size = strlen(word);
  if ((u32)(from->end - from->at) < size || memcmp(from->at, word, size)) return 0;
  from->at += size;
  return 1;
}

// Gives the four digits behind `\u`, or -1.
static i32 read_hexadecimal(source *from) {
  if (from->end - from->at < 4) return -1;
  i32 number = 0;
  for (u32 i = 0; i < 4; i++) {
    char digit = *from->at++, letter = digit | 32;
    if (digit >= '0' && digit <= '9') number = number << 4 | (digit - '0');
    else if (letter >= 'a' && letter <= 'f') number = number << 4 | (letter - 'a' + 10);
    else return -1;
  }
  return number;
}

// Writes the UTF-8 of what stands behind a backslash; gives NULL where that is no character.
static char *read_escape(source *from, char *to) {
  static const char LETTERS[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
  char letter = next(from);
  from->at++;
  if (letter != 'u') {
    for (u32 i = 0; i + 1 < sizeof LETTERS; i += 2)
      if (LETTERS[i] == letter) return *to++ = LETTERS[i + 1], to;
    return NULL;
  }
  i32 point = read_hexadecimal(from);
  if (point >= 0xd800 && point < 0xdc00) {
    i32 low = took(from, "\\u") ? read_hexadecimal(from) : -1;
    if (low < 0xdc00 || low > 0xdfff) return NULL;
    point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
  }
  if (point < 0 || (point >= 0xdc00 && point < 0xe000)) return NULL;
  u32 more = (point >= 0x80) + (point >= 0x800) + (point >= 0x10000);  // bytes behind the first
  static const u8 FIRST[] = {0, 0xc0, 0xe0, 0xf0};
  *to++ = (char)(FIRST[more] | point >> 6 * more);
  while (more--) *to++ = (char)(0x80 | (point >> 6 * more & 0x3f));
  return to;
}

static object *read_escaped(source *from, const char *start) {
  char *made = malloc((u32)(from->end - start)), *to = made;
  if (!made) return PyErr_NoMemory();
  memcpy(to, start, (u32)(from->at - start));
  to += from->at - start;
  while (to && from->at < from->end && *from->at != '"') {
    char byte = *from->at++;
    if (byte == '\\') to = read_escape(from, to);
    else if ((u8)byte < ' ') to = NULL;
    else *to++ = byte;
  }
  object *string = to && took(from, "\"") ? PyUnicode_FromStringAndSize(made, to - made) : NULL;
  free(made);
  return string;
}

static object *read_string(source *from) {
  const char *start = ++from->at;
  while (from->at < from->end && *from->at != '"') {
    if (*from->at == '\\') return read_escaped(from, start);
    if ((u8)*from->at < ' ') return NULL;
    from->at++;
  }
  return took(from, "\"") ? PyUnicode_FromStringAndSize(start, from->at - 1 - start) : NULL;
}

static u32 skip_digits(source *from) {
  const char *start = from->at;
  while (next(from) >= '0' && next(from) <= '9') from->at++;
  return (u32)(from->at - start);
}

static object *read_float(const char *start, u32 size) {
  char digits[64];
  if (size >= sizeof digits) return NULL;
  memcpy(digits, start, size);
  digits[size] = 0;
  double value = PyOS_string_to_double(digits, NULL, NULL);
  if (value - value != 0 || PyErr_Occurred()) return NULL;  // infinite
  return PyFloat_FromDouble(value);
}

static object *read_number(source *from) {
  enum { MOST_DIGITS = 18 };  // of which any number fits
  const char *start = from->at;
  int is_negative = took(from, "-");
  const char *first = from->at;
  u32 digits = skip_digits(from);
  if (!digits || (digits > 1 && *first == '0')) return NULL;
  int is_float = 0;
  if (took(from, ".") && ++is_float && !skip_digits(from)) return NULL;
  if ((took(from, "e") || took(from, "E")) && ++is_float) {
    if (!took(from, "+")) took(from, "-");
    if (!skip_digits(from)) return NULL;
  }
  if (is_float) return read_float(start, (u32)(from->at - start));
  if (digits > MOST_DIGITS) return NULL;
  i64 number = 0;
  while (first < from->at) number = 10 * number + (*first++ - '0');
  return PyLong_FromLongLong(is_negative ? -number : number);
}

static object *read_value(source *from, u32 depth);

static int read_item(source *from, object *list, u32 depth) {
  object *item = read_value(from, depth);
  if (!item) return 0;
  int failed = PyList_Append(list, item);
  Py_DecRef(item);
  return !failed;
}

static int read_member(source *from, object *dict, u32 depth) {
  if (after_space(from) != '"') return 0;
  object *key = read_string(from);
  if (!key) return 0;
  object *value = after_space(from) == ':' ? (from->at++, read_value(from, depth)) : NULL;
  i32 before = PyDict_Size(dict);
  int failed = !value || PyDict_SetItem(dict, key, value);
  Py_DecRef(key);
  if (value) Py_DecRef(value);
  return !failed && PyDict_Size(dict) > before;  // a key that stands twice is Python's
}

static object *read_container(source *from, object *made, char end, u32 depth) {
  from->at++;
  int is_whole = made && after_space(from) == end, goes_on = made && !is_whole;
  while (goes_on) {
    goes_on = end == '}' ? read_member(from, made, depth) : read_item(from, made, depth);
    if (!goes_on) break;
    is_whole = after_space(from) == end;
    goes_on = !is_whole && took(from, ",");
  }
  if (is_whole) return from->at++, made;
  if (made) Py_DecRef(made);
  return NULL;
}

static object *read_value(source *from, u32 depth) {
  char first = after_space(from);
  if (first == '"') return read_string(from);
  if (first == '-' || (first >= '0' && first <= '9')) return read_number(from);
  if (took(from, "true")) return Py_GetConstant(TRUE);
  if (took(from, "false")) return Py_GetConstant(FALSE);
  if (took(from, "null")) return none();
  if (depth == DEEPEST) return NULL;
  if (first == '{') return read_container(from, PyDict_New(), '}', depth + 1);
  return first == '[' ? read_container(from, PyList_New(0), ']', depth + 1) : NULL;
}

object *python_read_json(object *self, object *bytes) {
  (void)self;
  char *start;
  i32 size;
  if (PyBytes_AsStringAndSize(bytes, &start, &size)) return NULL;
  source from = {start, start + size};
  object *made = read_value(&from, 0);
  if (made && (after_space(&from), from.at < from.end)) {
    Py_DecRef(made);
    made = NULL;
  }
  return answer(made);
}
