// The part of a request that names the files to look at.
#pragma once

#include "../libkmod/context.h"
#include "reply.h"

namespace kmod {

inline IndexSource TakeSource(Request* request) {
  IndexSource source;
  source.directory = request->Text();
  source.config = request->OptionalList();
  source.load_lists = request->List();
  source.kernel_command_line = request->Flag();
  return source;
}

}  // namespace kmod
