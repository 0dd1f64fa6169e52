// Is a modules.*.bin whole? libkmod follows the offsets in an index without looking at the file's
// size: in a truncated one it finds nothing, silently, or reads past the mapping and dies.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kmod {

// Walks the whole radix tree. Nothing: every node, string and value lies inside the file, as depmod
// writes it. Else what is wrong.
std::optional<std::string> FindIndexFault(std::string_view bytes);

}  // namespace kmod
