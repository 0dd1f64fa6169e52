// Checks files before libkmod opens them in this process. libkmod opens a FIFO and waits for a
// writer, and ends its process, or reads outside its memory, on some damaged module files.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../common/result.h"

namespace kmod {

// Fails (kFormat) if there is something else at the path than a regular file, a directory or
// /dev/null, to which a link in modprobe.d masks a file. A missing file is no failure: libkmod
// reports it.
Result<> CheckRegularFile(const std::string& path);

// The files that kmod_new() reads. `config`: directories or files; nullopt: libkmod's own list.
Result<> CheckConfigFiles(const std::string& directory,
                          const std::optional<std::vector<std::string>>& config);

// A module file. The content of a compressed file is not checked, only that it is compressed.
Result<> CheckModuleFile(const std::string& path);

// A module file (ELF): fails (kFormat) if a header, a section or a name of one lies outside the
// file, or if a table that libkmod reads is malformed.
Result<> CheckElf(std::string_view bytes);

}  // namespace kmod
