// Writes the fields of answers and reads those of requests; a message is a list of strings.
// class Reader in lib/live/helper/wire.ts, and the requests beside it, are the other end.
//
//   flag       "0" or "1"
//   number     decimal
//   list       a number, then that many strings
//   optional   a list with no string or one string
//   failure    KIND ERRNO ERRNO_NAME SYSCALL DETAIL
//   source     DIRECTORY, a flag and a list CONFIG if it is set, a list LOAD_LISTS,
//              a list LOAD_NAMES, a flag KERNEL_COMMAND_LINE (sourceStrings() in
//              lib/live/helper/queries.ts)
//
// The first string of a request is its verb. The first string of an answer is its kind: "failure",
// followed by a failure, or a kind that the role defines, in most cases "done".
#pragma once

#include <cerrno>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "../common/result.h"
#include "../libkmod/index_source.h"

namespace kmod {

class Reply {
 public:
  explicit Reply(const char* kind) { Put(kind); }
  static Reply Done() { return Reply("done"); }
  static Reply Of(const Failure& failure) {
    Reply reply("failure");
    reply.Put(failure);
    return reply;
  }

  void SetKind(const char* kind) { strings_[0] = kind; }

  void Put(std::string text) { strings_.push_back(std::move(text)); }
  void Put(const char* text) { strings_.emplace_back(text); }
  template <typename Number, typename = std::enable_if_t<std::is_integral_v<Number>>>
  void Put(Number number) {
    if constexpr (std::is_same_v<Number, bool>) {
      Put(number ? "1" : "0");
    } else {
      Put(std::to_string(number));
    }
  }
  void Put(const std::vector<std::string>& list) {
    Put(list.size());
    for (const std::string& text : list) Put(text);
  }
  void Put(const std::optional<std::string>& text) {
    Put(text.has_value());
    if (text) Put(*text);
  }
  void Put(const Failure& failure) {
    Put(FailureKindName(failure.kind));
    Put(failure.error);
    Put(ErrnoName(failure.error));
    Put(failure.syscall);
    Put(failure.detail);
  }

  std::vector<std::string> Take() { return std::move(strings_); }

 private:
  std::vector<std::string> strings_;
};

// Reads the fields of a request in their order. A field that is missing or malformed reads as empty
// and makes Check() fail, so the values may be used only after Check() has succeeded.
class Request {
 public:
  explicit Request(const std::vector<std::string>& strings) : strings_(strings), verb_(Text()) {}

  const std::string& verb() const { return verb_; }

  std::string Text() {
    if (next_ >= strings_.size()) {
      malformed_ = true;
      return {};
    }
    return strings_[next_++];
  }

  bool Flag() {
    const std::string text = Text();
    if (text != "0" && text != "1") malformed_ = true;
    return text == "1";
  }

  int Number() {
    const std::string text = Text();
    int number = 0;
    const char* end = text.data() + text.size();
    const auto [last, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc() && last == end && number >= 0) return number;
    malformed_ = true;
    return 0;
  }

  std::vector<std::string> List() {
    const int count = Number();
    std::vector<std::string> list;
    for (int i = 0; i < count && !malformed_; ++i) list.push_back(Text());
    return list;
  }

  IndexSource Source() {
    IndexSource source;
    source.directory = Text();
    if (Flag()) source.config = List();
    source.load_lists = List();
    source.load_names = List();
    source.kernel_command_line = Flag();
    return source;
  }

  // Whether no field is left. Also after a malformed field, so that a loop over the fields ends.
  bool AtEnd() const { return malformed_ || next_ >= strings_.size(); }

  // Fails if a field was malformed, or if not all strings of the request were read.
  Result<> Check() const {
    if (malformed_ || next_ != strings_.size()) return Malformed();
    return Ok();
  }

  // The answer to a malformed request and to an unknown verb.
  Failure Malformed() const {
    return SystemFailure(EBADMSG, {},
                         "the helper program does not understand the request \"" + verb_ +
                             "\"; `npm rebuild node-kmod` builds the helper that belongs to this "
                             "version");
  }

 private:
  const std::vector<std::string>& strings_;
  size_t next_ = 0;
  bool malformed_ = false;
  std::string verb_;  // last: its initialization uses the other members
};

}  // namespace kmod
