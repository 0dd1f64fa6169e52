// The one way in which a function reports failure: Result<T> holds a T or a Failure.
//
//   const Result<std::string> text = ReadTextFile(path, limit);
//   if (!text.ok()) return text.failure();
//   Use(*text);
#pragma once

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "failure.h"

namespace kmod {

template <typename T = void>
class [[nodiscard]] Result {
 public:
  // Both constructors are implicit, so that a function can return a value or a Failure directly.
  template <typename U = T, typename = std::enable_if_t<std::is_convertible_v<U, T> &&
                                                        !std::is_same_v<std::decay_t<U>, Failure> &&
                                                        !std::is_same_v<std::decay_t<U>, Result>>>
  Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}
  Result(Failure failure) : state_(std::in_place_index<1>, std::move(failure)) {}

  bool ok() const { return state_.index() == 0; }

  // Access to the one that it does not hold is a bug: it ends the helper, which is compiled without
  // exceptions, and throws in the addon.
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  // A value, not a reference: `for (x : *Function())` would keep a reference into a dead temporary.
  T operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const Failure& failure() const { return std::get<1>(state_); }

  // For callers that can use `other` instead of the value.
  T ValueOr(T other) && { return ok() ? std::get<0>(std::move(state_)) : std::move(other); }

 private:
  std::variant<T, Failure> state_;
};

// Success without a value, which Ok() returns, or a Failure.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Failure failure) : failure_(std::move(failure)) {}

  bool ok() const { return !failure_; }
  const Failure& failure() const { return failure_.value(); }

  // For callers to which a failure does not matter; a comment at the call says why.
  void IgnoreFailure() const {}

 private:
  std::optional<Failure> failure_;
};

inline Result<> Ok() {
  return {};
}

}  // namespace kmod
