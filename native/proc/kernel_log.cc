#include "kernel_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

namespace kmod {
namespace {

// A read returns one whole record, or fails with EINVAL if the buffer is too small. The longest
// record with its prefix and dictionary is 8 KiB.
constexpr size_t kRecordLimit = 16 * 1024;
// The most records in one Read(), so that it ends even if the system logs faster than it reads.
constexpr int kMostRecords = 100000;
// The lowest priority with another facility than the kernel's, which is 0.
constexpr unsigned kPriorityOfProcesses = 8;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

Result<KernelLog> KernelLog::Open(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return SystemFailure(errno, "open", path);
  if (lseek(fd.get(), 0, SEEK_END) < 0) return SystemFailure(errno, "lseek", path);
  return KernelLog(std::move(fd));
}

Result<KernelLogRead> KernelLog::Read() {
  KernelLogRead result;
  std::string record(kRecordLimit, '\0');
  for (int count = 0; count < kMostRecords; ++count) {
    const ssize_t got = read(fd_.get(), record.data(), record.size());
    if (got > 0) {
      result.records.push_back(ParseKernelLogRecord(record.substr(0, static_cast<size_t>(got))));
    } else if (got == 0 || errno == EAGAIN) {
      return result;
    } else if (errno == EPIPE) {
      result.lost = true;  // the next read returns the oldest record that is left
    } else if (errno != EINTR) {
      return SystemFailure(errno, "read", "/dev/kmsg");
    }
  }
  // There may be more records.
  result.lost = true;
  return result;
}

KernelLogRecord ParseKernelLogRecord(const std::string& record) {
  KernelLogRecord parsed;
  const size_t start = record.find(';');
  if (start == std::string::npos) return parsed;
  // The prefix starts with a number, 8 * facility + level.
  unsigned priority = kPriorityOfProcesses;
  std::from_chars(record.data(), record.data() + start, priority);
  parsed.from_kernel = priority < kPriorityOfProcesses;
  // The first line is the message. The lines after it start with a space and name the device.
  const size_t end = record.find('\n', start);
  const std::string raw =
      record.substr(start + 1, end == std::string::npos ? end : end - start - 1);
  std::string& text = parsed.text;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\\' && i + 3 < raw.size() && raw[i + 1] == 'x') {
      const int high = HexDigit(raw[i + 2]);
      const int low = HexDigit(raw[i + 3]);
      if (high >= 0 && low >= 0) {
        text.push_back(static_cast<char>(high * 16 + low));
        i += 3;
        continue;
      }
    }
    text.push_back(raw[i]);
  }
  return parsed;
}

}  // namespace kmod
