#include "device_mapper.h"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/kdev_t.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "../common/handles.h"

namespace kmod {
namespace {

constexpr const char* kControl = "/dev/mapper/control";
constexpr size_t kFirstSize = 16 * 1024;
constexpr size_t kSizeLimit = 4 * 1024 * 1024;
constexpr size_t kDevicesLimit = 10'000;
// Without this flag a request for the status writes out the metadata of some targets. (The flag
// DM_STATUS_TABLE_FLAG is never set: with it the answer contains the keys of dm-crypt.)
constexpr uint32_t kStatusFlags = DM_NOFLUSH_FLAG | DM_SKIP_BDGET_FLAG;

struct Answer {
  uint32_t flags = 0;
  uint32_t target_count = 0;
  std::string data;
};

template <typename T>
bool Take(std::string_view bytes, T* value) {
  if (bytes.size() < sizeof(*value)) return false;
  memcpy(value, bytes.data(), sizeof(*value));
  return true;
}

std::string TextAt(std::string_view bytes) {
  return std::string(bytes.substr(0, bytes.find('\0')));
}

Result<Answer> Ask(int control, unsigned long request, uint64_t device, uint32_t flags) {
  for (size_t size = kFirstSize; size <= kSizeLimit; size *= 4) {
    std::string buffer(size, '\0');
    dm_ioctl head = {};
    head.version[0] = DM_VERSION_MAJOR;
    head.data_size = static_cast<uint32_t>(size);
    head.data_start = sizeof(head);
    head.dev = device;
    head.flags = flags;
    memcpy(buffer.data(), &head, sizeof(head));
    while (ioctl(control, request, buffer.data()) != 0) {
      if (errno != EINTR) return SystemFailure(errno, "ioctl", kControl);
    }
    memcpy(&head, buffer.data(), sizeof(head));
    if ((head.flags & DM_BUFFER_FULL_FLAG) != 0) continue;
    const size_t begin = std::min<size_t>(head.data_start, size);
    const size_t end = std::clamp<size_t>(head.data_size, begin, size);
    return Answer{head.flags, head.target_count, buffer.substr(begin, end - begin)};
  }
  return SystemFailure(E2BIG, "ioctl", kControl);
}

Result<std::vector<MapperSegment>> ReadTables(int control, uint64_t device) {
  std::vector<MapperSegment> segments;
  for (const uint32_t inactive : {0U, static_cast<uint32_t>(DM_QUERY_INACTIVE_TABLE_FLAG)}) {
    Result<Answer> answer = Ask(control, DM_TABLE_STATUS, device, kStatusFlags | inactive);
    if (!answer.ok()) return answer.failure();
    for (MapperSegment& one : ParseMapperSegments(answer->data, answer->target_count)) {
      segments.push_back(std::move(one));
    }
    if ((answer->flags & DM_INACTIVE_PRESENT_FLAG) == 0) break;
  }
  return segments;
}

}  // namespace

std::vector<MapperName> ParseMapperNames(std::string_view data) {
  std::vector<MapperName> names;
  dm_name_list item;
  while (Take(data, &item)) {
    // An empty list is one item without a device.
    if (item.dev == 0) break;
    names.push_back({item.dev, TextAt(data.substr(offsetof(dm_name_list, name)))});
    if (item.next == 0 || item.next > data.size()) break;
    data.remove_prefix(item.next);
  }
  return names;
}

// Each target is a dm_target_spec, followed by its status. `next` counts from the first target.
std::vector<MapperSegment> ParseMapperSegments(std::string_view data, size_t count) {
  std::vector<MapperSegment> segments;
  size_t at = 0;
  dm_target_spec target;
  while (segments.size() < count && at <= data.size() && Take(data.substr(at), &target)) {
    const std::string_view type(target.target_type, sizeof(target.target_type));
    segments.push_back({TextAt(type), TextAt(data.substr(at + sizeof(target)))});
    if (target.next <= at) break;
    at = target.next;
  }
  return segments;
}

MapperRead ReadDeviceMapper() {
  MapperRead all;
  // To open the device file would load dm_mod. The folder exists while dm_mod is loaded, also where
  // it is compiled in.
  if (access("/sys/module/dm_mod", F_OK) != 0) return all;
  const UniqueFd control(open(kControl, O_RDWR | O_CLOEXEC));
  if (!control) {
    all.end = SystemFailure(errno, "open", kControl);
    return all;
  }
  const Result<Answer> listed = Ask(control.get(), DM_LIST_DEVICES, 0, 0);
  if (!listed.ok()) {
    all.end = listed.failure();
    return all;
  }
  for (const MapperName& device : ParseMapperNames(listed->data)) {
    if (all.devices.size() >= kDevicesLimit) {
      all.end = SystemFailure(E2BIG, "ioctl", kControl);
      break;
    }
    Result<std::vector<MapperSegment>> segments = ReadTables(control.get(), device.device);
    if (segments.ok()) {
      const auto number = static_cast<uint32_t>(device.device);
      // The kernel writes device numbers in its own encoding of 32 bits. Source: huge_encode_dev().
      const uint32_t major = (number & 0xfff00) >> 8;
      const uint32_t minor = (number & 0xff) | ((number >> 12) & 0xfff00);
      std::string text = std::to_string(major) + ":" + std::to_string(minor);
      all.devices.push_back({std::move(text), device.name, *std::move(segments)});
    } else if (segments.failure().error != ENXIO) {
      // ENXIO: the device was removed since it was listed.
      all.end = segments.failure();
    }
  }
  return all;
}

}  // namespace kmod
