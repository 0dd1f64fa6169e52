// Counts how often references to modules are taken, inside the kernel: a histogram trigger on its
// event module_get, with bounded memory and without a reader.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../common/result.h"
#include "tracing_instance.h"

namespace kmod {

struct Uses {
  std::vector<std::pair<std::string, unsigned long long>> counts;  // by module
  bool complete = true;  // false: more modules were used than the histogram can hold
};

// Parses the file `hist` of an event with the key `name`.
Uses ParseHistogram(std::string_view text);

class UseCount {
 public:
  // Begins to count. Fails with ENOENT without tracefs, and with EINVAL on a kernel without
  // histograms.
  static Result<UseCount> Open();

  UseCount(UseCount&&) noexcept = default;
  UseCount& operator=(UseCount&&) = delete;
  ~UseCount();

  // The counts since Open().
  Result<Uses> Read() const;

 private:
  explicit UseCount(TracingInstance instance) : instance_(std::move(instance)) {}

  TracingInstance instance_;
};

}  // namespace kmod
