// Asking the kernel for its tables by netlink, and taking its messages apart. Lengths in them are
// never believed.
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "../common/failure.h"
#include "../common/handles.h"

namespace kmod {

// A socket belongs for ever to the network namespace in which it was opened. (The kernel loads the
// module of a `protocol` that it does not have.)
Result<UniqueFd> OpenNetlink(int protocol);

// A structure off the front of `bytes`, which may be too few for it: the rest is zero.
template <typename T>
T Load(std::string_view bytes) {
  T value = {};
  memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof(value)));
  return value;
}

// Takes a header and what follows it off the front of `bytes`, as their length field says. Messages
// and attributes are both of this kind; false: there is no whole one.
template <typename Header>
bool TakeNext(std::string_view* bytes, size_t length, Header* header, std::string_view* payload) {
  constexpr size_t kHeader = (sizeof(Header) + 3) & ~size_t{3};
  if (length < kHeader || length > bytes->size()) return false;
  *header = Load<Header>(*bytes);
  *payload = bytes->substr(kHeader, length - kHeader);
  bytes->remove_prefix(std::min(bytes->size(), (length + 3) & ~size_t{3}));
  return true;
}

using AttributeVisitor = std::function<void(uint16_t type, std::string_view payload)>;
void ForEachAttribute(std::string_view bytes, const AttributeVisitor& visit);

// Up to the first NUL.
std::string AttributeText(std::string_view payload);

// A number of the network's byte order.
uint32_t LoadBigEndian(std::string_view payload);

template <typename Body>
std::string DumpRequest(uint16_t type, const Body& body, std::string_view attributes = {}) {
  nlmsghdr header = {};
  header.nlmsg_len = static_cast<uint32_t>(NLMSG_LENGTH(sizeof(body)) + attributes.size());
  header.nlmsg_type = type;
  header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  std::string bytes(NLMSG_LENGTH(sizeof(body)), '\0');
  memcpy(bytes.data(), &header, sizeof(header));
  memcpy(bytes.data() + NLMSG_HDRLEN, &body, sizeof(body));
  return bytes.append(attributes);
}

// Asks for a table and hands each message of the answer on. 0, or an errno: EINTR: the table
// changed meanwhile; E2BIG: there are more messages than `limit`, and the socket is of no use any
// more.
int Dump(int socket, const std::string& request, uint16_t wanted,
         const std::function<void(std::string_view)>& visit, size_t limit = SIZE_MAX);

// Fills `table` by `visit`; begins again where it changed meanwhile. A dump that the table changed
// under again and again is as good as the next.
template <typename Table>
int DumpWhole(int socket, const std::string& request, uint16_t wanted, Table* table,
              const std::function<void(std::string_view, Table*)>& visit, size_t limit = SIZE_MAX) {
  constexpr int kTries = 5;
  int error = EINTR;
  for (int tried = 0; error == EINTR && tried < kTries; ++tried) {
    Table found;
    error = Dump(
        socket, request, wanted, [&](std::string_view message) { visit(message, &found); }, limit);
    if (error == 0 || error == EINTR) *table = std::move(found);
  }
  return error == EINTR ? 0 : error;
}

}  // namespace kmod
