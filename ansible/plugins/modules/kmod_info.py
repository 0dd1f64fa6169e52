#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Reads what node-kmod knows about kernel modules."""

DOCUMENTATION = r"""
module: kmod_info
short_description: Read the state, the file and the users of kernel modules
version_added: 0.1.0
author:
  - The node-kmod authors (!UNKNOWN)
description:
  - Without I(name), it returns all loaded modules, and whether modules can be unloaded on this machine.
  - With I(name), it returns what I(gather) asks for about each module.
  - It changes nothing, and loads no module.
extends_documentation_fragment:
  - node_kmod.kmod.command
options:
  name:
    description: Names of modules.
    type: list
    elements: str
    default: []
  gather:
    description:
      - What to read about each module. Each costs one run of the command.
      - C(status) is whether it is loaded, and C(info) what its file, the kernel and modprobe.d say.
      - C(usage) is what uses it, and C(effects) what would stop working without it.
    type: list
    elements: str
    choices: [status, info, usage, effects]
    default: [status, info]
  root:
    description: Another root to look at, such as a captured system or an image.
    type: path
attributes:
  diff_mode:
    description: There are no differences, because nothing is changed.
    support: N/A
seealso:
  - module: node_kmod.kmod.kmod_load
  - module: node_kmod.kmod.kmod_unload
"""

EXAMPLES = r"""
- name: Say why a driver is in use
  node_kmod.kmod.kmod_info:
    name: [uvcvideo]
    gather: [status, usage]
  register: driver
  become: true

- name: Show the commands that release it
  ansible.builtin.debug:
    msg: "{{ driver.modules.uvcvideo.usage.users | map(attribute='release.text') }}"
"""

RETURN = r"""
loaded:
  description:
    - All loaded modules, newest first, in the shape of C(LoadedModule) of node-kmod.
    - Each has the keys C(name), C(size), C(refCount), C(holders), C(state), C(permanent) and C(taints).
    - It is C(null) if the kernel has no loadable modules. Then I(preflight) says so, too.
  returned: if I(name) is empty
  type: list
  elements: dict
preflight:
  description:
    - Whether modules can be unloaded on this machine, in the shape of C(Preflight) of node-kmod.
    - It has the keys C(canUnload), C(canForce), C(problems), C(kernel), C(capability) and C(libkmod).
  returned: if I(name) is empty
  type: dict
modules:
  description: What was read about each module. The keys are the names as they were given.
  returned: if I(name) is not empty
  type: dict
  contains:
    status:
      description: One of C(live), C(loading), C(unloading), C(builtin), C(unloaded) and C(unknown).
      type: str
    info:
      description: The shape of C(ModuleInfo) of node-kmod. It is C(null) if there is no such module.
      type: dict
    usage:
      description: The shape of C(Usage) of node-kmod. It is C(null) if there is no such module.
      type: dict
    effects:
      description: A list in the shape of C(Effect) of node-kmod. It is C(null) if there is no such module.
      type: list
code:
  description: The error code of node-kmod.
  returned: failure
  type: str
error:
  description: The error with the details of its code, as C(node-kmod --json) prints it.
  returned: failure
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.node_kmod.kmod.plugins.module_utils.command import (
    COMMON_ARGUMENTS,
    Command,
    is_error,
)

# What is gathered, and the verb that reads it.
VERBS = dict(status='status', info='info', usage='explain', effects='impact')


def read(command, verb, *names, without):
    """The answer of the verb; None after an error with the code `without`. Any other error fails the module."""
    document = command.ask(verb, names)
    if not is_error(document):
        return document
    if document['error'].get('code') != without:
        command.fail(document['error'])
    return None


def main():
    module = AnsibleModule(
        argument_spec=dict(
            COMMON_ARGUMENTS,
            name=dict(type='list', elements='str', default=[]),
            gather=dict(type='list', elements='str', choices=list(VERBS), default=['status', 'info']),
            root=dict(type='path'),
        ),
        supports_check_mode=True,
    )
    command = Command(module)
    names = module.params['name']
    if not names:
        loaded = read(command, 'list', without='ERR_KMOD_UNSUPPORTED')
        module.exit_json(changed=False, loaded=loaded, preflight=command.answer('preflight'))
    gather = module.params['gather']
    unknown = 'ERR_KMOD_NOT_FOUND'
    modules = {
        name: {what: read(command, VERBS[what], name, without=unknown) for what in gather} for name in names
    }
    module.exit_json(changed=False, modules=modules)


if __name__ == '__main__':
    main()
