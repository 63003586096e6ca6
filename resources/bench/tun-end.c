/*
 * One end of a tunnel: IP packets between a TUN interface in another network namespace and a UDP socket in this one. What is
 * between the two sockets is the path. Linux; needs CAP_NET_ADMIN and CAP_SYS_ADMIN.
 *
 *   tun-end PID NAME PEER    until standard input ends
 *
 * PID holds the namespace in which NAME is made. Packets go to PEER, a UDP port of 127.0.0.1, or where PEER is 0 to whoever sends
 * first. Prints "ready PORT", the port of 127.0.0.1 it listens on.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  PACKET_BYTES = 65536,
  SOCKET_BUFFER_BYTES = 16 << 20,
  /* Of one direction before the other has its turn. */
  BATCH = 64,
};

static void fail(const char *what) {
  fprintf(stderr, "tun-end: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int open_socket(int peer, int *port) {
  int udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), bytes = SOCKET_BUFFER_BYTES;
  if (udp < 0) fail("socket");
  setsockopt(udp, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  setsockopt(udp, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof address;
  if (bind(udp, (struct sockaddr *)&address, length) < 0) fail("bind");
  if (getsockname(udp, (struct sockaddr *)&address, &length) < 0) fail("getsockname");
  *port = ntohs(address.sin_port);
  address.sin_port = htons((uint16_t)peer);
  if (peer != 0 && connect(udp, (struct sockaddr *)&address, length) < 0) fail("connect");
  return udp;
}

static int open_tun(const char *pid, const char *name) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%s/ns/net", pid);
  int namespace = open(path, O_RDONLY);
  if (namespace < 0 || setns(namespace, CLONE_NEWNET) < 0) fail(path);
  close(namespace);
  int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  if (tun < 0) fail("/dev/net/tun");
  /* No offloads: the kernel makes packets as a wire would carry them. */
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  if (ioctl(tun, TUNSETIFF, &request) < 0) fail("TUNSETIFF");
  return tun;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: tun-end PID NAME PEER\n");
    return 2;
  }
  static char packet[PACKET_BYTES];
  int peer = atoi(argv[3]), port, udp = open_socket(peer, &port), tun = open_tun(argv[1], argv[2]);
  printf("ready %d\n", port);
  fflush(stdout);
  struct pollfd ends[] = {{.fd = tun, .events = POLLIN}, {.fd = udp, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
  for (;;) {
    if (poll(ends, 3, -1) < 0 && errno != EINTR) fail("poll");
    if (ends[2].revents != 0 && read(STDIN_FILENO, packet, sizeof packet) <= 0) return 0;
    for (int i = 0; i < BATCH; i++) {
      ssize_t bytes = read(tun, packet, sizeof packet);
      if (bytes <= 0) break;
      /* A relay that is not there, or a peer not yet known: lost, as on a wire that leads nowhere. */
      if (peer != 0 && send(udp, packet, (size_t)bytes, 0) < 0 && errno == EMSGSIZE) fail("send");
    }
    for (int i = 0; i < BATCH; i++) {
      struct sockaddr_in from;
      socklen_t length = sizeof from;
      ssize_t bytes = recvfrom(udp, packet, sizeof packet, 0, (struct sockaddr *)&from, &length);
      if (bytes < 0) break;
      if (peer == 0) {
        if (connect(udp, (struct sockaddr *)&from, length) < 0) fail("connect");
        peer = ntohs(from.sin_port);
      }
      /* What is no IP packet (its bits may have been flipped on the way) the kernel refuses. */
      if (bytes > 0 && write(tun, packet, (size_t)bytes) < 0 && errno != EINVAL && errno != EAGAIN) fail("write");
    }
  }
}
