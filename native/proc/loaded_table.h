// The kernel's table of loaded modules, /proc/modules, read until it is true.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "../common/failure.h"

namespace kmod {

struct TableScan {
  std::vector<std::string_view> names;  // one a row, in the table's order
  size_t malformed_line = 0;            // 1-based; 0: every row has the kernel's form
  bool ascii = true;                    // no byte above 127
};

// Checks every row against what the kernel's m_show() prints:
//   NAME SIZE REFERENCES HOLDERS[,[permanent],] STATE ADDRESS [(TAINTS)]
// and collects the names. Stops at the first row that has another form.
TableScan ScanTable(std::string_view text);

// The same names in the same order, none twice.
bool SameModules(const TableScan& one, const TableScan& other);

struct LoadedTable {
  std::string text;
  bool ascii = true;
  int readings = 0;
};

// Reads the table at `path` until two readings in a row name the same modules in the same order
// without repeats. One reading is not a snapshot: the kernel indexes the file by position and
// locks it for each read(2) only, so while modules come and go a reading can miss a module that was
// loaded all the time, or show one twice. After eight readings it gives up (kTransient).
Result<LoadedTable> ReadLoadedTable(const char* path);

// The row of one module, with its newline; "" where there is none. A row is printed under the
// kernel's lock, so one reading that has it is enough; that there is none takes a true picture.
Result<std::string> ReadTableRow(const char* path, std::string_view name);

}  // namespace kmod
