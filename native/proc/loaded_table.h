// Reads the kernel's table of loaded modules, /proc/modules, until the reading is consistent.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "../common/result.h"

namespace kmod {

struct TableScan {
  std::vector<std::string_view> names;  // one for each row, in the order of the table
  bool ascii = true;                    // no byte above 127
};

// Checks each row against the format of m_show() in kernel/module/procfs.c,
//   NAME SIZE REFERENCES HOLDERS[,[permanent],] STATE ADDRESS [(TAINTS)]
// and collects the names, which point into `text`. A row of another form is a failure that names
// its line.
Result<TableScan> ScanTable(std::string_view text);

// Whether both have the same names in the same order, each name once.
bool SameModules(const TableScan& one, const TableScan& other);

struct LoadedTable {
  std::string text;
  bool ascii = true;
  int readings = 0;
};

// Reads the table at `path` until two readings in a row name the same modules in the same order
// without repeats. One reading is not a snapshot: the kernel indexes the file by position and locks
// it for each read(2) only, so while modules are loaded and removed one reading can miss a module
// that stayed loaded, or show one twice. Fails after eight readings (kTransient).
Result<LoadedTable> ReadLoadedTable(const std::string& path);

// The row of one module, with its newline; "" if the module is not in the table. One reading with
// the row is enough, because the kernel prints a row under its lock. If it
// has no row, the table is read as in ReadLoadedTable before "" is returned.
Result<std::string> ReadTableRow(const std::string& path, std::string_view name);

}  // namespace kmod
