// Makes a module file that has only a .modinfo section, which is all that modinfo reads.
#pragma once

#include <elf.h>

#include <cstring>
#include <string>

namespace kmod {

inline std::string MakeModuleFile(const std::string& modinfo) {
  const std::string names("\0.modinfo\0.shstrtab\0", 20);
  Elf64_Ehdr header = {};
  memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 3;
  header.e_shstrndx = 2;
  Elf64_Shdr sections[3] = {};
  sections[1].sh_name = 1;
  sections[1].sh_type = SHT_PROGBITS;
  sections[1].sh_offset = sizeof(header);
  sections[1].sh_size = modinfo.size();
  sections[2].sh_name = 10;
  sections[2].sh_type = SHT_STRTAB;
  sections[2].sh_offset = sizeof(header) + modinfo.size();
  sections[2].sh_size = names.size();
  header.e_shoff = sizeof(header) + modinfo.size() + names.size();
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header)) + modinfo + names +
         std::string(reinterpret_cast<const char*>(sections), sizeof(sections));
}

}  // namespace kmod
