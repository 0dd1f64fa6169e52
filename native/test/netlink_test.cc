#include "../net/netlink.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/inet_diag.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/xfrm.h>
#include <sys/socket.h>

#include <atomic>
#include <map>
#include <thread>

#include "../net/ip_sets.h"
#include "../net/net_links.h"
#include "../net/net_routes.h"
#include "../net/nf_tables.h"
#include "../net/tcp_uses.h"
#include "../net/traffic_control.h"
#include "../net/tunnels.h"
#include "../net/xfrm.h"

namespace kmod {
namespace {

template <typename T>
std::string Bytes(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

std::string Attribute(uint16_t type, std::string_view payload) {
  const rtattr header = {static_cast<unsigned short>(RTA_LENGTH(payload.size())), type};
  std::string bytes = Bytes(header).append(payload);
  bytes.resize((bytes.size() + 3) & ~size_t{3});
  return bytes;
}

std::string Text(uint16_t type, const char* text) {
  return Attribute(type, std::string_view(text, strlen(text) + 1));
}

template <typename Parse>
void SurvivesEveryCut(const std::string& message, Parse parse) {
  for (size_t length = 0; length < message.size(); ++length) {
    // Each in a separate buffer, so that AddressSanitizer finds a read past its end.
    const std::string cut(message, 0, length);
    parse(std::string_view(cut));
  }
}

TEST_CASE("an attribute with a wrong length ends the walk") {
  const auto visited = [](std::string_view bytes) {
    int count = 0;
    ForEachAttribute(bytes, [&count](uint16_t, std::string_view) { ++count; });
    return count;
  };
  const std::string one = Attribute(1, "abc");
  CHECK(visited(one + one) == 2);
  CHECK(visited("") == 0);
  CHECK(visited(one.substr(0, 3)) == 0);
  for (const unsigned short length : {0, 3, 9, 0xffff}) {
    CHECK(visited(Bytes(rtattr{length, 1}) + "abcd") == 0);
  }
  // The last attribute may lack its padding.
  CHECK(visited(Bytes(rtattr{5, 1}) + "a") == 1);
  // A nested attribute may be marked as nested.
  ForEachAttribute(Attribute(NLA_F_NESTED | 7, "x"),
                   [](uint16_t type, std::string_view) { CHECK(type == 7); });
}

// One end sends what the other receives; its messages have no port, as those of the kernel.
struct SocketPair {
  SocketPair() {
    int both[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, both) == 0);
    ours.reset(both[0]);
    kernel.reset(both[1]);
  }
  void Send(uint32_t sequence, uint16_t type, const std::string& body) const {
    nlmsghdr header = {};
    header.nlmsg_len = static_cast<uint32_t>(NLMSG_LENGTH(body.size()));
    header.nlmsg_type = type;
    header.nlmsg_seq = sequence;
    const std::string message = Bytes(header) + body;
    REQUIRE(send(kernel.get(), message.data(), message.size(), 0) > 0);
  }
  UniqueFd ours, kernel;
};

constexpr uint16_t kWanted = 99;

TEST_CASE("only messages with the sequence number of the request are its answer") {
  const SocketPair pair;
  pair.Send(6, NLMSG_DONE, Bytes(0));
  pair.Send(6, kWanted, "old");
  pair.Send(0, kWanted, "event");
  pair.Send(7, kWanted, "new");
  pair.Send(6, NLMSG_ERROR, Bytes(nlmsgerr{-EPERM, {}}));
  pair.Send(7, NLMSG_DONE, Bytes(0));
  std::vector<std::string> visited;
  const Result<> end = ReceiveAnswer(pair.ours.get(), 7, kWanted, [&](std::string_view message) {
    visited.emplace_back(message);
  });
  CHECK(end.ok());
  CHECK(visited == std::vector<std::string>{"new"});
}

TEST_CASE("an answer that is longer than the limit, or cut off, is a failure") {
  const SocketPair pair;
  const auto ignore = [](std::string_view) {};
  for (int i = 0; i < 3; ++i) pair.Send(7, kWanted, "x");
  CHECK(ReceiveAnswer(pair.ours.get(), 7, kWanted, ignore, 2).failure().error == E2BIG);
  pair.Send(7, kWanted, std::string(100'000, 'x'));
  CHECK(ReceiveAnswer(pair.ours.get(), 7, kWanted, ignore).failure().error == EMSGSIZE);
}

// Every user may send to sockets of this protocol, as the owner of a network namespace may send to
// all sockets in it.
TEST_CASE("messages of other processes are ignored, and not received forever") {
  UniqueFd ours(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_USERSOCK));
  UniqueFd forger(socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK));
  REQUIRE(ours);
  REQUIRE(forger);
  sockaddr_nl address = {};
  address.nl_family = AF_NETLINK;
  REQUIRE(bind(ours.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  socklen_t length = sizeof(address);
  REQUIRE(getsockname(ours.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
  const auto forge = [&](uint16_t type, const std::string& body) {
    nlmsghdr header = {};
    header.nlmsg_len = static_cast<uint32_t>(NLMSG_LENGTH(body.size()));
    header.nlmsg_type = type;
    header.nlmsg_seq = 7;
    const std::string message = Bytes(header) + body;
    return sendto(forger.get(), message.data(), message.size(), MSG_DONTWAIT,
                  reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  };
  int visited = 0;
  const auto count = [&visited](std::string_view) { ++visited; };
  REQUIRE(forge(kWanted, "x") > 0);
  REQUIRE(forge(NLMSG_DONE, Bytes(0)) > 0);
  // Nothing is left to receive, and the forged end was not taken for the end.
  CHECK(ReceiveAnswer(ours.get(), 7, kWanted, count).failure().error == EAGAIN);
  CHECK(visited == 0);

  std::atomic<bool> stop = false;
  std::thread flood([&] {
    while (!stop) forge(kWanted, "x");
  });
  REQUIRE(fcntl(ours.get(), F_SETFL, 0) == 0);
  const Result<> end = ReceiveAnswer(ours.get(), 7, kWanted, count);
  stop = true;
  flood.join();
  // ENOBUFS: the kernel dropped messages, which also ends the reception.
  CHECK((end.failure().error == EBADMSG || end.failure().error == ENOBUFS));
  CHECK(visited == 0);
}

TEST_CASE("numbers in network byte order are read") {
  CHECK(LoadBigEndian(std::string_view("\x00\x00\x01\x02", 4)) == 258);
  CHECK(LoadBigEndian("") == 0);
}

TEST_CASE("addresses are those of this end") {
  ifaddrmsg info = {};
  info.ifa_family = AF_INET;
  info.ifa_index = 7;
  const std::string peer = Attribute(IFA_ADDRESS, std::string_view("\x0a\x00\x00\x02", 4));
  const std::string own = Attribute(IFA_LOCAL, std::string_view("\x0a\x00\x00\x01", 4));
  for (const std::string& order : {peer + own, own + peer}) {
    const auto address = ParseAddress(Bytes(info) + order);
    REQUIRE(address);
    CHECK(address->index == 7);
    CHECK(address->address == "10.0.0.1");
  }
  CHECK(ParseAddress(Bytes(info) + peer)->address == "10.0.0.2");
  CHECK_FALSE(ParseAddress(Bytes(info)));
  CHECK_FALSE(ParseAddress(Bytes(info) + Attribute(IFA_LOCAL, "too long")));
  info.ifa_family = AF_INET6;
  const std::string six("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
  CHECK(ParseAddress(Bytes(info) + Attribute(IFA_ADDRESS, six))->address == "2001:db8::1");
  info.ifa_family = AF_PACKET;
  CHECK_FALSE(ParseAddress(Bytes(info) + Attribute(IFA_ADDRESS, six)));
  SurvivesEveryCut(Bytes(info) + peer + own, ParseAddress);
}

TEST_CASE("default routes lead to interfaces, hops and nexthop objects") {
  rtmsg route = {};
  route.rtm_type = RTN_UNICAST;
  std::string hops;
  for (const int index : {3, 4}) hops += Bytes(rtnexthop{sizeof(rtnexthop), 0, 0, index});
  const std::string message = Bytes(route) + Attribute(RTA_OIF, Bytes(2)) +
                              Attribute(RTA_MULTIPATH, hops) + Attribute(30, Bytes(9U));
  WideRoutes routes;
  AddWideRoute(message, &routes);
  const RouteEnds& ends = routes.all;
  CHECK(ends.interfaces == std::vector<int>{2, 3, 4});
  CHECK(ends.nexthops == std::vector<uint32_t>{9});
  route.rtm_dst_len = 8;
  AddWideRoute(Bytes(route) + Attribute(RTA_OIF, Bytes(5)), &routes);
  CHECK(ends.interfaces.size() == 3);
  route.rtm_dst_len = 1;
  AddWideRoute(Bytes(route) + Attribute(RTA_OIF, Bytes(6)), &routes);
  const std::string upper = Attribute(RTA_DST, std::string_view("\x80\0\0\0", 4));
  AddWideRoute(Bytes(route) + upper + Attribute(RTA_OIF, Bytes(7)), &routes);
  CHECK(ends.interfaces.size() == 3);
  CHECK(routes.lower.interfaces == std::vector<int>{6});
  CHECK(routes.upper.interfaces == std::vector<int>{7});
  SurvivesEveryCut(message, [&routes](std::string_view cut) { AddWideRoute(cut, &routes); });
}

TEST_CASE("a tunnel has the address of its other end") {
  ifinfomsg info = {};
  info.ifi_index = 7;
  const std::string data = Attribute(7, std::string_view("\xc0\0\x02\x01", 4));  // IFLA_GRE_REMOTE
  const std::string gre =
      Attribute(IFLA_LINKINFO, Text(IFLA_INFO_KIND, "gre") + Attribute(IFLA_INFO_DATA, data));
  CHECK(ParseLink(Bytes(info) + gre)->remote == std::string("\xc0\0\x02\x01", 4));
  const std::string dummy =
      Attribute(IFLA_LINKINFO, Text(IFLA_INFO_KIND, "dummy") + Attribute(IFLA_INFO_DATA, data));
  CHECK(ParseLink(Bytes(info) + dummy)->remote.empty());
  SurvivesEveryCut(Bytes(info) + gre, ParseLink);
}

TEST_CASE("the addresses of the peers of a WireGuard interface are read, but no keys") {
  sockaddr_in end = {};
  end.sin_family = AF_INET;
  end.sin_addr.s_addr = htonl(0xc0000201);
  const std::string peer =
      Attribute(0, Attribute(1, std::string(32, 'k')) + Attribute(4, Bytes(end)));
  const std::string message = std::string(4, '\0') + Attribute(3, std::string(32, 'k')) +
                              Attribute(7, Bytes(0xca6cU)) + Attribute(8, peer);
  const WireguardEnds ends = ParseWireguard(message);
  CHECK(ends.addresses == std::vector<std::string>{std::string("\xc0\0\x02\x01", 4)});
  CHECK(ends.mark == 0xca6c);
  SurvivesEveryCut(message, ParseWireguard);
}

TEST_CASE("sets of ipset have a name and a type") {
  std::vector<IpSet> sets;
  const std::string message =
      std::string(sizeof(nfgenmsg), '\0') + Text(2, "blocked") + Text(3, "hash:ip") +
      Attribute(IPSET_ATTR_DATA, Attribute(IPSET_ATTR_REFERENCES, std::string("\0\0\0\3", 4)));
  AddIpSet(message, &sets);
  REQUIRE(sets.size() == 1);
  CHECK(sets[0].name == "blocked");
  CHECK(sets[0].type == "hash:ip");
  CHECK(sets[0].references == 3);
  SurvivesEveryCut(message, [&sets](std::string_view cut) { AddIpSet(cut, &sets); });
}

TEST_CASE("nexthop objects are interfaces or groups") {
  std::map<uint32_t, Nexthop> nexthops;
  const std::string header(8, '\0');
  const std::string members("\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0", 16);
  AddNexthop(header + Attribute(1, Bytes(1U)) + Attribute(5, Bytes(12)), &nexthops);
  const std::string group = header + Attribute(1, Bytes(3U)) + Attribute(2, members);
  AddNexthop(group, &nexthops);
  CHECK(nexthops.at(1).interface == 12);
  CHECK(nexthops.at(3).members == std::vector<uint32_t>{1, 2});
  SurvivesEveryCut(group, [&](std::string_view cut) { AddNexthop(cut, &nexthops); });
}

TEST_CASE("queueing disciplines that are compiled into the kernel are left out") {
  tcmsg body = {};
  body.tcm_ifindex = 3;
  body.tcm_handle = 0x10000;
  body.tcm_parent = 0xffffffff;
  const std::string htb = Bytes(body) + Text(TCA_KIND, "htb");
  const auto qdisc = ParseQdisc(htb);
  REQUIRE(qdisc);
  CHECK(qdisc->index == 3);
  CHECK(qdisc->kind == "htb");
  CHECK(qdisc->parent == 0xffffffff);
  for (const char* kind : {"noqueue", "mq", "pfifo_fast", ""}) {
    CHECK_FALSE(ParseQdisc(Bytes(body) + Text(TCA_KIND, kind)));
  }
  CHECK_FALSE(ParseQdisc(Bytes(body)));
  // An element of a filter has a handle, the filter itself does not.
  CHECK_FALSE(ParseFilter(htb));
  body.tcm_handle = 0;
  CHECK(ParseFilter(Bytes(body) + Text(TCA_KIND, "u32"))->kind == "u32");
  SurvivesEveryCut(htb, ParseQdisc);
}

TEST_CASE("filters have a chain and a priority; those of a shared block have no interface") {
  tcmsg body = {};
  body.tcm_ifindex = 3;
  body.tcm_parent = 0x10001;
  body.tcm_info = (7U << 16) | htons(0x0800);
  const std::string chain = Attribute(TCA_CHAIN, Bytes(5U));
  const std::string message = Bytes(body) + Text(TCA_KIND, "u32") + chain;
  const auto filter = ParseFilter(message);
  REQUIRE(filter);
  CHECK(filter->index == 3);
  CHECK(filter->parent == 0x10001);
  CHECK(filter->block == 0);
  CHECK(filter->chain == 5);
  CHECK(filter->priority == 7);
  CHECK(filter->protocol == 0x0800);
  body.tcm_ifindex = -1;
  body.tcm_parent = 22;
  const auto shared = ParseFilter(Bytes(body) + Text(TCA_KIND, "matchall"));
  REQUIRE(shared);
  CHECK(shared->index == 0);
  CHECK(shared->parent == 0);
  CHECK(shared->block == 22);
  SurvivesEveryCut(message, ParseFilter);
  body.tcm_handle = 0x1000a;
  CHECK(ParseClass(Bytes(body)) == 0x1000a);
  CHECK_FALSE(ParseClass("short"));
}

TEST_CASE("actions are counted") {
  const std::string list = Attribute(1, Text(1, "gact")) + Attribute(2, Text(1, "gact"));
  const std::string message = std::string(4, '\0') + Attribute(1, list);
  CHECK(CountActions(message) == 2);
  SurvivesEveryCut(message, CountActions);
}

TEST_CASE("TCP sockets have a congestion control and may have an upper layer protocol") {
  TcpUses uses;
  const std::string header(sizeof(inet_diag_msg), '\0');
  const std::string upper = Attribute(INET_DIAG_ULP_INFO, Text(INET_ULP_INFO_NAME, "tls"));
  AddTcpSocket(header + Text(INET_DIAG_CONG, "bbr") + upper, &uses);
  AddTcpSocket(header + Text(INET_DIAG_CONG, "bbr"), &uses);
  CHECK(uses.congestion == std::map<std::string, size_t>{{"bbr", 2}});
  CHECK(uses.upper == std::map<std::string, size_t>{{"tls", 1}});
  SurvivesEveryCut(header + upper, [&uses](std::string_view cut) { AddTcpSocket(cut, &uses); });
}

TEST_CASE("states of IPsec are counted by family and protocol") {
  xfrm_usersa_info state = {};
  state.family = AF_INET6;
  state.id.proto = 50;
  XfrmCounts counts;
  AddXfrmState(Bytes(state), &counts);
  AddXfrmState(Bytes(state), &counts);
  CHECK(counts.protocols.at({AF_INET6, 50}) == 2);
  AddXfrmState("short", &counts);
  CHECK(counts.protocols.size() == 1);
}

TEST_CASE("tables of nftables have chains, rules and parts") {
  const std::string header = Bytes(nfgenmsg{1, 0, 0});
  const auto expression = [](const char* name, const std::string& data = "") {
    return Attribute(NFTA_LIST_ELEM,
                     Text(NFTA_EXPR_NAME, name) + Attribute(NFTA_EXPR_DATA | NLA_F_NESTED, data));
  };
  const std::string rule =
      header + Text(NFTA_RULE_TABLE, "t") +
      Attribute(NFTA_RULE_EXPRESSIONS | NLA_F_NESTED,
                expression("ct") + expression("ct") + expression("match", Text(1, "conntrack")) +
                    Attribute(NFTA_LIST_ELEM, ""));
  NftTables tables;
  AddNftTable(header + Text(NFTA_TABLE_NAME, "empty"), &tables);
  AddNftChain(header + Text(NFTA_CHAIN_TABLE, "t") + Text(NFTA_CHAIN_TYPE, "nat"), &tables);
  AddNftChain(header + Text(NFTA_CHAIN_TABLE, "t"), &tables);
  AddNftRule(rule, &tables);
  AddNftObject(header + Text(NFTA_OBJ_TABLE, "t") +
                   Attribute(NFTA_OBJ_TYPE, std::string_view("\0\0\0\x02", 4)),
               &tables);
  AddNftFlowtable(header + Text(1, "t"), &tables);
  REQUIRE(tables.size() == 2);
  CHECK(tables.at({1, "empty"}).parts.empty());
  const NftTable& table = tables.at({1, "t"});
  CHECK(table.chains == 2);
  CHECK(table.rules == 1);
  const std::map<NftPart, size_t> expected = {
      {{"chain", "nat"}, 1},           {{"expression", "ct"}, 2}, {{"expression", "match"}, 1},
      {{"extension", "conntrack"}, 1}, {{"flowtable", ""}, 1},    {{"object", "2"}, 1}};
  CHECK(table.parts == expected);
  SurvivesEveryCut(rule, [&tables](std::string_view cut) { AddNftRule(cut, &tables); });
}

}  // namespace
}  // namespace kmod
