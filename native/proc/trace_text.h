// Parses the text of a trace_pipe in which module_get and module_put of one module are traced.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kmod {

// A thread took or dropped a reference.
struct ReferenceEvent {
  bool get = false;
  pid_t thread = 0;                 // in the initial PID namespace
  std::optional<std::string> comm;  // any bytes; nullopt: the kernel has no record of it
  std::string caller;               // the kernel function
  int count = 0;                    // the kernel's reference count after the event
  long long microseconds = 0;       // on the trace's clock
};

// Assembles the events from the pieces that the pipe delivers. Other lines (lost events, the start
// of a CPU's buffer) are skipped.
class TraceText {
 public:
  explicit TraceText(const std::string& module);

  std::vector<ReferenceEvent> Push(std::string_view piece);

 private:
  std::optional<ReferenceEvent> TakeLine(std::string_view line);
  // `end`: the text before the thread's number on its line.
  std::optional<std::string> TakeComm(std::string_view end) const;

  std::string get_;   // the text between the time and the caller in a line about a get
  std::string put_;   // the same for a put
  std::string line_;  // the start of a line whose end has not been read yet
  std::string tail_;  // the end of the preceding lines, which were not events
};

}  // namespace kmod
