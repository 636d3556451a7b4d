// Reports as JSON: a Result (ABI section 2), or the older app's evidence.
#include "report.h"

#include "cpython.h"
#include "interfaces.h"

report memory_limit(void) {
  return (report){"memory_limit", "out of memory: buffers take more than 100 MB, or Python more than the host allows"};
}

// Static, so that a report can be written when nothing can be allocated. A host may deallocate it: it is no buffer.
static char text[2048];
static char message[512];

static char *put(char *at, const char *words) {
  while (*words && at < text + sizeof text) *at++ = *words++;
  return at;
}

static char *put_number(char *at, u64 number, u32 digits) {
  for (u32 i = digits; i--; number /= 10) at[i] = (char)('0' + number % 10);
  return at + digits;
}

static char *put_quoted(char *at, const char *words) {
  static const char hex[] = "0123456789abcdef";
  *at++ = '"';
  for (; *words; words++) {
    u8 byte = (u8)*words;
    if (byte < 0x20) {
      at = put(at, "\\u00");
      *at++ = hex[byte >> 4];
      *at++ = hex[byte & 15];
    } else {
      if (byte == '"' || byte == '\\') *at++ = '\\';
      *at++ = (char)byte;
    }
  }
  *at++ = '"';
  return at;
}

// RFC 3339, after Howard Hinnant's days-to-civil algorithm.
static char *put_timestamp(char *at) {
  u64 seconds = clock_now(P1_CLOCK_REALTIME) / 1000000000, days = seconds / 86400 + 719468;
  u64 era = days / 146097, day_of_era = days % 146097;
  u64 year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  u64 day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  u64 shifted = (5 * day_of_year + 2) / 153, day = day_of_year - (153 * shifted + 2) / 5 + 1;
  u64 month = shifted < 10 ? shifted + 3 : shifted - 9;
  *at++ = '"';
  at = put_number(at, year_of_era + era * 400 + (month <= 2), 4);
  at = put_number(put(at, "-"), month, 2);
  at = put_number(put(at, "-"), day, 2);
  at = put_number(put(at, "T"), seconds / 3600 % 24, 2);
  at = put_number(put(at, ":"), seconds / 60 % 60, 2);
  at = put_number(put(at, ":"), seconds % 60, 2);
  return put(at, "Z\"");
}

packed write_report(const char *entry, const report *problem) {
  int legacy = !strcmp(entry, "legacy_observe");
  char *at = put(text, legacy ? "{\"Status\":false,\"Timestamp\":" : "{\"status\":\"error\",\"timestamp\":");
  at = put_timestamp(at);
  at = put(at, legacy ? ",\"Data\":null,\"Raw\":null,\"Error\":" : ",\"error\":");
  at = put(at, "{\"type\":\"internal\",\"code\":");
  at = put_quoted(at, problem->code);
  at = put(at, ",\"message\":");
  at = put_quoted(at, problem->message);
  at = put(at, "}}");
  return pack(text, (u32)(at - text));
}

// Copies what fits, and nothing after the last whole character.
static char *copy_message(char *at, const char *words) {
  const char *end = message + sizeof message - 1;
  while (*words && at < end) *at++ = *words++;
  if (*words)
    while (at > message && ((u8)*words & 0xc0) == 0x80) at--, words--;
  *at = 0;
  return at;
}

static char *copy_string(char *at, object *string) {
  i32 size;
  const char *utf8 = string ? PyUnicode_AsUTF8AndSize(string, &size) : NULL;
  if (!utf8) PyErr_Clear();  // it has surrogates, or its __str__ failed
  at = copy_message(at, utf8 ? utf8 : "(no text)");
  if (string) Py_DecRef(string);
  return at;
}

void report_exception(report *problem) {
  object *error = PyErr_GetRaisedException();
  if (PyErr_GivenExceptionMatches(error, PyExc_MemoryError)) {
    *problem = memory_limit();
  } else {
    object *type = PyObject_Type(error);
    char *at = copy_string(message, PyType_GetName(type));
    at = copy_message(at, ": ");
    copy_string(at, PyObject_Str(error));
    Py_DecRef(type);
    *problem = (report){"unhandled_exception", message};
  }
  Py_DecRef(error);
}
