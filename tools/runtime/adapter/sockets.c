// wasi:sockets: there are none. What libc calls before it could have one answers "not supported"; the rest traps, and
// cannot be reached.
#include "interfaces.h"

enum { NOT_SUPPORTED = 2, NAME_UNRESOLVABLE = 18 };

static void refuse(u8 *result, int error) {
  result[0] = 1;
  result[4] = (u8)error;
}

INTERFACE("sockets/instance-network#instance-network") u32 instance_network(void) { return 1; }
INTERFACE("sockets/udp-create-socket#create-udp-socket") void create_udp_socket(u32 family, u8 *result) {
  (void)family;
  refuse(result, NOT_SUPPORTED);
}
INTERFACE("sockets/tcp-create-socket#create-tcp-socket") void create_tcp_socket(u32 family, u8 *result) {
  (void)family;
  refuse(result, NOT_SUPPORTED);
}
INTERFACE("sockets/ip-name-lookup#resolve-addresses") void resolve_addresses(u32 network, const u8 *name, u32 size,
                                                                            u8 *result) {
  (void)network, (void)name, (void)size;
  refuse(result, NAME_UNRESOLVABLE);
}
