// The functions of `reglet_host` (ABI section 1), and how Python calls one.
//
// Each import is called by one small function and by nothing else. A build that drops an import because the plugin's
// capabilities cannot use it writes another body of the same length over that function, so no index moves.
#include "buffers.h"
#include "host.h"

#define HOST_FUNCTION(name) \
  __attribute__((import_module("reglet_host"), import_name(#name))) packed import_##name(packed request); \
  EXPORT("trampoline:" #name) __attribute__((noinline)) packed name(packed request) { return import_##name(request); }

HOST_FUNCTION(http_request)
HOST_FUNCTION(dns_lookup)
HOST_FUNCTION(tcp_connect)
HOST_FUNCTION(smtp_connect)
HOST_FUNCTION(exec_command)
__attribute__((import_module("reglet_host"), import_name("log_message"))) void import_log_message(packed message);

enum { HTTP_REQUEST, DNS_LOOKUP, TCP_CONNECT, SMTP_CONNECT, EXEC_COMMAND, LOG_MESSAGE, FUNCTIONS };
static const char *const names[FUNCTIONS] = {"http_request", "dns_lookup",   "tcp_connect",
                                             "smtp_connect", "exec_command", "log_message"};

// One bit a function. log_message is always there.
static u32 declared = (1 << FUNCTIONS) - 1;

EXPORT("_declare_host_functions") void declare_host_functions(u32 mask) { declared = mask | 1 << LOG_MESSAGE; }

static packed call_import(u32 function, packed request) {
  switch (function) {
    case HTTP_REQUEST: return http_request(request);
    case DNS_LOOKUP: return dns_lookup(request);
    case TCP_CONNECT: return tcp_connect(request);
    case SMTP_CONNECT: return smtp_connect(request);
    case EXEC_COMMAND: return exec_command(request);
    default: import_log_message(request); return 0;
  }
}

static u32 function_named(const char *name) {
  u32 function = 0;
  while (function < FUNCTIONS && strcmp(names[function], name)) function++;
  return function;
}

static object *take_answer(packed answer) {
  u8 *bytes = packed_bytes(answer);
  u32 size = packed_size(answer);
  if (size && !inside_memory(bytes, size))
    return PyErr_Format(PyExc_ValueError, "the host's answer lies outside memory: address %u, length %u",
                        (u32)bytes, size);
  object *taken = PyBytes_FromStringAndSize(bytes, (i32)size);
  release_buffer(bytes);
  return taken;
}

object *python_call(object *self, object *const *arguments, i32 count) {
  (void)self;
  if (count != 2) return PyErr_Format(PyExc_TypeError, "call takes a name and a request, not %d arguments", count);
  const char *name = PyUnicode_AsUTF8AndSize(arguments[0], NULL);
  char *request;
  i32 size;
  if (!name || PyBytes_AsStringAndSize(arguments[1], &request, &size)) return NULL;
  u32 function = function_named(name);
  if (function == FUNCTIONS) return PyErr_Format(PyExc_LookupError, "no host function is called %s", name);
  if (!(declared & 1 << function)) return none();
  packed answer = call_import(function, pack(request, (u32)size));
  repair_low_memory();
  if (limit_was_reached()) {
    PyErr_SetString(PyExc_MemoryError, "the host's answer does not fit into 100 MB of buffers");
    return NULL;
  }
  return take_answer(answer);
}
