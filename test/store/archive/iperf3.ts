/** What `iperf3 -J` prints, shortened to one interval. */
const interval = {
  streams: [
    {
      socket: 5,
      start: 0,
      end: 1,
      seconds: 1,
      bytes: 12_500_000,
      bits_per_second: 1e8,
      retransmits: 2,
      snd_cwnd: 60_000,
      rtt: 20_100,
      rttvar: 900,
      omitted: false,
      sender: true,
    },
  ],
  sum: {
    start: 0,
    end: 1.0001,
    seconds: 1.0001,
    bytes: 12_500_000,
    bits_per_second: 99_990_000.5,
    retransmits: 2,
    omitted: false,
    sender: true,
  },
};
const start = (protocol: string, rest: object = {}) => ({
  connected: [
    { socket: 5, local_host: '192.0.2.1', local_port: 50_000, remote_host: '192.0.2.2', remote_port: 5201 },
  ],
  version: 'iperf 3.16',
  system_info: 'Linux lab 6.8.0 x86_64',
  timestamp: { time: 'Sat, 21 Nov 2026 13:00:00 GMT', timesecs: 1_795_266_000 },
  connecting_to: { host: 'lab.example', port: 5201 },
  cookie: 'abc',
  tcp_mss_default: 1448,
  test_start: {
    protocol,
    num_streams: 1,
    blksize: 131_072,
    omit: 0,
    duration: 1,
    bytes: 0,
    blocks: 0,
    reverse: 0,
    tos: 0,
    ...rest,
  },
});

export const TCP = {
  start: start('TCP'),
  intervals: [interval],
  end: {
    streams: [
      {
        sender: {
          socket: 5,
          start: 0,
          end: 1.0001,
          seconds: 1.0001,
          bytes: 12_500_000,
          bits_per_second: 99_990_000.5,
          retransmits: 2,
          max_snd_cwnd: 60_000,
          max_rtt: 25_000,
          min_rtt: 19_000,
          mean_rtt: 20_100,
          sender: true,
        },
        receiver: {
          socket: 5,
          start: 0,
          end: 1.02,
          seconds: 1.02,
          bytes: 12_400_000,
          bits_per_second: 97_254_901.9,
          sender: true,
        },
      },
    ],
    sum_sent: {
      start: 0,
      end: 1.0001,
      seconds: 1.0001,
      bytes: 12_500_000,
      bits_per_second: 99_990_000.5,
      retransmits: 2,
      sender: true,
    },
    sum_received: {
      start: 0,
      end: 1.02,
      seconds: 1.02,
      bytes: 12_400_000,
      bits_per_second: 97_254_901.9,
      sender: true,
    },
    cpu_utilization_percent: { host_total: 1.5, remote_total: 0.5 },
    sender_tcp_congestion: 'cubic',
    receiver_tcp_congestion: 'cubic',
  },
};

export const UDP = {
  start: start('UDP', { reverse: 1, target_bitrate: 1_048_576 }),
  intervals: [],
  end: {
    streams: [
      {
        udp: {
          socket: 5,
          start: 0,
          end: 1,
          seconds: 1,
          bytes: 131_072,
          bits_per_second: 1_048_576,
          jitter_ms: 0.25,
          lost_packets: 1,
          packets: 100,
          lost_percent: 1,
          out_of_order: 0,
        },
      },
    ],
    sum: {
      start: 0,
      end: 1,
      seconds: 1,
      bytes: 131_072,
      bits_per_second: 1_048_576,
      jitter_ms: 0.25,
      lost_packets: 1,
      packets: 100,
      lost_percent: 1,
    },
  },
};
