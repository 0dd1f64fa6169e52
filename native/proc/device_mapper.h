// Reads the tables of the devices of device-mapper, by the requests of <linux/dm-ioctl.h>.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../common/result.h"

namespace kmod {

struct MapperSegment {
  std::string type;    // of the target, such as `linear`
  std::string status;  // what the target says of its state
};

struct MapperDevice {
  std::string number;  // MAJOR:MINOR
  std::string name;
  // Of the active table, and of the table that was loaded and not yet made active.
  std::vector<MapperSegment> segments;
};

struct MapperRead {
  std::vector<MapperDevice> devices;  // those whose tables could be read
  Result<> end;                       // a failure if the list may be incomplete
};

// An empty list if dm_mod is not loaded; it is not loaded by this.
MapperRead ReadDeviceMapper();

// Both parse the data part of an answer.
struct MapperName {
  uint64_t device = 0;
  std::string name;
};
std::vector<MapperName> ParseMapperNames(std::string_view data);
std::vector<MapperSegment> ParseMapperSegments(std::string_view data, size_t count);

}  // namespace kmod
