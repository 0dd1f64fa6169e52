#include "proc_text.h"

#include <algorithm>
#include <charconv>

namespace kmod {
namespace {

constexpr unsigned kKernelThread = 0x00200000;  // PF_KTHREAD

// Takes the text up to the next `separator` off the front of `text`, and drops the separator.
std::string_view TakeUntil(std::string_view* text, char separator) {
  const size_t end = text->find(separator);
  const std::string_view taken = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  return taken;
}

template <typename Number>
std::optional<Number> ToNumber(std::string_view text, int base = 10) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool IsOctal(char c) {
  return c >= '0' && c <= '7';
}

// The kernel writes a space in a path as "\040", and newlines and backslashes likewise.
std::string Unescape(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] <= '3' && IsOctal(text[i + 1]) &&
        IsOctal(text[i + 2]) && IsOctal(text[i + 3])) {
      plain.push_back(static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                        (text[i + 3] - '0')));
      i += 3;
    } else {
      plain.push_back(text[i]);
    }
  }
  return plain;
}

// 36 35 98:0 /root /path rw,noatime master:1 - ext4 /dev/sda1 rw,errors=continue
std::optional<MountLine> ParseMount(std::string_view line) {
  const std::optional<uint64_t> id = ToNumber<uint64_t>(TakeUntil(&line, ' '));
  TakeUntil(&line, ' ');  // that of its parent
  const std::optional<unsigned> major = ToNumber<unsigned>(TakeUntil(&line, ':'));
  const std::optional<unsigned> minor = ToNumber<unsigned>(TakeUntil(&line, ' '));
  MountLine mount;
  mount.root = Unescape(TakeUntil(&line, ' '));
  mount.path = Unescape(TakeUntil(&line, ' '));
  TakeUntil(&line, ' ');  // the options of this mount
  while (!line.empty() && TakeUntil(&line, ' ') != "-") {
  }
  mount.type = Unescape(TakeUntil(&line, ' '));
  TakeUntil(&line, ' ');  // the source
  mount.super_options = Unescape(line);
  if (!id || !major || !minor) return std::nullopt;
  if (mount.type.empty() || mount.path.empty() || mount.path[0] != '/') return std::nullopt;
  mount.id = *id;
  mount.major = *major;
  mount.minor = *minor;
  return mount;
}

// The value of a key of /proc/PID/status, without the white space before it.
std::string_view StatusField(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    std::string_view line = TakeUntil(&text, '\n');
    if (line.substr(0, key.size()) != key) continue;
    line.remove_prefix(key.size());
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    return line;
  }
  return {};
}

}  // namespace

std::optional<ProcessStat> ParseProcessStat(std::string_view text) {
  // PID (COMM) STATE PPID PGRP SESSION TTY TPGID FLAGS ...: only COMM can hold a parenthesis.
  const size_t open = text.find('(');
  const size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::nullopt;
  }
  ProcessStat stat;
  stat.comm = std::string(text.substr(open + 1, close - open - 1));
  std::string_view rest = text.substr(std::min(close + 2, text.size()));
  const std::string_view state = TakeUntil(&rest, ' ');
  const std::optional<pid_t> parent = ToNumber<pid_t>(TakeUntil(&rest, ' '));
  for (int i = 0; i < 4; ++i) TakeUntil(&rest, ' ');
  const std::optional<unsigned> flags = ToNumber<unsigned>(TakeUntil(&rest, ' '));
  for (int i = 0; i < 10; ++i) TakeUntil(&rest, ' ');
  stat.threads = ToNumber<int>(TakeUntil(&rest, ' ')).value_or(1);
  TakeUntil(&rest, ' ');
  const auto start_time = ToNumber<unsigned long long>(TakeUntil(&rest, ' '));
  if (state.size() != 1 || !parent || !flags) return std::nullopt;
  stat.state = state[0];
  stat.parent = *parent;
  stat.kernel_thread = (*flags & kKernelThread) != 0;
  stat.start_time = start_time.value_or(0);
  return stat;
}

std::vector<MountLine> ParseMounts(std::string_view text) {
  std::vector<MountLine> mounts;
  while (!text.empty()) {
    if (std::optional<MountLine> mount = ParseMount(TakeUntil(&text, '\n'))) {
      mounts.push_back(std::move(*mount));
    }
  }
  return mounts;
}

std::vector<Mapping> ParseMappings(std::string_view text) {
  std::vector<Mapping> mappings;
  while (!text.empty()) {
    // 7f00-7f01 rw-s 00000000 00:06 123          /dev/thing
    std::string_view line = TakeUntil(&text, '\n');
    Mapping mapping;
    mapping.range = TakeUntil(&line, ' ');
    TakeUntil(&line, ' ');  // what the process may do
    TakeUntil(&line, ' ');  // the place in the file
    mapping.file_system = TakeUntil(&line, ' ');
    mapping.inode = ToNumber<uint64_t>(TakeUntil(&line, ' ')).value_or(0);
    const size_t start = line.find_first_not_of(' ');
    if (start == std::string_view::npos || line[start] != '/') continue;
    mapping.path = line.substr(start);
    mappings.push_back(mapping);
  }
  return mappings;
}

std::optional<pid_t> ParseThreadGroup(std::string_view text) {
  return ToNumber<pid_t>(StatusField(text, "Tgid:"));
}

unsigned long long ParseEffectiveCapabilities(std::string_view text) {
  return ToNumber<unsigned long long>(StatusField(text, "CapEff:"), 16).value_or(0);
}

}  // namespace kmod
