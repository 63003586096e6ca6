/*
 * A wire with delay: forwards Ethernet frames between two interfaces, each frame a fixed time after the kernel received
 * it, in both directions, and loses some of those from the first to the second. Linux, AF_PACKET; needs CAP_NET_RAW.
 *
 *   delay-line run A B DELAY_US LOSS SEED SECONDS    until SECONDS have passed or standard input ends
 *   delay-line plain INTERFACE...                    turns off what makes a frame other than it is on a wire
 *
 * `run` prints "ready", and at the end one JSON object: frames carried, lost, refused by the interface's queue and missed
 * (the ring was full), and how late frames left, in microseconds. Frames stay in the kernel's ring until they are due, so
 * the ring is the delay line. It sleeps only while the next frame is far from due, before everything else in the
 * scheduler's order where that is permitted, and busily polls for the rest.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  FRAME_BYTES = 2048,
  BLOCK_BYTES = 1 << 17,
  FRAMES = 1 << 14,
  /* Room for what waits in a queue behind the interface, as the kernel counts it. */
  SEND_BUFFER_BYTES = 256 << 20,
  /* Between two looks at standard input. */
  LOOK_NS = 10000000,
  /* Polling begins so long before a frame is due: what the kernel's timer and scheduler are seldom later than. */
  POLL_NS = 150000,
  LATENESS_BUCKETS = 100000,
};

