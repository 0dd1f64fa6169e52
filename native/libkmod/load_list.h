// The files that name the modules to load when the system starts: those of modules-load.d, and
// /etc/modules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kmod {

// The names and aliases in such a file: one a line, without the blanks around it; a line that
// begins with # or ; is a comment.
std::vector<std::string> ParseLoadList(std::string_view text);

// Those of all files in `places`: directories, of whose *.conf files with one name the first
// directory's counts (so that an empty file there, or a link to /dev/null, masks the others), and
// plain files. What cannot be read names nothing.
std::vector<std::string> ReadLoadLists(const std::vector<std::string>& places);

}  // namespace kmod
