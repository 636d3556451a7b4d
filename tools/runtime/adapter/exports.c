// The exports that a host calls (ABI section 1), and those of the older Reglet app. None of them traps: what Python
// cannot answer is answered here.
#include "buffers.h"
#include "embedding.h"
#include "report.h"

// What the handler is told: a name, as Python has it once it was told.
typedef struct { const char *name; object *string; } entry;

// Has Python answer; gives NULL with `report` filled in if it cannot.
static object *ask(entry *named, const u8 *payload, u32 size, report *problem) {
  if (!handler()) {
    *problem = (report){"no_handler", "this is the bare runtime: no plugin was built into it"};
    return NULL;
  }
  if (!named->string) named->string = PyUnicode_InternFromString(named->name);
  object *arguments[] = {named->string, PyBytes_FromStringAndSize(payload, (i32)size)};
  object *answer = NULL;
  if (arguments[0] && arguments[1]) answer = PyObject_Vectorcall(handler(), arguments, 2, NULL);
  if (arguments[1]) Py_DecRef(arguments[1]);
  if (!answer) report_exception(problem);
  return answer;
}

static packed serve_in_python(entry *named, const u8 *payload, u32 size, report *problem) {
  object *answer = ask(named, payload, size, problem);
  char *bytes;
  i32 length;
  packed result = 0;
  if (answer && PyBytes_AsStringAndSize(answer, &bytes, &length)) {
    report_exception(problem);
  } else if (answer) {
    u8 *buffer = new_buffer((u32)length);
    if (buffer) {
      memcpy(buffer, bytes, length);
      result = pack(buffer, (u32)length);
    } else {
      *problem = memory_limit();
    }
  }
  if (answer) Py_DecRef(answer);
  return result;
}

static packed serve(entry *named, const u8 *payload, u32 size) {
  repair_low_memory();
  begin_call(payload, size);
  report problem = {NULL, NULL};
  packed result = 0;
  if (!limit_was_reached()) {
    if (size && !inside_memory(payload, size))
      problem = (report){"invalid_config", "the config lies outside the plugin's memory"};
    else
      result = serve_in_python(named, payload, size, &problem);
  }
  if (limit_was_reached()) problem = memory_limit();
  if (problem.code) result = write_report(named->name, &problem);
  end_call();
  return result;
}

static entry MANIFEST = {"manifest", NULL}, OBSERVE = {"observe", NULL};
static entry DESCRIBE = {"describe", NULL}, SCHEMA = {"schema", NULL}, LEGACY_OBSERVE = {"legacy_observe", NULL};

EXPORT("_manifest") packed manifest(void) { return serve(&MANIFEST, NULL, 0); }
EXPORT("_observe") packed observe(const u8 *config, u32 size) { return serve(&OBSERVE, config, size); }
EXPORT("describe") packed legacy_describe(void) { return serve(&DESCRIBE, NULL, 0); }
EXPORT("schema") packed legacy_schema(void) { return serve(&SCHEMA, NULL, 0); }
EXPORT("observe") packed legacy_observe(const u8 *config, u32 size) { return serve(&LEGACY_OBSERVE, config, size); }
