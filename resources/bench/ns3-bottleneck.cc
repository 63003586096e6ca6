/*
 * The scenario of `routelab bench sim` in ns-3: one TCP flow through a bottleneck, with what it costs in real time.
 *
 *   ns3-bottleneck TcpBbr|TcpCubic|TcpLinuxReno RATE_BPS RTT_MS BUFFER_BYTES SECONDS WARMUP_S
 *
 * Prints one JSON object: goodput from WARMUP_S on in bits per second, mean RTT of its samples there in milliseconds,
 * events, and seconds of real time between the start of the simulation and its end.
 */
#include "ns3/applications-module.h"
#include "ns3/core-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"
#include "ns3/traffic-control-module.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

using namespace ns3;

namespace {

constexpr uint16_t kPort = 9;
/* Ethernet's IP packets; the link counts two bytes more for each (PPP). */
constexpr uint32_t kSegmentBytes = 1448;
/* Four times what is ever in flight here: more only costs ns-3 time. */
constexpr uint32_t kSocketBufferBytes = 4u << 20;

double g_rttSum = 0;
uint64_t g_rttSamples = 0;
Time g_warmup;

void OnRtt(Time, Time rtt)
{
    if (Simulator::Now() < g_warmup)
        return;
    g_rttSum += rtt.GetSeconds() * 1e3;
    g_rttSamples++;
}

/* Traces of a socket exist once its application has started. */
void Watch()
{
    Config::ConnectWithoutContext("/NodeList/0/$ns3::TcpL4Protocol/SocketList/0/RTT", MakeCallback(&OnRtt));
}

}

int main(int argc, char** argv)
{
    if (argc != 7) {
        std::fprintf(stderr, "usage: ns3-bottleneck CONTROL RATE_BPS RTT_MS BUFFER_BYTES SECONDS WARMUP_S\n");
        return 2;
    }
    const std::string control = argv[1];
    const double rateBps = std::atof(argv[2]);
    const double rttMs = std::atof(argv[3]);
    const uint32_t bufferBytes = static_cast<uint32_t>(std::atof(argv[4]));
    const double seconds = std::atof(argv[5]);
    g_warmup = Seconds(std::atof(argv[6]));

    Config::SetDefault("ns3::TcpL4Protocol::SocketType", TypeIdValue(TypeId::LookupByName("ns3::" + control)));
    Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(kSegmentBytes));
    Config::SetDefault("ns3::TcpSocket::InitialCwnd", UintegerValue(10));
    Config::SetDefault("ns3::TcpSocket::SndBufSize", UintegerValue(kSocketBufferBytes));
    Config::SetDefault("ns3::TcpSocket::RcvBufSize", UintegerValue(kSocketBufferBytes));

    NodeContainer nodes;
    nodes.Create(3);
    /* The sender reaches the bottleneck's queue at ten times its rate, so that the queue is there. */
    PointToPointHelper access;
    access.SetDeviceAttribute("DataRate", DataRateValue(DataRate(static_cast<uint64_t>(rateBps * 10))));
    access.SetChannelAttribute("Delay", TimeValue(MicroSeconds(0)));
    PointToPointHelper bottleneck;
    bottleneck.SetDeviceAttribute("DataRate", DataRateValue(DataRate(static_cast<uint64_t>(rateBps))));
    bottleneck.SetChannelAttribute("Delay", TimeValue(Seconds(rttMs / 2e3)));
    bottleneck.SetQueue("ns3::DropTailQueue", "MaxSize", QueueSizeValue(QueueSize(QueueSizeUnit::BYTES, bufferBytes)));
    NetDeviceContainer near = access.Install(nodes.Get(0), nodes.Get(1));
    NetDeviceContainer far = bottleneck.Install(nodes.Get(1), nodes.Get(2));

    InternetStackHelper stack;
    stack.Install(nodes);
    Ipv4AddressHelper address;
    address.SetBase("10.0.1.0", "255.255.255.0");
    address.Assign(near);
    address.SetBase("10.0.2.0", "255.255.255.0");
    Ipv4InterfaceContainer farAddresses = address.Assign(far);
    Ipv4GlobalRoutingHelper::PopulateRoutingTables();
    /* The device's queue is the only one: no queue discipline above it. */
    TrafficControlHelper none;
    none.Uninstall(near);
    none.Uninstall(far);

    PacketSinkHelper sinkHelper("ns3::TcpSocketFactory", InetSocketAddress(Ipv4Address::GetAny(), kPort));
    ApplicationContainer sinks = sinkHelper.Install(nodes.Get(2));
    BulkSendHelper source("ns3::TcpSocketFactory", InetSocketAddress(farAddresses.GetAddress(1), kPort));
    source.SetAttribute("MaxBytes", UintegerValue(0));
    source.Install(nodes.Get(0)).Start(Seconds(0));

    Ptr<PacketSink> sink = sinks.Get(0)->GetObject<PacketSink>();
    uint64_t before = 0;
    Simulator::Schedule(g_warmup, [&]() { before = sink->GetTotalRx(); });
    Simulator::Schedule(MicroSeconds(1), &Watch);
    Simulator::Stop(Seconds(seconds));
    const auto start = std::chrono::steady_clock::now();
    Simulator::Run();
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    const double goodput = (sink->GetTotalRx() - before) * 8.0 / (seconds - g_warmup.GetSeconds());
    std::printf("{\"goodputBps\":%.0f,\"rttMeanMs\":%.2f,\"events\":%llu,\"wallS\":%.3f}\n", goodput,
                g_rttSamples == 0 ? 0.0 : g_rttSum / static_cast<double>(g_rttSamples),
                static_cast<unsigned long long>(Simulator::GetEventCount()), wall.count());
    Simulator::Destroy();
    return 0;
}
