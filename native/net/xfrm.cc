#include "xfrm.h"

#include <linux/xfrm.h>

#include <cstdint>
#include <functional>
#include <string_view>

#include "netlink.h"

namespace kmod {
namespace {

constexpr size_t kStatesLimit = 500'000;

// The request for all states has no body. Source: xfrm_msg_min in net/xfrm/xfrm_user.c.
std::string ListStates() {
  struct {
  } body;
  std::string request = DumpRequest(XFRM_MSG_GETSA, body);
  request.resize(NLMSG_HDRLEN);
  const auto length = static_cast<uint32_t>(request.size());
  memcpy(request.data() + offsetof(nlmsghdr, nlmsg_len), &length, sizeof(length));
  return request;
}

// The body of both requests is a 32-bit number with flags, which is 0 here.
Result<> Ask(int socket, uint16_t question, uint16_t answer,
             const std::function<void(uint16_t, std::string_view)>& visit) {
  constexpr uint32_t kFlags = 0;
  return Dump(socket, Request(question, NLM_F_ACK, kFlags), answer, [&](std::string_view message) {
    if (message.size() >= sizeof(kFlags)) ForEachAttribute(message.substr(sizeof(kFlags)), visit);
  });
}

}  // namespace

void AddXfrmState(std::string_view message, XfrmCounts* counts) {
  if (message.size() < sizeof(xfrm_usersa_info)) return;
  const auto state = Load<xfrm_usersa_info>(message);
  ++counts->protocols[{state.family, state.id.proto}];
}

Result<XfrmCounts> ReadXfrmCounts(int socket, bool protocols) {
  XfrmCounts counts;
  const Result<> states = Ask(socket, XFRM_MSG_GETSADINFO, XFRM_MSG_NEWSADINFO,
                              [&](uint16_t type, std::string_view payload) {
                                if (type == XFRMA_SAD_CNT) counts.states = Load<uint32_t>(payload);
                              });
  if (!states.ok()) return states.failure();
  const Result<> policies = Ask(socket, XFRM_MSG_GETSPDINFO, XFRM_MSG_NEWSPDINFO,
                                [&](uint16_t type, std::string_view payload) {
                                  if (type != XFRMA_SPD_INFO) return;
                                  const auto info = Load<xfrmu_spdinfo>(payload);
                                  counts.policies = size_t{info.incnt} + info.outcnt + info.fwdcnt;
                                });
  if (!policies.ok()) return policies.failure();
  if (!protocols) return counts;
  const auto listed =
      DumpWhole<XfrmCounts>(socket, ListStates(), XFRM_MSG_NEWSA, AddXfrmState, kStatesLimit);
  counts.protocols = listed.table.protocols;
  counts.end = listed.end;
  return counts;
}

}  // namespace kmod
