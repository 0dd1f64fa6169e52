// Reads the files that name the modules to load when the system starts: modules-load.d,
// /etc/modules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "../common/result.h"

namespace kmod {

// The names and aliases in such a file: one on each line, without the white space around it. A line
// that starts with # or ; is a comment.
std::vector<std::string> ParseLoadList(std::string_view text);

struct LoadLists {
  std::vector<std::string> names;
  std::vector<Failure> failures;  // one for each file or directory that could not be read
};

// Reads all files in `places`: plain files, and the *.conf files of directories. If several
// directories have a file with the same name, only the one in the first directory counts, so an
// empty file there, or a link to /dev/null, masks the others. A missing file or directory is no
// failure.
LoadLists ReadLoadLists(const std::vector<std::string>& places);

}  // namespace kmod