static void fail(const char *what) {
  fprintf(stderr, "delay-line: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec now;
  /* The clock of the ring's timestamps. */
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct end {
  int socket;
  char *ring;
  unsigned next;
};

static struct end open_end(const char *name) {
  struct end end = {.socket = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL))};
  if (end.socket < 0) fail("socket");
  int version = TPACKET_V2, one = 1, bytes = SEND_BUFFER_BYTES;
  struct tpacket_req ring = {
      .tp_block_size = BLOCK_BYTES,
      .tp_block_nr = FRAMES / (BLOCK_BYTES / FRAME_BYTES),
      .tp_frame_size = FRAME_BYTES,
      .tp_frame_nr = FRAMES,
  };
  if (setsockopt(end.socket, SOL_PACKET, PACKET_VERSION, &version, sizeof version) < 0) fail("PACKET_VERSION");
  if (setsockopt(end.socket, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) < 0) fail("PACKET_IGNORE_OUTGOING");
  if (setsockopt(end.socket, SOL_PACKET, PACKET_RX_RING, &ring, sizeof ring) < 0) fail("PACKET_RX_RING");
  if (setsockopt(end.socket, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0) fail("SO_SNDBUFFORCE");
  end.ring = mmap(NULL, (size_t)FRAMES * FRAME_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, end.socket, 0);
  if (end.ring == MAP_FAILED) fail("mmap");
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET,
      .sll_protocol = htons(ETH_P_ALL),
      .sll_ifindex = (int)if_nametoindex(name),
  };
  if (address.sll_ifindex == 0) fail(name);
  if (bind(end.socket, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
  return end;
}

static struct {
  uint64_t carried[2], lost, refused, oversized;
  uint32_t late_us[LATENESS_BUCKETS];
} count;

/* xorshift64*: a float in [0, 1). */
static uint64_t random_state;
static double draw(void) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (double)((random_state * 0x2545F4914F6CDD1Du) >> 11) / 9007199254740992.0;
}

/* Sends what is due by `now`; returns when there is more to do. `way` 0 is from the first interface to the second. */
static uint64_t carry(struct end *from, struct end *to, int way, uint64_t delay_ns, double loss, uint64_t now) {
  for (;;) {
    struct tpacket2_hdr *frame = (struct tpacket2_hdr *)(from->ring + (size_t)from->next * FRAME_BYTES);
    /* A frame that comes from now on is due no sooner than that. */
    if (!(__atomic_load_n(&frame->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER)) return now + delay_ns;
    uint64_t due = (uint64_t)frame->tp_sec * 1000000000u + frame->tp_nsec + delay_ns;
    if (due > now) return due;
    if (frame->tp_len > frame->tp_snaplen || (frame->tp_status & TP_STATUS_CSUMNOTREADY)) {
      count.oversized++;
    } else if (loss > 0 && draw() < loss) {
      count.lost++;
    } else {
      if (send(to->socket, (char *)frame + frame->tp_mac, frame->tp_snaplen, MSG_DONTWAIT) < 0) count.refused++;
      else count.carried[way]++;
      uint64_t late = (now_ns() - due) / 1000;
      count.late_us[late < LATENESS_BUCKETS ? late : LATENESS_BUCKETS - 1]++;
    }
    __atomic_store_n(&frame->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    from->next = (from->next + 1) % FRAMES;
  }
}

static unsigned late_quantile(double share) {
  uint64_t total = 0, seen = 0;
  for (unsigned us = 0; us < LATENESS_BUCKETS; us++) total += count.late_us[us];
  for (unsigned us = 0; us < LATENESS_BUCKETS; us++) {
    seen += count.late_us[us];
    if (seen > 0 && (double)seen >= share * (double)total) return us;
  }
  return 0;
}

static unsigned missed(struct end *end) {
  struct tpacket_stats stats;
  socklen_t bytes = sizeof stats;
  if (getsockopt(end->socket, SOL_PACKET, PACKET_STATISTICS, &stats, &bytes) < 0) fail("PACKET_STATISTICS");
  return stats.tp_drops;
}

static int has_ended(void) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  char bytes[64];
  return poll(&input, 1, 0) > 0 && read(STDIN_FILENO, bytes, sizeof bytes) <= 0;
}

static void run(char **args) {
  struct end a = open_end(args[0]), b = open_end(args[1]);
  uint64_t delay_ns = (uint64_t)(atof(args[2]) * 1000);
  double loss = atof(args[3]);
  random_state = strtoull(args[4], NULL, 10) * 0x9E3779B97F4A7C15u + 1;
  uint64_t end_ns = now_ns() + (uint64_t)(atof(args[5]) * 1e9);
  struct sched_param first = {.sched_priority = 1};
  /* Where neither is permitted frames are late more often, and the report shows it. */
  if (sched_setscheduler(0, SCHED_FIFO, &first) < 0 && setpriority(PRIO_PROCESS, 0, -20) < 0)
    fprintf(stderr, "delay-line: no higher priority: %s\n", strerror(errno));
  puts("ready");
  fflush(stdout);
  for (uint64_t look_ns = 0;;) {
    uint64_t now = now_ns();
    if (now >= look_ns) {
      if (now > end_ns || has_ended()) break;
      look_ns = now + LOOK_NS;
    }
    uint64_t next = carry(&a, &b, 0, delay_ns, loss, now), back = carry(&b, &a, 1, delay_ns, 0, now);
    if (back < next) next = back;
    if (look_ns < next) next = look_ns;
    if (next < now + POLL_NS) continue;
    next -= POLL_NS;
    struct timespec until = {.tv_sec = (time_t)(next / 1000000000u), .tv_nsec = (long)(next % 1000000000u)};
    clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
  }
  printf("{\"carried\":[%llu,%llu],\"lost\":%llu,\"refused\":%llu,\"oversized\":%llu,\"missed\":%u,"
         "\"lateUs\":{\"p50\":%u,\"p99\":%u,\"p999\":%u,\"max\":%u}}\n",
         (unsigned long long)count.carried[0], (unsigned long long)count.carried[1], (unsigned long long)count.lost,
         (unsigned long long)count.refused, (unsigned long long)count.oversized, missed(&a) + missed(&b),
         late_quantile(0.5), late_quantile(0.99), late_quantile(0.999), late_quantile(1));
}

/* Segmentation and checksums by the interface, and frames merged on arrival: none of them exists on a wire. */
static void plain(const char *name) {
  static const uint32_t features[] = {ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO, ETHTOOL_STXCSUM};
  int control = socket(AF_INET, SOCK_DGRAM, 0);
  if (control < 0) fail("socket");
  for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
    struct ethtool_value value = {.cmd = features[i], .data = 0};
    struct ifreq request = {.ifr_data = (void *)&value};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (ioctl(control, SIOCETHTOOL, &request) < 0) fail(name);
  }
  close(control);
}

int main(int argc, char **argv) {
  if (argc == 8 && strcmp(argv[1], "run") == 0) {
    run(argv + 2);
    return 0;
  }
  if (argc > 2 && strcmp(argv[1], "plain") == 0) {
    for (int i = 2; i < argc; i++) plain(argv[i]);
    return 0;
  }
  fprintf(stderr, "usage: delay-line run A B DELAY_US LOSS SEED SECONDS | plain INTERFACE...\n");
  return 2;
}
