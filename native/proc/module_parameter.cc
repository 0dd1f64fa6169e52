#include "module_parameter.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "../common/handles.h"

namespace kmod {

Result<> SetModuleParameter(const std::string& module, const std::string& parameter,
                            const std::string& value) {
  const std::string path = "/sys/module/" + module + "/parameters/" + parameter;
  const std::string names = module + parameter;
  if (module.empty() || parameter.empty() || names.find('/') != std::string::npos ||
      module[0] == '.' || parameter[0] == '.') {
    return SystemFailure(EINVAL, "open", path);
  }
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return SystemFailure(errno, "open", path);
  // One write: the kernel takes each write as a whole value. An empty one would not call it.
  const std::string text = value + "\n";
  if (write(file.get(), text.data(), text.size()) < 0) return SystemFailure(errno, "write", path);
  return Ok();
}

}  // namespace kmod
