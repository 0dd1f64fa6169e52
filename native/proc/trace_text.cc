#include "trace_text.h"

#include <algorithm>
#include <charconv>

namespace kmod {
namespace {

// The kernel right-aligns the comm, of at most 15 bytes, to this width. So a comm can contain a
// newline, or text that looks like the next columns, but never a whole event.
constexpr size_t kCommWidth = 16;
// The most bytes that are kept of a line whose end has not been read. An event's line is far
// shorter.
constexpr size_t kLineLimit = 64 * 1024;

template <typename Number>
std::optional<Number> ToNumber(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

void TrimEnd(std::string_view* text) {
  text->remove_suffix(text->size() - (text->find_last_not_of(' ') + 1));
}

// Takes the last word off the end of `text`, with the spaces after it.
std::string_view TakeLastWord(std::string_view* text) {
  TrimEnd(text);
  const size_t start = text->find_last_of(' ') + 1;
  const std::string_view word = text->substr(start);
  text->remove_suffix(word.size());
  return word;
}

// "12.345678"
std::optional<long long> ToMicroseconds(std::string_view text) {
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos || text.size() != dot + 7) return std::nullopt;
  const auto seconds = ToNumber<unsigned>(text.substr(0, dot));
  const auto micros = ToNumber<unsigned>(text.substr(dot + 1));
  if (!seconds || !micros) return std::nullopt;
  return *seconds * 1000000LL + *micros;
}

}  // namespace

TraceText::TraceText(const std::string& module)
    : get_(": module_get: " + module + " call_site="),
      put_(": module_put: " + module + " call_site=") {}

std::vector<ReferenceEvent> TraceText::Push(std::string_view piece) {
  std::vector<ReferenceEvent> events;
  for (;;) {
    const size_t end = piece.find('\n');
    line_.append(piece.substr(0, end));
    if (line_.size() > kLineLimit) line_.erase(0, line_.size() - kLineLimit);
    if (end == std::string_view::npos) return events;
    piece.remove_prefix(end + 1);
    if (std::optional<ReferenceEvent> event = TakeLine(line_)) {
      events.push_back(std::move(*event));
      tail_.clear();
    } else {
      tail_.append(line_).push_back('\n');
      tail_.erase(0, tail_.size() - std::min(tail_.size(), kCommWidth));
    }
    line_.clear();
  }
}

// Parses from the end of the line, because the comm at its front can look like anything:
//   "            bash-177     [000] .....     9.387787: module_get: tun call_site=f [tun] refcnt=2"
// With some trace options the line has the thread group in parentheses before the CPU, and an
// offset after the function.
std::optional<ReferenceEvent> TraceText::TakeLine(std::string_view line) {
  ReferenceEvent event;
  size_t middle = line.rfind(get_);
  event.get = middle != std::string_view::npos;
  if (!event.get) middle = line.rfind(put_);
  if (middle == std::string_view::npos) return std::nullopt;

  std::string_view what = line.substr(middle + get_.size());
  constexpr std::string_view kCount = " refcnt=";
  const size_t count_at = what.rfind(kCount);
  if (count_at == std::string_view::npos) return std::nullopt;
  const auto count = ToNumber<int>(what.substr(count_at + kCount.size()));
  event.caller = std::string(what.substr(0, what.find_first_of(" +")));

  std::string_view who = line.substr(0, middle);
  const auto time = ToMicroseconds(TakeLastWord(&who));
  TakeLastWord(&who);  // the column of flags (interrupts off, ...)
  const std::string_view cpu = TakeLastWord(&who);
  TrimEnd(&who);
  if (!who.empty() && who.back() == ')') {
    who = who.substr(0, who.rfind('('));
    TrimEnd(&who);
  }
  const size_t dash = who.find_last_not_of("0123456789");
  if (dash == std::string_view::npos || who[dash] != '-') return std::nullopt;
  const auto thread = ToNumber<pid_t>(who.substr(dash + 1));

  if (!count || !time || !thread || event.caller.empty() || cpu.empty() || cpu[0] != '[') {
    return std::nullopt;
  }
  event.count = *count;
  event.microseconds = *time;
  event.thread = *thread;
  event.comm = TakeComm(who.substr(0, dash));
  return event;
}

std::optional<std::string> TraceText::TakeComm(std::string_view end) const {
  std::string comm = end.size() < kCommWidth ? tail_ : std::string();
  comm.append(end);
  comm.erase(0, comm.size() - std::min(comm.size(), kCommWidth));
  comm.erase(0, std::min(comm.find_first_not_of(' '), comm.size()));
  if (comm == "<...>") return std::nullopt;
  return comm;
}

}  // namespace kmod
