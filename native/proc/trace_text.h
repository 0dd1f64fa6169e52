// The text of a trace_pipe in which module_get and module_put of one module are traced.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kmod {

// Somebody took or dropped a reference.
struct ReferenceEvent {
  bool get = false;
  pid_t thread = 0;                 // in the initial PID namespace
  std::optional<std::string> comm;  // any bytes; nothing: the kernel does not know any more
  std::string caller;               // the function
  int count = 0;                    // of references, afterwards, as the kernel has it
  long long microseconds = 0;       // on the trace's clock
};

// Puts the events together from the pieces in which the pipe delivers them. What else stands there
// (that events were lost, that a CPU's buffer was started) is passed over.
class TraceText {
 public:
  explicit TraceText(const std::string& module);

  std::vector<ReferenceEvent> Push(std::string_view piece);

 private:
  std::optional<ReferenceEvent> TakeLine(std::string_view line);
  // `end`: what is before the process's number on its line.
  std::optional<std::string> TakeComm(std::string_view end) const;

  std::string get_;   // what stands between the time and the caller
  std::string put_;   // likewise
  std::string line_;  // not whole yet
  std::string tail_;  // of the lines before that were no events
};

}  // namespace kmod
