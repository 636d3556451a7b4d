// The exports that a host calls (ABI section 1), and those of the older Reglet app. None of them traps: what Python
// cannot answer is answered here.
#include "buffers.h"
#include "embedding.h"
#include "report.h"

// Has Python answer; gives NULL with `report` filled in if it cannot.
static object *ask(const char *entry, const u8 *payload, u32 size, report *problem) {
  if (!handler()) {
    *problem = (report){"no_handler", "this is the bare runtime: no plugin was built into it"};
    return NULL;
  }
  object *answer = PyObject_CallFunction(handler(), "sy#", entry, payload ? (const char *)payload : "", size);
  if (!answer) report_exception(problem);
  return answer;
}

static packed answer_with(const char *entry, const u8 *payload, u32 size, report *problem) {
  object *answer = ask(entry, payload, size, problem);
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

static packed serve_in_python(const char *entry, const u8 *payload, u32 size, report *problem) {
  int state = PyGILState_Ensure();
  packed result = answer_with(entry, payload, size, problem);
  PyGILState_Release(state);
  return result;
}

static packed serve(const char *entry, const u8 *payload, u32 size) {
  repair_low_memory();
  begin_call(payload, size);
  report problem = {NULL, NULL};
  packed result = 0;
  if (!limit_was_reached()) {
    if (size && !inside_memory(payload, size))
      problem = (report){"invalid_config", "the config lies outside the plugin's memory"};
    else
      result = serve_in_python(entry, payload, size, &problem);
  }
  if (limit_was_reached()) problem = memory_limit();
  if (problem.code) result = write_report(entry, &problem);
  end_call();
  return result;
}

EXPORT("_manifest") packed manifest(void) { return serve("manifest", NULL, 0); }
EXPORT("_observe") packed observe(const u8 *config, u32 size) { return serve("observe", config, size); }
EXPORT("describe") packed legacy_describe(void) { return serve("describe", NULL, 0); }
EXPORT("schema") packed legacy_schema(void) { return serve("schema", NULL, 0); }
EXPORT("observe") packed legacy_observe(const u8 *config, u32 size) { return serve("legacy_observe", config, size); }
