// Feeds any bytes as the text of a trace_pipe, in two pieces.
#include <cstddef>
#include <cstdint>

#include "../proc/trace_text.h"
#include "../proc/tracing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t events = kmod::TraceText("tun").Push(text).size();
  kmod::TraceText trace("tun");
  size_t again = 0;
  for (const std::string_view piece : {text.substr(0, size / 2), text.substr(size / 2)}) {
    for (const kmod::ReferenceEvent& event : trace.Push(piece)) {
      ++again;
      if (event.caller.empty() || event.thread < 0 || (event.comm && event.comm->size() > 16)) {
        __builtin_trap();
      }
    }
  }
  if (events != again) __builtin_trap();
  kmod::ParseInstanceName(text);
  return 0;
}
