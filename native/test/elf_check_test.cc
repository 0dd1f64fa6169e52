#include <doctest/doctest.h>
#include <elf.h>

#include <cstring>

#include "../libkmod/file_check.h"
#include "module_file.h"

namespace kmod {
namespace {

std::string FaultOf(std::string_view bytes) {
  const Result<> checked = CheckElf(bytes);
  REQUIRE_FALSE(checked.ok());
  CHECK(checked.failure().kind == FailureKind::kFormat);
  return checked.failure().detail;
}

const std::string kSample = MakeModuleFile(std::string("license=GPL\0", 12));

// The sample with another value in the header of one section.
std::string WithSection(size_t index, size_t field, uint64_t value, size_t size) {
  std::string bytes = kSample;
  Elf64_Ehdr header;
  memcpy(&header, bytes.data(), sizeof(header));
  memcpy(&bytes[header.e_shoff + index * sizeof(Elf64_Shdr) + field], &value, size);
  return bytes;
}

TEST_CASE("a whole module file is accepted, and no part of it") {
  CHECK(CheckElf(kSample).ok());
  for (size_t length = 0; length < kSample.size(); ++length) {
    FaultOf(std::string_view(kSample).substr(0, length));
  }
}

TEST_CASE("text and compressed files are no ELF files") {
  CHECK(FaultOf("#!/bin/sh\necho this is text that is long enough") ==
        "it does not begin like an ELF file");
}

TEST_CASE("sections, and names of sections, must lie inside the file") {
  constexpr uint64_t kFar = 0xfffffffffffffff0;
  CHECK(FaultOf(WithSection(1, offsetof(Elf64_Shdr, sh_offset), kFar, 8)) ==
        "section 1 is cut off");
  CHECK(FaultOf(WithSection(1, offsetof(Elf64_Shdr, sh_size), kFar, 8)) == "section 1 is cut off");
  CHECK(FaultOf(WithSection(1, offsetof(Elf64_Shdr, sh_name), 0xffffff, 4)) ==
        "the name of a section is outside the file");
  CHECK(FaultOf(WithSection(2, offsetof(Elf64_Shdr, sh_size), 0, 8)) ==
        "the names of its sections are cut off");
}

TEST_CASE("a section that libkmod reads must have content") {
  CHECK(FaultOf(WithSection(1, offsetof(Elf64_Shdr, sh_type), SHT_NOBITS, 4)) ==
        "its section .modinfo has no content");
}

TEST_CASE("sections without content may have any size") {
  std::string bytes = WithSection(1, offsetof(Elf64_Shdr, sh_type), SHT_NOBITS, 4);
  // Another name: ".modinfo" becomes ".bodinfo".
  bytes.replace(bytes.find(".modinfo"), 2, ".b");
  CHECK(CheckElf(bytes).ok());
}

}  // namespace
}  // namespace kmod
