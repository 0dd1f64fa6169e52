// Putting answers together and taking requests apart.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../common/failure.h"

namespace kmod {

class Reply {
 public:
  static Reply Done() {
    Reply reply;
    reply.Put("done");
    return reply;
  }
  static Reply Of(const Failure& failure) {
    Reply reply;
    reply.Put("failure");
    reply.Put(FailureKindName(failure.kind));
    reply.Put(std::to_string(failure.error));
    reply.Put(ErrnoName(failure.error));
    reply.Put(failure.syscall);
    reply.Put(failure.detail);
    return reply;
  }

  void Put(std::string text) { strings_.push_back(std::move(text)); }
  void Put(bool value) { Put(std::string(value ? "1" : "0")); }
  void Put(const char* text) { Put(std::string(text)); }
  // A list is its length and its strings; an optional is a list of none or one.
  void Put(const std::vector<std::string>& list) {
    Put(std::to_string(list.size()));
    for (const std::string& text : list) Put(text);
  }
  void Put(const std::optional<std::string>& text) {
    Put(std::string(text ? "1" : "0"));
    if (text) Put(*text);
  }

  std::vector<std::string> Take() { return std::move(strings_); }

 private:
  std::vector<std::string> strings_;
};

// Reads the strings of a request one after the other; one that ends too early gives empty strings
// and is found by ok().
class Request {
 public:
  explicit Request(const std::vector<std::string>& strings) : strings_(strings) {}

  bool ok() const { return ok_; }
  bool AtEnd() const { return next_ >= strings_.size(); }
  std::string Text() {
    if (AtEnd()) {
      ok_ = false;
      return {};
    }
    return strings_[next_++];
  }
  bool Flag() { return Text() == "1"; }
  std::vector<std::string> List() {
    const unsigned long count = strtoul(Text().c_str(), nullptr, 10);
    std::vector<std::string> list;
    for (unsigned long i = 0; i < count && ok_; ++i) list.push_back(Text());
    return list;
  }
  std::optional<std::vector<std::string>> OptionalList() {
    if (!Flag()) return std::nullopt;
    return List();
  }

 private:
  const std::vector<std::string>& strings_;
  size_t next_ = 0;
  bool ok_ = true;
};

}  // namespace kmod
