#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Loads a kernel module as `node-kmod load` does."""

DOCUMENTATION = r"""
module: kmod_load
short_description: Load a kernel module with its dependencies
version_added: 0.1.0
author:
  - The node-kmod authors (!UNKNOWN)
description:
  - Loads a kernel module with its dependencies and its configuration, and reports on the health of the kernel.
  - A module that is loaded already is success without a change, with I(parameters) only if it has these values.
  - In check mode it names the modules that would be loaded, without their dependencies.
  - The options are those of C(node-kmod load) with underscores.
extends_documentation_fragment:
  - node_kmod.kmod.command
options:
  name:
    description: The name of a module, an alias, or the path of a C(.ko) file on the managed machine.
    type: str
    required: true
  parameters:
    description:
      - Parameters of the module. The kernel gets a boolean as 1 or 0, and a list with commas.
    type: dict
    default: {}
  files:
    description: More C(.ko) files, from which dependencies of a C(.ko) file are loaded.
    type: list
    elements: path
    default: []
  must_be_new:
    description: Fail if the module is loaded already.
    type: bool
    default: false
  hung_after:
    description: How long one change may take inside the kernel. A time with its unit (C(500ms), C(30s), C(2m)), or C(infinity).
    type: str
    default: 30s
seealso:
  - module: node_kmod.kmod.kmod_unload
  - module: node_kmod.kmod.kmod_info
"""

EXAMPLES = r"""
- name: Load a driver with a parameter
  node_kmod.kmod.kmod_load:
    name: snd_hda_intel
    parameters:
      power_save: 0
  become: true

- name: Load a new build that is not installed
  node_kmod.kmod.kmod_load:
    name: /root/driver.ko
  become: true
"""

RETURN = r"""
loaded:
  description:
    - The modules that were loaded, in this order, with dependencies. After a failure, those that were loaded before it.
    - In check mode, those that would be loaded, without dependencies.
  returned: success, and if the kernel refused a module
  type: list
  elements: str
  sample: [llc, stp, bridge]
report:
  description:
    - What the run did. It has the keys C(module), C(loaded), C(alreadyLoaded), C(newTaints), C(messages) and C(clean).
  returned: after a run
  type: dict
code:
  description: The error code of node-kmod.
  returned: failure
  type: str
  sample: ERR_KMOD_LOAD
error:
  description: The error with the details of its code, as C(node-kmod --json) prints it.
  returned: failure
  type: dict
differences:
  description: Parameters of a loaded module that have other values than I(parameters) asks for.
  returned: if the module is loaded with other parameters
  type: list
  elements: dict
  contains:
    name:
      description: The name of the parameter.
      type: str
    wanted:
      description: The value that was asked for.
      type: str
    loaded:
      description: The value in the kernel. It is C(null) if it cannot be read.
      type: str
"""

import re

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.node_kmod.kmod.plugins.module_utils.command import (
    COMMON_ARGUMENTS,
    Command,
    diff_of,
    is_error,
    option_words,
    parameter_text,
    warn_of_faults,
)

OPTIONS = dict(
    parameters=dict(type='dict', default={}),
    files=dict(type='list', elements='path', default=[]),
    must_be_new=dict(type='bool', default=False),
    hung_after=dict(type='str', default='30s'),
)
LOADED = ('live', 'loading', 'builtin')
# As kstrtobool() of the kernel reads them; it prints Y or N.
TRUE = ('1', 'y', 'Y')
FALSE = ('0', 'n', 'N')


def targets_of(command, name):
    """The modules that a name, an alias or a file stands for."""
    if re.search(r'\.ko(\.(gz|xz|zst))?$', name):
        return [command.answer('info', [name])['name']]
    return command.answer('resolve', [name])


def is_same(kind, wanted, loaded):
    if wanted == loaded:
        return True
    return kind == 'bool' and any(wanted in values and loaded in values for values in (TRUE, FALSE))


def differences(command, name, parameters):
    """The parameters that have another value in the loaded module."""
    info = command.answer('info', [name])
    loaded = (info['loaded'] or {}).get('parameters', {})
    kinds = {one['name']: one['type'] for one in info['parameters']}
    wanted = {key.replace('-', '_'): parameter_text(parameters[key]) for key in sorted(parameters)}
    return [
        dict(name=key, wanted=value, loaded=loaded.get(key))
        for key, value in wanted.items()
        if not is_same(kinds.get(key), value, loaded.get(key))
    ]


def fact_of(difference):
    if difference['loaded'] is None:
        return 'the value of its parameter %s cannot be read' % difference['name']
    return 'its parameter %s is %s, not %s' % tuple(difference[key] for key in ('name', 'loaded', 'wanted'))


def fail_if_different(command, module, error):
    """Ends the module if the loaded module has other parameters."""
    found = differences(command, targets_of(command, module.params['name'])[0], module.params['parameters'])
    if not found:
        return
    facts = [fact_of(one) for one in found]
    error['message'] = '%s is loaded already: %s. Unload it first with kmod_unload.' % (
        module.params['name'],
        '; '.join(facts),
    )
    command.fail(error, differences=found)


def is_loaded_already(module, error):
    """Whether the error may mean that nothing is left to do."""
    return (
        error.get('code') == 'ERR_KMOD_ALREADY_LOADED'
        and bool(module.params['parameters'])
        and not module.params['must_be_new']
    )


def predict(module, command):
    """Check mode: names the targets that are not loaded. node-kmod has no dry run of a load."""
    name = module.params['name']
    targets = targets_of(command, name)
    if not targets:
        command.fail(dict(code='ERR_KMOD_NOT_FOUND', message='No module and no alias has the name %s.' % name))
    missing = [one for one in targets if command.answer('status', [one]) not in LOADED]
    error = dict(code='ERR_KMOD_ALREADY_LOADED', message='%s is loaded already.' % name)
    if not missing and module.params['must_be_new']:
        command.fail(error)
    if not missing and module.params['parameters']:
        fail_if_different(command, module, error)
    module.exit_json(changed=bool(missing), loaded=missing, diff=diff_of([], missing))


def main():
    module = AnsibleModule(
        argument_spec=dict(COMMON_ARGUMENTS, name=dict(type='str', required=True), **OPTIONS),
        supports_check_mode=True,
    )
    command = Command(module)
    if module.check_mode:
        predict(module, command)
    document = command.ask('load', [module.params['name']], option_words(module.params, OPTIONS))
    if is_error(document):
        error = document['error']
        if is_loaded_already(module, error):
            fail_if_different(command, module, error)
            module.exit_json(changed=False, loaded=[], diff=diff_of([], []))
        loaded = error.get('loaded') or []
        command.fail(error, changed=bool(loaded), loaded=loaded, diff=diff_of([], loaded))
    warn_of_faults(module, document)
    loaded = document['loaded']
    module.exit_json(changed=bool(loaded), loaded=loaded, report=document, diff=diff_of([], loaded))


if __name__ == '__main__':
    main()
