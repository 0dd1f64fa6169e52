#include "parent.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace kmod {
namespace {

// The rest of the line that begins with `key`; empty if there is none.
std::string_view ValueOf(std::string_view status, std::string_view key) {
  for (size_t at = 0; at < status.size();) {
    const size_t end = std::min(status.find('\n', at), status.size());
    const std::string_view line = status.substr(at, end - at);
    if (line.substr(0, key.size()) == key) return line.substr(key.size());
    at = end + 1;
  }
  return {};
}

// The word with this index in a list that is separated by tabs.
std::string_view WordAt(std::string_view text, int index) {
  for (int i = 0; i < index; ++i) {
    const size_t tab = text.find('\t');
    if (tab == std::string_view::npos) return {};
    text.remove_prefix(tab + 1);
  }
  return text.substr(0, text.find('\t'));
}

template <typename Number>
std::optional<Number> ToNumber(std::string_view text, int base) {
  Number number = 0;
  const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (text.empty() || error != std::errc() || last != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

// Reads a status file from its beginning; the kernel writes it again
// for each reading. Returns '' if that fails.
std::string ReadStatus(int status) {
  // Much larger than the file.
  std::string text(8192, '\0');
  const ssize_t got = pread(status, text.data(), text.size(), 0);
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return text;
}

UniqueFd OpenStatus(std::string_view process) {
  const std::string path = "/proc/" + std::string(process) + "/status";
  return UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

std::optional<Privileges> ReadPrivileges(const UniqueFd& status) {
  if (!status) return std::nullopt;
  return ParsePrivileges(ReadStatus(status.get()));
}

// The effective capabilities of this process.
uint64_t OwnCapabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) != 0) return 0;
  return data[0].effective | (static_cast<uint64_t>(data[1].effective) << 32);
}

// Keeps only those of the own capabilities that are in `allowed`.
void LimitCapabilities(uint64_t allowed) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) != 0) return;
  for (int i = 0; i < 2; ++i) {
    const auto part = static_cast<uint32_t>(allowed >> (32 * i));
    data[i].effective &= part;
    data[i].permitted &= part;
    data[i].inheritable &= part;
  }
  // Only a smaller set is asked for, which every process may do.
  syscall(SYS_capset, &header, data);
}

}  // namespace

std::optional<Privileges> ParsePrivileges(std::string_view status) {
  // Uid: REAL EFFECTIVE SAVED FILESYSTEM. Source: task_state() in fs/proc/array.c.
  const std::optional<unsigned> user = ToNumber<unsigned>(WordAt(ValueOf(status, "Uid:\t"), 1), 10);
  const std::optional<uint64_t> capabilities = ToNumber<uint64_t>(ValueOf(status, "CapEff:\t"), 16);
  if (!user || !capabilities) return std::nullopt;
  return Privileges{*user, *capabilities};
}

bool MayUse(const Privileges& process, const Privileges& helper) {
  return process.user == helper.user && (helper.capabilities & ~process.capabilities) == 0;
}

bool EndWithParent(int pipe) {
  // The end of the last writer is an event of the pipe, and there is no other one: nothing is
  // written to it. Not PR_SET_PDEATHSIG, which sends the signal at the end of the thread that has
  // started this process: the threads of some runtimes end when they have nothing to do. A handler
  // of another signal would not run while this process waits for NFS or FUSE.
  fcntl(pipe, F_SETOWN, getpid());
  fcntl(pipe, F_SETSIG, SIGKILL);
  fcntl(pipe, F_SETFL, O_ASYNC);
  pollfd now = {pipe, 0, 0};
  return poll(&now, 1, 0) == 0;
}

Parent Parent::Open() {
  // Not getppid(): /proc can be that of another PID namespace, where the numbers differ.
  const UniqueFd own = OpenStatus("self");
  const std::string text = own ? ReadStatus(own.get()) : std::string();
  UniqueFd status = OpenStatus(ValueOf(text, "PPid:\t"));
  const std::optional<Privileges> parent = ReadPrivileges(status);
  if (parent) LimitCapabilities(parent->capabilities);
  return {std::move(status), geteuid()};
}

Result<> Parent::Check() const {
  // A role may have given up capabilities since the start, and needs only the rest.
  const Privileges own = {user_, OwnCapabilities()};
  // Without privileges there is nothing to protect, and with `hidepid` /proc may be closed to it.
  if (own.user != 0 && own.capabilities == 0) return Ok();
  const std::optional<Privileges> parent = ReadPrivileges(status_);
  if (!parent) {
    return PermissionFailure(
        "the helper program cannot read the privileges of this process in /proc");
  }
  if (!MayUse(*parent, own)) {
    return PermissionFailure(
        "this process no longer has the privileges with which it started its helper program");
  }
  return Ok();
}

}  // namespace kmod
