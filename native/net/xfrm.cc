#include "xfrm.h"

#include <linux/xfrm.h>

#include <cstdint>
#include <functional>
#include <string_view>

#include "netlink.h"

namespace kmod {
namespace {

// The body of both requests is a 32-bit number with flags, which is 0 here.
Result<> Ask(int socket, uint16_t question, uint16_t answer,
             const std::function<void(uint16_t, std::string_view)>& visit) {
  constexpr uint32_t kFlags = 0;
  return Dump(socket, Request(question, NLM_F_ACK, kFlags), answer, [&](std::string_view message) {
    if (message.size() >= sizeof(kFlags)) ForEachAttribute(message.substr(sizeof(kFlags)), visit);
  });
}

}  // namespace

Result<XfrmCounts> ReadXfrmCounts(int socket) {
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
  return counts;
}

}  // namespace kmod
