#include "../common/result.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <memory>
#include <string>

namespace kmod {
namespace {

Result<std::string> Text(bool succeed) {
  if (!succeed) return SystemFailure(ENOENT, "open", "/path");
  return "text";
}

// Passes a failure on, as a caller with another value type does.
Result<size_t> Length(bool succeed) {
  const Result<std::string> text = Text(succeed);
  if (!text.ok()) return text.failure();
  return text->size();
}

Result<> Check(bool succeed) {
  if (const Result<size_t> length = Length(succeed); !length.ok()) return length.failure();
  return Ok();
}

TEST_CASE("a result is a value or a failure") {
  REQUIRE(Text(true).ok());
  CHECK(*Text(true) == "text");
  CHECK(*Length(true) == 4);
  CHECK(Check(true).ok());
}

TEST_CASE("a failure is passed on unchanged") {
  const Result<> checked = Check(false);
  REQUIRE_FALSE(checked.ok());
  CHECK(checked.failure().kind == FailureKind::kSystem);
  CHECK(checked.failure().error == ENOENT);
  CHECK(checked.failure().syscall == "open");
  CHECK(checked.failure().detail == "/path");
}

TEST_CASE("a value can be moved out of a result, and replaced") {
  Result<std::unique_ptr<int>> owner = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = *std::move(owner);
  CHECK(*taken == 7);
  CHECK(Text(true).ValueOr("other") == "text");
  CHECK(Text(false).ValueOr("other") == "other");
}

TEST_CASE("the kernel's error numbers have names, unknown numbers do not") {
  CHECK(ErrnoName(EBUSY) == std::string("EBUSY"));
  CHECK(ErrnoName(EKEYREJECTED) == std::string("EKEYREJECTED"));
  CHECK(ErrnoName(0) == std::string());
  CHECK(ErrnoName(99999) == std::string());
}

}  // namespace
}  // namespace kmod
