/*
 * Datagrams at an even pace, and how long each took: what a path does to packets, seen from outside it. Linux.
 *
 *   udp-flow receive ADDRESS PORT SECONDS                    until SECONDS have passed or standard input ends
 *   udp-flow send ADDRESS PORT RATE_BPS BYTES WARMUP SECONDS RATE_BPS of IP packets with BYTES of UDP payload each, of
 *                                                            which the first WARMUP are not counted
 *
 * `receive` prints "ready PORT", and at the end one JSON object: datagrams counted, one-way delays in microseconds from
 * before the call that sends to the kernel's timestamp on arrival, and the bits of IP packets per second. `send` prints how
 * many it sent.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
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

enum { IP_UDP_HEADERS = 28, MAX_BYTES = 65507, MAX_SAMPLES = 1 << 22, SOCKET_BUFFER_BYTES = 16 << 20 };

static char datagram[MAX_BYTES];
static int32_t delays_us[MAX_SAMPLES];

struct head {
  uint64_t sent_ns;
  uint64_t counted;
};

static void fail(const char *what) {
  fprintf(stderr, "udp-flow: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t ns_of(struct timespec at) { return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec; }

/* The clock of the kernel's timestamps. */
static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return ns_of(now);
}

static struct sockaddr_in address_of(const char *host, const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) errno = EINVAL, fail(host);
  return address;
}

static int ascending(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return x < y ? -1 : x > y;
}

static void report(size_t count, uint64_t bytes, size_t last_bytes, uint64_t first_ns, uint64_t last_ns) {
  qsort(delays_us, count, sizeof *delays_us, ascending);
  /* The last packet ends the time in which the others came. */
  double seconds = (double)(last_ns - first_ns) / 1e9;
  printf("{\"received\":%zu,\"rateBps\":%.0f", count, count > 1 ? (double)(bytes - last_bytes) * 8 / seconds : 0);
  if (count > 0) {
    printf(",\"delayUs\":{\"min\":%d,\"p50\":%d,\"p99\":%d,\"max\":%d}", delays_us[0], delays_us[count / 2],
           delays_us[count - 1 - count / 100], delays_us[count - 1]);
  }
  puts("}");
}

static void receive(struct sockaddr_in address, double seconds) {
  int in = socket(AF_INET, SOCK_DGRAM, 0), one = 1, room = SOCKET_BUFFER_BYTES;
  if (in < 0) fail("socket");
  if (setsockopt(in, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one) < 0) fail("SO_TIMESTAMPNS");
  /* Others than root get what the kernel allows. */
  if (setsockopt(in, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0)
    setsockopt(in, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  socklen_t size = sizeof address;
  if (bind(in, (struct sockaddr *)&address, size) < 0) fail("bind");
  if (getsockname(in, (struct sockaddr *)&address, &size) < 0) fail("getsockname");
  printf("ready %d\n", ntohs(address.sin_port));
  fflush(stdout);
  size_t count = 0, last_bytes = 0;
  uint64_t bytes = 0, first_ns = 0, last_ns = 0, end_ns = now_ns() + (uint64_t)(seconds * 1e9);
  while (now_ns() < end_ns) {
    struct pollfd watched[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = in, .events = POLLIN}};
    if (poll(watched, 2, 1000) <= 0) continue;
    char control[64];
    struct iovec data = {.iov_base = datagram, .iov_len = sizeof datagram};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t got = watched[1].revents ? recvmsg(in, &message, MSG_DONTWAIT) : -1;
    /* What has arrived is counted before the end of the input is heeded. */
    if (got < 0 && watched[0].revents && read(STDIN_FILENO, control, sizeof control) <= 0) break;
    struct cmsghdr *stamp = got < (ssize_t)sizeof(struct head) ? NULL : CMSG_FIRSTHDR(&message);
    struct head head;
    memcpy(&head, datagram, sizeof head);
    if (stamp == NULL || !head.counted || count == MAX_SAMPLES) continue;
    struct timespec at;
    memcpy(&at, CMSG_DATA(stamp), sizeof at);
    last_ns = ns_of(at);
    if (count == 0) first_ns = last_ns;
    last_bytes = (size_t)got + IP_UDP_HEADERS;
    bytes += last_bytes;
    delays_us[count++] = (int32_t)(((int64_t)last_ns - (int64_t)head.sent_ns) / 1000);
  }
  report(count, bytes, last_bytes, first_ns, last_ns);
}

static void send_flow(struct sockaddr_in address, double rate_bps, size_t bytes, long warmup, double seconds) {
  /* Ends with whoever started it. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int out = socket(AF_INET, SOCK_DGRAM, 0);
  if (out < 0) fail("socket");
  if (connect(out, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
  /* Sleeps end when they should, not up to 50 microseconds later. */
  prctl(PR_SET_TIMERSLACK, 1);
  double gap_ns = (double)(bytes + IP_UDP_HEADERS) * 8e9 / rate_bps;
  uint64_t start_ns = now_ns();
  long sent = 0;
  for (;; sent++) {
    uint64_t due_ns = start_ns + (uint64_t)(gap_ns * (double)sent);
    if (due_ns - start_ns >= (uint64_t)(seconds * 1e9)) break;
    while (now_ns() < due_ns) {
      struct timespec until = {.tv_sec = (time_t)(due_ns / 1000000000u), .tv_nsec = (long)(due_ns % 1000000000u)};
      clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
    }
    struct head head = {.sent_ns = now_ns(), .counted = sent >= warmup};
    memcpy(datagram, &head, sizeof head);
    if (send(out, datagram, bytes, 0) < 0 && errno != ENOBUFS && errno != ECONNREFUSED) fail("send");
  }
  printf("{\"sent\":%ld}\n", sent - warmup);
}

int main(int argc, char **argv) {
  if (argc == 5 && strcmp(argv[1], "receive") == 0) {
    receive(address_of(argv[2], argv[3]), atof(argv[4]));
    return 0;
  }
  if (argc == 8 && strcmp(argv[1], "send") == 0) {
    size_t bytes = (size_t)atol(argv[5]);
    if (bytes < sizeof(struct head) || bytes > MAX_BYTES) errno = ERANGE, fail("BYTES");
    send_flow(address_of(argv[2], argv[3]), atof(argv[4]), bytes, atol(argv[6]), atof(argv[7]));
    return 0;
  }
  fprintf(stderr, "usage: udp-flow receive ADDRESS PORT SECONDS | send ADDRESS PORT RATE_BPS BYTES WARMUP SECONDS\n");
  return 2;
}
