# SPDX-License-Identifier: MIT
"""The documentation that all modules of this collection share."""


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  executable:
    description:
      - The command C(node-kmod) on the managed machine, as a name or as a path.
      - A name is looked up in C(PATH) and in C(/usr/local/bin).
    type: path
    default: node-kmod
  kernel_release:
    description:
      - The folder below C(/lib/modules) that has the modules and their index.
      - The default is the release of the running kernel.
    type: str
  module_directory:
    description:
      - The folder that has the modules and their index, if it is not below C(/lib/modules).
    type: path
  config_paths:
    description:
      - The folders and files with the configuration of modprobe.
      - The default is what modprobe reads, such as C(/etc/modprobe.d).
    type: list
    elements: path
  timeout:
    description: How long the machine may take to answer one question. A time with its unit (C(500ms), C(30s), C(2m)).
    type: str
    default: 10s
requirements:
  - node-kmod, which needs Node.js 20 or later, on the managed machine
  - Linux on the managed machine
attributes:
  check_mode:
    description: Predicts what would change, and changes nothing.
    support: full
  diff_mode:
    description: Shows the modules that are loaded before and after.
    support: full
  platform:
    description: Target operating system
    platforms: linux
    support: full
"""
