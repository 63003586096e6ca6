/*
 * When each datagram left and when it came, both as the kernel saw it: what a path does to packets, whatever becomes of the
 * processes that measure it. Paths lie between ports of 127.0.0.1. Linux.
 *
 *   udp-meter hear PATHS PACKETS SECONDS             until SECONDS have passed or standard input ends
 *   udp-meter send EVERY_US BYTES PACKETS PORT…      PACKETS of BYTES of UDP payload to each port in turn, one every EVERY_US to
 *                                                    each; what is late is made up for at no more than twice the pace
 *
 * `hear` prints "ready PORT…", one for each path. At the end both print a JSON array for each path: of each datagram's moment,
 * in microseconds of the machine's time, null where there was none.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_PATHS = 64, MAX_BYTES = 65507, SOCKET_BUFFER_BYTES = 16 << 20, WAKE_NS = 100000 };

static char datagram[MAX_BYTES];
static int sockets[MAX_PATHS];
static uint32_t paths, packets;
/* By path, then number. */
static uint64_t *moments_ns;

static void fail(const char *what) {
  fprintf(stderr, "udp-meter: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t ns_of(struct timespec at) { return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec; }

/* The clock of the kernel's timestamps. */
static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return ns_of(now);
}

static void prepare(long path_count, long packet_count) {
  if (path_count < 1 || path_count > MAX_PATHS || packet_count < 1) errno = ERANGE, fail("PATHS, PACKETS");
  paths = (uint32_t)path_count;
  packets = (uint32_t)packet_count;
  moments_ns = calloc((size_t)paths * packets, sizeof *moments_ns);
  if (moments_ns == NULL) fail("calloc");
  for (uint32_t path = 0; path < paths; path++) {
    int room = SOCKET_BUFFER_BYTES, fd = sockets[path] = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0) fail("socket");
    /* Others than root get what the kernel allows. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0)
      setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  }
}

static struct sockaddr_in loopback(int port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
}

/* Of the first copy of each datagram. */
static void note(uint32_t path, uint32_t number, const void *stamp) {
  struct timespec at;
  memcpy(&at, stamp, sizeof at);
  uint64_t *moment = &moments_ns[(size_t)path * packets + number];
  if (*moment == 0) *moment = ns_of(at);
}

static void report(void) {
  for (uint32_t path = 0; path < paths; path++) {
    fputs(path == 0 ? "[[" : ",[", stdout);
    for (uint32_t number = 0; number < packets; number++) {
      uint64_t at_ns = moments_ns[(size_t)path * packets + number];
      if (number > 0) putchar(',');
      if (at_ns == 0) fputs("null", stdout);
      else printf("%llu.%03u", (unsigned long long)(at_ns / 1000), (unsigned)(at_ns % 1000));
    }
    putchar(']');
  }
  puts("]");
}

static void hear(double seconds) {
  struct pollfd watched[MAX_PATHS + 1] = {{.fd = STDIN_FILENO, .events = POLLIN}};
  printf("ready");
  for (uint32_t path = 0; path < paths; path++) {
    int one = 1;
    if (setsockopt(sockets[path], SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one) < 0) fail("SO_TIMESTAMPNS");
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (bind(sockets[path], (struct sockaddr *)&address, size) < 0) fail("bind");
    if (getsockname(sockets[path], (struct sockaddr *)&address, &size) < 0) fail("getsockname");
    printf(" %d", ntohs(address.sin_port));
    watched[path + 1] = (struct pollfd){.fd = sockets[path], .events = POLLIN};
  }
  puts("");
  fflush(stdout);
  uint64_t end_ns = now_ns() + (uint64_t)(seconds * 1e9);
  while (now_ns() < end_ns) {
    if (poll(watched, paths + 1, 1000) <= 0) continue;
    int got_any = 0;
    for (uint32_t path = 0; path < paths; path++) {
      if (!watched[path + 1].revents) continue;
      char control[64];
      struct iovec data = {.iov_base = datagram, .iov_len = sizeof datagram};
      struct msghdr message = {
          .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
      ssize_t got = recvmsg(sockets[path], &message, MSG_DONTWAIT);
      if (got < 0) continue;
      got_any = 1;
      struct cmsghdr *stamp = CMSG_FIRSTHDR(&message);
      uint32_t number;
      memcpy(&number, datagram, sizeof number);
      if (got >= (ssize_t)sizeof number && stamp != NULL && number < packets) note(path, number, CMSG_DATA(stamp));
    }
    /* What has arrived is noted before the end of the input is heeded. */
    if (!got_any && watched[0].revents && read(STDIN_FILENO, datagram, sizeof datagram) <= 0) break;
  }
}

/* The moments at which datagrams of a path were handed to the device; on the loopback that is within the call that sends. */
static void take_stamps(uint32_t path) {
  for (;;) {
    char control[256];
    struct msghdr message = {.msg_control = control, .msg_controllen = sizeof control};
    if (recvmsg(sockets[path], &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return;
    const void *stamp = NULL;
    struct sock_extended_err about = {.ee_origin = SO_EE_ORIGIN_NONE};
    for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part != NULL; part = CMSG_NXTHDR(&message, part)) {
      if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPING) stamp = CMSG_DATA(part);
      if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) memcpy(&about, CMSG_DATA(part), sizeof about);
    }
    if (stamp != NULL && about.ee_origin == SO_EE_ORIGIN_TIMESTAMPING && about.ee_data < packets)
      note(path, about.ee_data, stamp);
  }
}

static void send_paced(double every_us, size_t bytes, char **ports) {
  /* Ends with whoever started it. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  /* Sleeps end when they should, not up to 50 microseconds later. */
  prctl(PR_SET_TIMERSLACK, 1);
  for (uint32_t path = 0; path < paths; path++) {
    struct sockaddr_in address = loopback(atoi(ports[path]));
    if (connect(sockets[path], (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
    /* Numbered from 0, as the datagrams are. */
    int stamps = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID |
                 SOF_TIMESTAMPING_OPT_TSONLY;
    if (setsockopt(sockets[path], SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps) < 0) fail("SO_TIMESTAMPING");
  }
  double step_ns = every_us * 1e3 / paths;
  uint64_t start_ns = now_ns(), due_ns = start_ns;
  for (uint64_t n = 0; n < (uint64_t)paths * packets; n++) {
    uint32_t path = (uint32_t)(n % paths), number = (uint32_t)(n / paths);
    /* Waking takes longer than fast loads leave between two datagrams: what is left of a sleep is spun. */
    if (now_ns() + WAKE_NS < due_ns) {
      uint64_t wake_ns = due_ns - WAKE_NS;
      struct timespec until = {.tv_sec = (time_t)(wake_ns / 1000000000u), .tv_nsec = (long)(wake_ns % 1000000000u)};
      clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
    }
    while (now_ns() < due_ns) {}
    memcpy(datagram, &number, sizeof number);
    uint64_t at_ns = now_ns();
    /* A refusal is of an earlier datagram, and leaves this one unsent. */
    while (send(sockets[path], datagram, bytes, 0) < 0)
      if (errno != ECONNREFUSED) fail("send");
    take_stamps(path);
    uint64_t even_ns = start_ns + (uint64_t)(step_ns * (double)(n + 1)), soonest_ns = at_ns + (uint64_t)(step_ns / 2);
    due_ns = even_ns > soonest_ns ? even_ns : soonest_ns;
  }
}

int main(int argc, char **argv) {
  if (argc == 5 && strcmp(argv[1], "hear") == 0) {
    prepare(atol(argv[2]), atol(argv[3]));
    hear(atof(argv[4]));
  } else if (argc > 5 && strcmp(argv[1], "send") == 0) {
    size_t bytes = (size_t)atol(argv[3]);
    if (bytes < sizeof packets || bytes > MAX_BYTES) errno = ERANGE, fail("BYTES");
    prepare(argc - 5, atol(argv[4]));
    send_paced(atof(argv[2]), bytes, argv + 5);
  } else {
    fprintf(stderr, "usage: udp-meter hear PATHS PACKETS SECONDS | send EVERY_US BYTES PACKETS PORT…\n");
    return 2;
  }
  report();
  return 0;
}
