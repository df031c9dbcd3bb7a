/*
 * Preloaded into a private pcscd beside the virtual reader (libifdvpcd), which as it comes
 * - listens on every interface: bind() to the IPv4 wildcard is turned into bind() to 127.0.0.1;
 * - sends length and body of a message in two writes, so that Nagle's algorithm and the peer's delayed ACK cost 44 to 88 ms an
 *   APDU: accepted TCP sockets get TCP_NODELAY.
 * Unix sockets, the daemon's own door among them, pass untouched.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

static int without_delay(int fd) {
  if (fd >= 0) {
    int saved = errno, on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    errno = saved;
  }
  return fd;
}

int accept(int fd, struct sockaddr *restrict peer, socklen_t *restrict length) {
  static int (*next)(int, struct sockaddr *, socklen_t *);
  if (!next) next = (int (*)(int, struct sockaddr *, socklen_t *))dlsym(RTLD_NEXT, "accept");
  return without_delay(next(fd, peer, length));
}

int accept4(int fd, struct sockaddr *restrict peer, socklen_t *restrict length, int flags) {
  static int (*next)(int, struct sockaddr *, socklen_t *, int);
  if (!next) next = (int (*)(int, struct sockaddr *, socklen_t *, int))dlsym(RTLD_NEXT, "accept4");
  return without_delay(next(fd, peer, length, flags));
}

int bind(int fd, const struct sockaddr *address, socklen_t length) {
  static int (*next)(int, const struct sockaddr *, socklen_t);
  struct sockaddr_in local;
  if (!next) next = (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "bind");
  if (address && address->sa_family == AF_INET && length >= sizeof local) {
    memcpy(&local, address, sizeof local);
    if (local.sin_addr.s_addr == htonl(INADDR_ANY)) {
      local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      return next(fd, (const struct sockaddr *)&local, sizeof local);
    }
  }
  return next(fd, address, length);
}
