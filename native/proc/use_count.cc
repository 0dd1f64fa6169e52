#include "use_count.h"

#include <algorithm>
#include <charconv>

#include "text_file.h"

namespace kmod {
namespace {

constexpr const char* kEvent = "module_get";
constexpr const char* kTrigger = "events/module/module_get/trigger";
// Room for 1024 modules; the kernel has a power of two.
constexpr const char* kHistogram = "hist:keys=name:size=1024";
constexpr size_t kTextLimit = 1024 * 1024;

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

// The number after `label`; nullopt if the line does not have it.
std::optional<unsigned long long> NumberAfter(std::string_view line, std::string_view label) {
  const size_t at = line.find(label);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = Trim(line.substr(at + label.size()));
  unsigned long long number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error != std::errc() || end == rest.data()) return std::nullopt;
  return number;
}

}  // namespace

// Lines like "{ name: dummy      } hitcount:          1", and at the end "    Dropped: 0".
Uses ParseHistogram(std::string_view text) {
  constexpr std::string_view kName = "{ name: ";
  Uses uses;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (NumberAfter(line, "Dropped:").value_or(0) > 0) uses.complete = false;
    const size_t close = line.find(" }");
    if (line.substr(0, kName.size()) != kName || close == std::string_view::npos) continue;
    const auto count = NumberAfter(line, "hitcount:");
    if (!count) continue;
    uses.counts.emplace_back(Trim(line.substr(kName.size(), close - kName.size())), *count);
  }
  return uses;
}

Result<UseCount> UseCount::Open() {
  Result<TracingInstance> instance = TracingInstance::Create({kEvent});
  if (!instance.ok()) return instance.failure();
  UseCount uses(*std::move(instance));
  if (auto set = uses.instance_.Write(kTrigger, kHistogram); !set.ok()) return set.failure();
  return uses;
}

UseCount::~UseCount() {
  if (instance_.folder().empty()) return;
  // An instance with a trigger can be busy.
  instance_.Write(kTrigger, std::string("!") + kHistogram).IgnoreFailure();
}

Result<Uses> UseCount::Read() const {
  const Result<std::string> text =
      ReadTextFile(instance_.folder() + "/events/module/module_get/hist", kTextLimit);
  if (!text.ok()) return text.failure();
  return ParseHistogram(*text);
}

}  // namespace kmod
