// Tells whether the files behind a module index have changed since it was read.
#pragma once

#include <string>
#include <vector>

#include "index_source.h"

namespace kmod {

// libkmod's own check (kmod_validate_resources) compares the times of directories, which do not
// change when a file in them is edited in place.
class FileStamps {
 public:
  static FileStamps Take(const IndexSource& source);
  bool HaveChanged() const;

 private:
  // A file or directory; all zeros if it is missing.
  struct Stamp {
    std::string path;
    unsigned long long device = 0;
    unsigned long long inode = 0;
    long long size = 0;
    long long modified = 0;  // in nanoseconds, like `changed`
    long long changed = 0;
    // The file changed so recently that another change could leave the same times.
    bool fresh = false;
    bool operator==(const Stamp& other) const;
  };
  static Stamp StampOf(std::string path);

  std::vector<Stamp> stamps_;
};

}  // namespace kmod
