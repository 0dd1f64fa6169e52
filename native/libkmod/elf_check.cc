// The format of module files: <elf.h>, and kmod_elf_new() and its neighbours in libkmod-elf.c.
#include <elf.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "file_check.h"

namespace kmod {
namespace {

// The sections that libkmod reads by their name.
constexpr std::string_view kReadByName[] = {
    ".modinfo",           "__versions",         ".symtab", ".strtab", "__ksymtab_strings",
    "__version_ext_crcs", "__version_ext_names"};

struct Section {
  std::string_view name;
  uint32_t type = 0;
  std::string_view bytes;
};

// Reads the fields of an ELF file of one class (32 or 64 bits) and either byte order.
template <typename Header, typename SectionHeader, typename Symbol, typename Word>
class Elf {
 public:
  explicit Elf(std::string_view bytes)
      : bytes_(bytes), swapped_((bytes[EI_DATA] == ELFDATA2MSB) != kBigEndianHost) {}

  Result<> Check() {
    if (bytes_.size() < sizeof(Header)) return FormatFailure("it is shorter than its header");
    const auto header = At<Header>(0);
    if (Native(header.e_shentsize) != sizeof(SectionHeader)) {
      return FormatFailure("the size of its section headers is wrong");
    }
    const size_t count = Native(header.e_shnum);
    const size_t offset = Native(header.e_shoff);
    if (!IsInside(offset, count * sizeof(SectionHeader))) {
      return FormatFailure("its section headers are cut off");
    }
    const size_t names_at = Native(header.e_shstrndx);
    if (names_at >= count) return FormatFailure("it has no names of sections");
    if (Result<> read = ReadSections(offset, count); !read.ok()) return read;
    const std::string_view names = sections_[names_at].bytes;
    if (!EndsWithNul(names)) return FormatFailure("the names of its sections are cut off");
    for (size_t i = 0; i < count; ++i) {
      const size_t name = Native(At<SectionHeader>(offset + i * sizeof(SectionHeader)).sh_name);
      if (name >= names.size()) return FormatFailure("the name of a section is outside the file");
      sections_[i].name = names.data() + name;
    }
    return CheckTables();
  }

 private:
  static constexpr bool kBigEndianHost = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

  // A copy, because nothing in the file is aligned.
  template <typename T>
  T At(size_t offset) const {
    T value;
    memcpy(&value, bytes_.data() + offset, sizeof(value));
    return value;
  }

  template <typename T>
  T Native(T value) const {
    if (!swapped_) return value;
    auto* bytes = reinterpret_cast<unsigned char*>(&value);
    std::reverse(bytes, bytes + sizeof(value));
    return value;
  }

  bool IsInside(size_t offset, size_t size) const {
    return offset <= bytes_.size() && size <= bytes_.size() - offset;
  }

  static bool EndsWithNul(std::string_view text) { return !text.empty() && text.back() == '\0'; }

  Result<> ReadSections(size_t offset, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const auto header = At<SectionHeader>(offset + i * sizeof(SectionHeader));
      Section section;
      section.type = Native(header.sh_type);
      const size_t begin = Native(header.sh_offset);
      const size_t size = Native(header.sh_size);
      // Sections without content (.bss) have a size in memory only. The first header describes
      // none.
      if (i != 0 && section.type != SHT_NOBITS) {
        if (!IsInside(begin, size)) {
          return FormatFailure("section " + std::to_string(i) + " is cut off");
        }
        section.bytes = bytes_.substr(begin, size);
      }
      sections_.push_back(section);
    }
    return Ok();
  }

  // Null if there is none.
  const Section* Find(std::string_view name) const {
    const auto found =
        std::find_if(sections_.begin(), sections_.end(),
                     [name](const Section& section) { return section.name == name; });
    return found == sections_.end() ? nullptr : &*found;
  }

  Result<> CheckTables() const {
    for (const Section& section : sections_) {
      const bool is_read = std::find(std::begin(kReadByName), std::end(kReadByName),
                                     section.name) != std::end(kReadByName);
      if (is_read && section.type == SHT_NOBITS) {
        return FormatFailure("its section " + std::string(section.name) + " has no content");
      }
      if (section.type == SHT_STRTAB && !EndsWithNul(section.bytes)) {
        return FormatFailure("its section " + std::string(section.name) +
                             " does not end with a NUL");
      }
      if (section.name == "__versions" && !AreVersions(section.bytes)) {
        return FormatFailure("its section __versions is malformed");
      }
    }
    return CheckSymbols();
  }

  // Entries of 64 bytes: a checksum of the size of a long, and a name that ends with a NUL.
  static bool AreVersions(std::string_view bytes) {
    constexpr size_t kEntry = 64;
    if (bytes.size() % kEntry != 0) return false;
    for (size_t at = 0; at < bytes.size(); at += kEntry) {
      const std::string_view name = bytes.substr(at + sizeof(Word), kEntry - sizeof(Word));
      if (name.find('\0') == std::string_view::npos) return false;
    }
    return true;
  }

  Result<> CheckSymbols() const {
    const Section* symbols = Find(".symtab");
    if (symbols == nullptr) return Ok();
    const Section* names = Find(".strtab");
    if (names == nullptr || !EndsWithNul(names->bytes) ||
        symbols->bytes.size() % sizeof(Symbol) != 0) {
      return FormatFailure("its table of symbols is malformed");
    }
    for (size_t at = 0; at < symbols->bytes.size(); at += sizeof(Symbol)) {
      Symbol symbol;
      memcpy(&symbol, symbols->bytes.data() + at, sizeof(symbol));
      if (Native(symbol.st_name) >= names->bytes.size()) {
        return FormatFailure("the name of a symbol is outside the file");
      }
    }
    return Ok();
  }

  std::string_view bytes_;
  bool swapped_;
  std::vector<Section> sections_;
};

}  // namespace

Result<> CheckElf(std::string_view bytes) {
  if (bytes.size() < EI_NIDENT || bytes.substr(0, SELFMAG) != ELFMAG) {
    return FormatFailure("it does not begin like an ELF file");
  }
  switch (bytes[EI_CLASS]) {
    case ELFCLASS32:
      return Elf<Elf32_Ehdr, Elf32_Shdr, Elf32_Sym, Elf32_Word>(bytes).Check();
    case ELFCLASS64:
      return Elf<Elf64_Ehdr, Elf64_Shdr, Elf64_Sym, Elf64_Xword>(bytes).Check();
    default:
      return FormatFailure("its ELF class is unknown");
  }
}

}  // namespace kmod
