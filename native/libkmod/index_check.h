// Checks whether the indexes that depmod wrote are complete, before libkmod reads them.
//
// libkmod follows the offsets in an index without comparing them with the size of the file. In a
// truncated index it finds no module and reports no error, or it reads past the mapping and
// crashes.
#pragma once

#include <string>
#include <string_view>

#include "../common/result.h"

namespace kmod {

// Walks the whole radix tree of one modules.*.bin. Fails (kFormat) if a node, string or value does
// not lie inside the file.
Result<> CheckIndex(std::string_view bytes);

// Checks the indexes in a directory such as /lib/modules/6.1.0. A missing file is no failure.
Result<> CheckIndexFiles(const std::string& directory);

}  // namespace kmod
