/*
 * One TCP flow of the kernel, as fast as its congestion control lets it. Linux.
 *
 *   tcp-flow receive PORT SECONDS                        takes one flow after the other and reads all of it, until SECONDS
 *                                                        have passed or standard input ends; prints "ready" once it listens
 *   tcp-flow send ADDRESS PORT CONTROL WARMUP_S SECONDS  writes for SECONDS; figures count from WARMUP_S on
 *
 * `send` prints one JSON object: acknowledged bits per second, the smoothed RTT in microseconds sampled every 10 ms
 * (TCP_INFO gives no other), the share of segments sent again, and the payload of a segment.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
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

enum { BUFFER_BYTES = 1 << 18, SAMPLE_MS = 10, MAX_SAMPLES = 1 << 16, CONNECT_MS = 10000 };

static char buffer[BUFFER_BYTES];

static void fail(const char *what) {
  fprintf(stderr, "tcp-flow: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int make_socket(void) {
  int flow = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (flow < 0) fail("socket");
  return flow;
}

static void receive(int port, double seconds) {
  int listener = make_socket(), one = 1, flow = -1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
  if (listen(listener, 4) < 0) fail("listen");
  puts("ready");
  fflush(stdout);
  for (double end = now_s() + seconds; now_s() < end;) {
    struct pollfd watched[] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = flow < 0 ? listener : flow, .events = POLLIN},
    };
    if (poll(watched, 2, 1000) <= 0) continue;
    if (watched[0].revents && read(STDIN_FILENO, buffer, sizeof buffer) <= 0) return;
    if (!watched[1].revents) continue;
    if (flow < 0) {
      flow = accept(listener, NULL, NULL);
    } else if (recv(flow, buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC) <= 0 && errno != EAGAIN) {
      close(flow);
      flow = -1;
    }
    errno = 0;
  }
}

static struct tcp_info look(int flow) {
  struct tcp_info info;
  socklen_t bytes = sizeof info;
  memset(&info, 0, sizeof info);
  if (getsockopt(flow, IPPROTO_TCP, TCP_INFO, &info, &bytes) < 0) fail("TCP_INFO");
  return info;
}

static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static void send_flow(const char *host, int port, const char *control, double warmup_s, double seconds) {
  static uint32_t rtts[MAX_SAMPLES];
  /* Ends with whoever started it. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int flow = make_socket(), samples = 0;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) fail(host);
  if (setsockopt(flow, IPPROTO_TCP, TCP_CONGESTION, control, (socklen_t)strlen(control)) < 0) fail(control);
  if (connect(flow, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) fail("connect");
  struct pollfd writable = {.fd = flow, .events = POLLOUT};
  int cause = 0;
  socklen_t bytes = sizeof cause;
  if (poll(&writable, 1, CONNECT_MS) != 1) errno = ETIMEDOUT, fail("connect");
  if (getsockopt(flow, SOL_SOCKET, SO_ERROR, &cause, &bytes) < 0 || cause != 0) errno = cause, fail("connect");
  struct tcp_info first = look(flow);
  double start = now_s(), next = start, from = 0;
  for (;;) {
    double now = now_s();
    if (now >= next) {
      next += SAMPLE_MS / 1e3;
      if (from == 0 && now - start >= warmup_s) {
        first = look(flow);
        from = now;
      }
      if (from > 0 && samples < MAX_SAMPLES) rtts[samples++] = look(flow).tcpi_rtt;
    }
    if (now - start >= seconds) break;
    int wait_ms = (int)((next - now) * 1e3) + 1;
    if (poll(&writable, 1, wait_ms) <= 0) continue;
    if (send(flow, buffer, sizeof buffer, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN) fail("send");
  }
  struct tcp_info last = look(flow);
  double elapsed = now_s() - from;
  if (from == 0 || samples == 0) errno = ERANGE, fail("WARMUP_S leaves nothing to measure");
  double sum = 0;
  for (int i = 0; i < samples; i++) sum += rtts[i];
  qsort(rtts, (size_t)samples, sizeof *rtts, ascending);
  printf("{\"goodputBps\":%.0f,\"rttUs\":{\"min\":%u,\"mean\":%.0f,\"p50\":%u},\"retransmitRatio\":%.6f,\"mss\":%u}\n",
         (double)(last.tcpi_bytes_acked - first.tcpi_bytes_acked) * 8 / elapsed, last.tcpi_min_rtt, sum / samples,
         rtts[samples / 2],
         (double)(last.tcpi_total_retrans - first.tcpi_total_retrans) /
             (double)(last.tcpi_segs_out - first.tcpi_segs_out),
         last.tcpi_snd_mss);
  /* What is still unsent is of no interest: reset. */
  struct linger none = {.l_onoff = 1, .l_linger = 0};
  setsockopt(flow, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  close(flow);
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "receive") == 0) {
    receive(atoi(argv[2]), atof(argv[3]));
    return 0;
  }
  if (argc == 7 && strcmp(argv[1], "send") == 0) {
    send_flow(argv[2], atoi(argv[3]), argv[4], atof(argv[5]), atof(argv[6]));
    return 0;
  }
  fprintf(stderr, "usage: tcp-flow receive PORT SECONDS | send ADDRESS PORT CONTROL WARMUP_S SECONDS\n");
  return 2;
}
