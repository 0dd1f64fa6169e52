// Asks the kernel for its tables by netlink, and takes netlink messages apart. No length field in a
// message is trusted.
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "../common/handles.h"
#include "../common/result.h"

namespace kmod {

// A socket stays in the network namespace in which it was opened. (The kernel loads the module of a
// `protocol` that it does not have.)
Result<UniqueFd> OpenNetlink(int protocol);

// A non-blocking socket that receives the events of these multicast groups (a bit for each).
Result<UniqueFd> OpenNetlinkEvents(int protocol, unsigned groups);

// Whether a request failed because this kernel does not have what was asked for.
bool IsUnsupported(const Failure& failure);

// A structure from the front of `bytes`. If they are too few, the rest of it is zero.
template <typename T>
T Load(std::string_view bytes) {
  T value = {};
  memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof(value)));
  return value;
}

// A message or an attribute: a header, and a payload whose length the header has.
template <typename Header>
struct NetlinkItem {
  Header header;
  std::string_view payload;
};

// Takes an item of `length` bytes, header included, off the front of `bytes`; nullopt if they do
// not contain the whole item.
template <typename Header>
std::optional<NetlinkItem<Header>> TakeItem(std::string_view* bytes, size_t length) {
  constexpr size_t kHeader = (sizeof(Header) + 3) & ~size_t{3};
  if (length < kHeader || length > bytes->size()) return std::nullopt;
  const NetlinkItem<Header> item = {Load<Header>(*bytes), bytes->substr(kHeader, length - kHeader)};
  bytes->remove_prefix(std::min(bytes->size(), (length + 3) & ~size_t{3}));
  return item;
}

using AttributeVisitor = std::function<void(uint16_t type, std::string_view payload)>;
void ForEachAttribute(std::string_view bytes, const AttributeVisitor& visit);

// The text up to the first NUL.
std::string AttributeText(std::string_view payload);

// A number in network byte order.
uint32_t LoadBigEndian(std::string_view payload);

template <typename Body>
std::string Request(uint16_t type, uint16_t flags, const Body& body,
                    std::string_view attributes = {}) {
  nlmsghdr header = {};
  header.nlmsg_len = static_cast<uint32_t>(NLMSG_SPACE(sizeof(body)) + attributes.size());
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
  std::string bytes(NLMSG_SPACE(sizeof(body)), '\0');  // attributes begin aligned
  memcpy(bytes.data(), &header, sizeof(header));
  memcpy(bytes.data() + NLMSG_HDRLEN, &body, sizeof(body));
  return bytes.append(attributes);
}

// Asks for a whole table.
template <typename Body>
std::string DumpRequest(uint16_t type, const Body& body, std::string_view attributes = {}) {
  return Request(type, NLM_F_DUMP, body, attributes);
}

// An attribute of a request.
inline std::string BytesAttribute(uint16_t type, std::string_view value) {
  const rtattr header = {static_cast<unsigned short>(RTA_LENGTH(value.size())), type};
  std::string bytes(RTA_SPACE(value.size()), '\0');
  memcpy(bytes.data(), &header, sizeof(header));
  memcpy(bytes.data() + sizeof(header), value.data(), value.size());
  return bytes;
}
template <typename T>
std::string Attribute(uint16_t type, const T& value) {
  return BytesAttribute(type, {reinterpret_cast<const char*>(&value), sizeof(value)});
}

// Sends a request and passes each message of the answer to `visit`. A request that is no dump needs
// NLM_F_ACK, which marks the end of its answer. Fails with EINTR if the table changed during the
// dump, and with E2BIG if there are more messages than `limit`; after E2BIG the socket cannot be
// used any more.
Result<> Dump(int socket, const std::string& request, uint16_t wanted,
              const std::function<void(std::string_view)>& visit, size_t limit = SIZE_MAX);

template <typename Table>
struct DumpedTable {
  Table table;
  Result<> end;  // how the dump ended; `table` has what arrived before a failure
};

// Builds a table from the messages by `add`, and starts again if the table changed during the dump.
// If it changed during each of five dumps, the last one is returned as it is.
template <typename Table>
DumpedTable<Table> DumpWhole(int socket, const std::string& request, uint16_t wanted,
                             const std::function<void(std::string_view, Table*)>& add,
                             size_t limit = SIZE_MAX) {
  constexpr int kTries = 5;
  for (int tried = 1;; ++tried) {
    DumpedTable<Table> dumped;
    dumped.end = Dump(
        socket, request, wanted, [&](std::string_view message) { add(message, &dumped.table); },
        limit);
    if (dumped.end.ok() || dumped.end.failure().error != EINTR) return dumped;
    if (tried == kTries) return {std::move(dumped.table), Ok()};
  }
}

}  // namespace kmod
