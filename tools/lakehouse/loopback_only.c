/* Preloaded into a server that insists on listening on every address: whatever it binds to the
 * wildcard address, it gets the loopback address instead. Spark's Thrift Server does so in HTTP mode,
 * where hive.server2.thrift.bind.host is not looked at. Other addresses and errors pass unchanged. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

typedef int (*BindFunction)(int, const struct sockaddr *, socklen_t);

int bind(int socket, const struct sockaddr *address, socklen_t length) {
  BindFunction next = (BindFunction)dlsym(RTLD_NEXT, "bind");
  if (address->sa_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
    struct sockaddr_in own;
    memcpy(&own, address, sizeof own);
    if (own.sin_addr.s_addr == htonl(INADDR_ANY)) own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return next(socket, (const struct sockaddr *)&own, sizeof own);
  }
  if (address->sa_family == AF_INET6 && length >= sizeof(struct sockaddr_in6)) {
    struct sockaddr_in6 own;
    memcpy(&own, address, sizeof own);
    /* Java's sockets speak both protocols: 127.0.0.1 in the clothes of IPv6. */
    if (IN6_IS_ADDR_UNSPECIFIED(&own.sin6_addr)) {
      inet_pton(AF_INET6, "::ffff:127.0.0.1", &own.sin6_addr);
    }
    return next(socket, (const struct sockaddr *)&own, sizeof own);
  }
  return next(socket, address, length);
}
