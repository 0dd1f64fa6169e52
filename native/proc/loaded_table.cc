#include "loaded_table.h"

#include <time.h>

#include <memory>
#include <optional>
#include <unordered_set>
#include <utility>

#include "text_file.h"

namespace kmod {
namespace {

constexpr size_t kTableLimit = 64 * 1024 * 1024;
constexpr int kMostReadings = 8;

// Takes the next field off the front of a row; "" at its end.
std::string_view TakeField(std::string_view* row) {
  const size_t space = row->find(' ');
  const std::string_view field = row->substr(0, space);
  *row = space == std::string_view::npos ? std::string_view() : row->substr(space + 1);
  return field;
}

bool IsNumber(std::string_view text) {
  if (text.empty() || text.size() > 20) return false;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  return true;
}

// "-" without CONFIG_MODULE_UNLOAD; "-1" while the module is being removed.
bool IsReferenceCount(std::string_view text) {
  if (text == "-") return true;
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  return IsNumber(text);
}

// "-", or names and "[permanent]", each followed by a comma.
bool IsHolders(std::string_view text) {
  return text == "-" || (!text.empty() && text.back() == ',');
}

bool IsState(std::string_view text) {
  return text == "Live" || text == "Loading" || text == "Unloading";
}

// The name in a row, or nullopt if the row has another form.
std::optional<std::string_view> ScanRow(std::string_view row) {
  const std::string_view name = TakeField(&row);
  const std::string_view size = TakeField(&row);
  const std::string_view references = TakeField(&row);
  const std::string_view holders = TakeField(&row);
  const std::string_view state = TakeField(&row);
  if (name.empty() || !IsNumber(size) || !IsReferenceCount(references) || !IsHolders(holders) ||
      !IsState(state)) {
    return std::nullopt;
  }
  return name;
}

// The row of a module, with its newline; "" if there is none.
std::string FindRow(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const size_t length = end == std::string_view::npos ? text.size() : end + 1;
    if (text.size() > name.size() && text[name.size()] == ' ' &&
        text.substr(0, name.size()) == name) {
      return std::string(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  return {};
}

// A text and the names that point into it. On the heap and never moved, because moving a short
// std::string moves its bytes.
struct Reading {
  explicit Reading(std::string whole) : text(std::move(whole)), scan(ScanTable(text)) {}
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  std::string text;
  Result<TableScan> scan;
};

void Pause(int milliseconds) {
  const timespec pause = {0, milliseconds * 1000000L};
  nanosleep(&pause, nullptr);
}

}  // namespace

Result<TableScan> ScanTable(std::string_view text) {
  TableScan scan;
  size_t line = 0;
  while (!text.empty()) {
    ++line;
    const size_t end = text.find('\n');
    const std::string_view row = text.substr(0, end);
    // The kernel ends every row with a newline: without it the table was cut off.
    const bool complete = end != std::string_view::npos;
    text.remove_prefix(complete ? end + 1 : text.size());
    if (row.empty()) continue;
    const std::optional<std::string_view> name = complete ? ScanRow(row) : std::nullopt;
    if (!name) {
      return FormatFailure("line " + std::to_string(line) +
                           " is not a row of the kernel's module table");
    }
    scan.names.push_back(*name);
    for (const char c : row) {
      if (static_cast<unsigned char>(c) > 127) scan.ascii = false;
    }
  }
  return scan;
}

bool SameModules(const TableScan& one, const TableScan& other) {
  if (one.names != other.names) return false;
  std::unordered_set<std::string_view> seen;
  seen.reserve(one.names.size());
  for (const std::string_view name : one.names) {
    if (!seen.insert(name).second) return false;
  }
  return true;
}

Result<std::string> ReadTableRow(const std::string& path, std::string_view name) {
  const Result<std::string> text = ReadTextFile(path, kTableLimit);
  if (!text.ok()) return text.failure();
  std::string row = FindRow(*text, name);
  if (!row.empty() && ScanTable(row).ok()) return row;
  const Result<LoadedTable> table = ReadLoadedTable(path);
  if (!table.ok()) return table.failure();
  return FindRow(table->text, name);
}

Result<LoadedTable> ReadLoadedTable(const std::string& path) {
  std::unique_ptr<Reading> previous;
  for (int count = 1; count <= kMostReadings; ++count) {
    Result<std::string> text = ReadTextFile(path, kTableLimit);
    if (!text.ok()) return text.failure();
    auto reading = std::make_unique<Reading>(*std::move(text));
    if (!reading->scan.ok()) return FormatFailure(path + " " + reading->scan.failure().detail);
    if (previous && SameModules(*previous->scan, *reading->scan)) {
      // The later reading is returned, because its counts are newer.
      return LoadedTable{std::move(reading->text), reading->scan->ascii, count};
    }
    previous = std::move(reading);
    // A module is being loaded or removed: wait a little longer before each further reading.
    if (count >= 2) Pause(count);
  }
  return Failure{
      FailureKind::kTransient,
      0,
      {},
      path + " changed between any two of " + std::to_string(kMostReadings) + " readings"};
}

}  // namespace kmod
