#include "loaded_table.h"

#include <time.h>

#include <memory>
#include <unordered_set>
#include <utility>

#include "text_file.h"

namespace kmod {
namespace {

constexpr size_t kTableLimit = 64 * 1024 * 1024;
constexpr int kMostReadings = 8;

// The next field of a row: up to a blank, never empty.
bool TakeField(std::string_view* row, std::string_view* field) {
  const size_t blank = row->find(' ');
  *field = row->substr(0, blank);
  *row = blank == std::string_view::npos ? std::string_view() : row->substr(blank + 1);
  return !field->empty();
}

bool IsNumber(std::string_view text) {
  if (text.empty() || text.size() > 20) return false;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  return true;
}

// "-" without CONFIG_MODULE_UNLOAD; "-1" while the module is being unloaded.
bool IsReferenceCount(std::string_view text) {
  if (text == "-") return true;
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  return IsNumber(text);
}

// "-", or names and "[permanent]", each followed by a comma.
bool IsHolders(std::string_view text) {
  return text == "-" || text.back() == ',';
}

bool IsState(std::string_view text) {
  return text == "Live" || text == "Loading" || text == "Unloading";
}

bool ScanRow(std::string_view row, std::string_view* name) {
  std::string_view size;
  std::string_view references;
  std::string_view holders;
  std::string_view state;
  return TakeField(&row, name) && TakeField(&row, &size) && IsNumber(size) &&
         TakeField(&row, &references) && IsReferenceCount(references) &&
         TakeField(&row, &holders) && IsHolders(holders) && TakeField(&row, &state) &&
         IsState(state);
}

// A text and the names that point into it; kept together because they must move together.
struct Reading {
  explicit Reading(std::string whole) : text(std::move(whole)), scan(ScanTable(text)) {}
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  std::string text;
  TableScan scan;
};

void Pause(int milliseconds) {
  const timespec pause = {0, milliseconds * 1000000L};
  nanosleep(&pause, nullptr);
}

}  // namespace

TableScan ScanTable(std::string_view text) {
  TableScan scan;
  size_t line = 0;
  while (!text.empty()) {
    ++line;
    const size_t end = text.find('\n');
    const std::string_view row = text.substr(0, end);
    // The kernel ends every row with a newline: one without is a table that was cut off.
    const bool complete = end != std::string_view::npos;
    text.remove_prefix(complete ? end + 1 : text.size());
    if (row.empty()) continue;
    std::string_view name;
    if (!complete || !ScanRow(row, &name)) {
      scan.malformed_line = line;
      return scan;
    }
    scan.names.push_back(name);
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

namespace {

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

}  // namespace

Result<std::string> ReadTableRow(const char* path, std::string_view name) {
  const Result<std::string> text = ReadTextFile(path, kTableLimit);
  if (Failed(text)) return std::get<Failure>(text);
  std::string row = FindRow(std::get<std::string>(text), name);
  if (!row.empty() && ScanTable(row).malformed_line == 0) return row;
  Result<LoadedTable> table = ReadLoadedTable(path);
  if (Failed(table)) return std::get<Failure>(std::move(table));
  return FindRow(std::get<LoadedTable>(table).text, name);
}

Result<LoadedTable> ReadLoadedTable(const char* path) {
  std::unique_ptr<Reading> previous;
  for (int count = 1; count <= kMostReadings; ++count) {
    Result<std::string> text = ReadTextFile(path, kTableLimit);
    if (Failed(text)) return std::get<Failure>(std::move(text));
    auto reading = std::make_unique<Reading>(std::get<std::string>(std::move(text)));
    if (reading->scan.malformed_line != 0) {
      return FormatFailure(std::string(path) + " line " +
                           std::to_string(reading->scan.malformed_line) +
                           " is not a row of the kernel's module table");
    }
    if (previous && SameModules(previous->scan, reading->scan)) {
      // The later reading is the one to hand out: its counts are the fresher ones.
      return LoadedTable{std::move(reading->text), reading->scan.ascii, count};
    }
    previous = std::move(reading);
    // Something is being loaded or unloaded right now: let it get on, a little longer each time.
    if (count >= 2) Pause(count);
  }
  return Failure{FailureKind::kTransient,
                 0,
                 {},
                 std::string(path) + " did not hold still for two of " +
                     std::to_string(kMostReadings) + " readings"};
}

}  // namespace kmod
