#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Unloads kernel modules as `node-kmod unload` does."""

DOCUMENTATION = r"""
module: kmod_unload
short_description: Unload kernel modules safely
version_added: 0.1.0
author:
  - The node-kmod authors (!UNKNOWN)
description:
  - Unloads kernel modules, and what only they needed, and verifies that they are not loaded any more.
  - In check mode it computes the plan with C(node-kmod unload --dry-run), and fails if the run would be refused.
  - A module that is not loaded is success without a change.
  - The options are those of C(node-kmod unload) with underscores, and I(consent) is C(--yes).
extends_documentation_fragment:
  - node_kmod.kmod.command
options:
  name:
    description: Names or aliases of the modules to unload.
    type: list
    elements: str
    required: true
  consent:
    description:
      - Agree that something stops working, or that users are released first, as C(--yes) of the command does.
      - Without it, the module fails and changes nothing if the plan has an effect or a release step.
      - It does not overrule the guard. See I(guard) and I(allow).
    type: bool
    default: false
  holders:
    description: Whether loaded modules that use the named ones prevent the unload, or are removed too.
    type: str
    choices: [refuse, remove]
    default: refuse
  dependencies:
    description: Whether modules that only the removed ones used are removed too where that is harmless.
    type: str
    choices: [unused, keep]
    default: unused
  soft_dependencies:
    description: Whether soft dependencies of modprobe.d are removed too where that is harmless.
    type: bool
    default: true
  commands:
    description: What happens if modprobe.d has a C(remove) command for a module.
    type: str
    choices: [refuse, run, skip]
    default: refuse
  guard:
    description:
      - What the guard refuses. C(refuse) refuses critical effects, for example on the default route.
      - C(strict) refuses disruptive effects too.
      - C(off) refuses nothing.
    type: str
    choices: [refuse, strict, 'off']
    default: refuse
  allow:
    description: Effects that the guard accepts, such as C(storage) or C(default-route:eth1).
    type: list
    elements: str
    default: []
  release:
    description: Users of the modules that may be released first. It needs I(consent).
    type: list
    elements: str
    choices: [mount, swap, interface, block, device, service, process]
    default: []
  force:
    description:
      - Remove a module although it has references or no exit function. The kernel can crash.
    type: bool
    default: false
  must_be_loaded:
    description: Fail if a module is not loaded.
    type: bool
    default: false
  allow_unknown:
    description: Accept unknown names, for example of a driver that is no longer installed.
    type: bool
    default: false
  wait:
    description: How long to keep trying while a module is in use. A time with its unit (C(500ms), C(30s), C(2m)), or C(0).
    type: str
    default: '0'
  wait_for:
    description: What I(wait) waits for.
    type: list
    elements: str
    choices: [in-use, transient, held]
    default: [in-use, transient]
  hung_after:
    description: How long one change may take inside the kernel. A time with its unit, or C(infinity).
    type: str
    default: 30s
  settle:
    description: How long to check that what was removed is not loaded again. A time with its unit, or C(0).
    type: str
    default: '0'
  on_failure:
    description: With C(restore), what was removed is loaded again if a step fails.
    type: str
    choices: [stop, restore]
    default: stop
seealso:
  - module: node_kmod.kmod.kmod_load
  - module: node_kmod.kmod.kmod_info
"""

EXAMPLES = r"""
- name: Unload a driver with what only it needs, and wait while it is in use
  node_kmod.kmod.kmod_unload:
    name: [uvcvideo]
    wait: 30s
    on_failure: restore
  become: true

- name: Say what would happen
  node_kmod.kmod.kmod_unload:
    name: [br_netfilter]
  check_mode: true
  become: true

- name: Unmount first what is mounted from it
  node_kmod.kmod.kmod_unload:
    name: [usb_storage]
    release: [mount]
    consent: true
  become: true
"""

RETURN = r"""
removed:
  description: The modules that were removed, in this order. In check mode, those that would be.
  returned: success, and failure after the run has begun
  type: list
  elements: str
  sample: [br_netfilter, bridge, stp, llc]
absent:
  description: Modules that were asked for and were not loaded.
  returned: success
  type: list
  elements: str
effects:
  description: What stopped working. In check mode, what would stop working.
  returned: success, and if consent was missing
  type: list
  elements: dict
  contains:
    kind:
      description: The kind of the effect.
      type: str
      sample: interface
    severity:
      description: Either C(critical) or C(disruptive).
      type: str
    module:
      description: The module that provides it.
      type: str
    subject:
      description: What stops working.
      type: str
      sample: eth1
    message:
      description: The same as a sentence.
      type: str
plan:
  description:
    - The plan, in the shape of C(UnloadPlan) of node-kmod.
    - It has the keys C(targets), C(absent), C(steps), C(blockers), C(kept), C(effects), C(feasible), C(unreadable) and C(options).
  returned: in check mode, and if the unload was refused
  type: dict
report:
  description:
    - What the run did, in the shape of C(UnloadReport) of node-kmod.
    - It has the keys C(removed), C(absent), C(kept), C(reappeared), C(steps), C(failed), C(released), C(restored),
      C(notRestored), C(parametersLost), C(effects), C(newTaints), C(messages) and C(clean).
  returned: after a run
  type: dict
code:
  description:
    - The error code of node-kmod.
    - It is C(null) if only I(consent) was missing.
  returned: failure
  type: str
  sample: ERR_KMOD_CRITICAL
error:
  description: The error with the details of its code, as C(node-kmod --json) prints it.
  returned: failure
  type: dict
blockers:
  description: Everything that prevents the unload. Each has C(code), C(module) and C(message), and the details of its code.
  returned: failure, and in check mode
  type: list
  elements: dict
users:
  description: What uses the modules. Each has C(module), C(kind), C(references), C(release), and the fields of its kind.
  returned: failure, and in check mode
  type: list
  elements: dict
remedies:
  description: What to do so that the unload can succeed. These are commands for the machine, and options of this module.
  returned: failure
  type: list
  elements: str
  sample: ['umount /mnt/usb']
"""

import json
import re
import shlex

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.node_kmod.kmod.plugins.module_utils.command import (
    COMMON_ARGUMENTS,
    Command,
    diff_of,
    is_error,
    option_words,
    warn_of_faults,
)

# The options that the command has under the same names, with the defaults of the command.
OPTIONS = dict(
    holders=dict(type='str', choices=['refuse', 'remove'], default='refuse'),
    dependencies=dict(type='str', choices=['unused', 'keep'], default='unused'),
    commands=dict(type='str', choices=['refuse', 'run', 'skip'], default='refuse'),
    guard=dict(type='str', choices=['refuse', 'strict', 'off'], default='refuse'),
    allow=dict(type='list', elements='str', default=[]),
    release=dict(
        type='list',
        elements='str',
        choices=['mount', 'swap', 'interface', 'block', 'device', 'service', 'process'],
        default=[],
    ),
    force=dict(type='bool', default=False),
    must_be_loaded=dict(type='bool', default=False),
    allow_unknown=dict(type='bool', default=False),
    wait=dict(type='str', default='0'),
    wait_for=dict(
        type='list', elements='str', choices=['in-use', 'transient', 'held'], default=['in-use', 'transient']
    ),
    hung_after=dict(type='str', default='30s'),
    settle=dict(type='str', default='0'),
    on_failure=dict(type='str', choices=['stop', 'restore'], default='stop'),
)
WAITED_FOR = {
    'in-use': 'ERR_KMOD_IN_USE',
    'transient': 'ERR_KMOD_TRANSIENT',
    'held': 'ERR_KMOD_HELD',
}
NEEDS_CONSENT = 'Nothing was changed: the unload needs consent. %s If you agree, set consent: true.'


def blockers_of(error):
    """What prevented the change. After a wait it is the last blocker, else all those of the plan."""
    if 'blocker' in error:
        return [error['blocker']]
    return (error.get('plan') or {}).get('blockers', [])


def users_of(blockers):
    return [user for blocker in blockers for user in blocker.get('users', [])]


def remedies(blockers, users):
    """What to do so that the change can succeed: commands for the machine, and options of the module."""
    found = []
    for blocker in blockers:
        if blocker['code'] == 'ERR_KMOD_CRITICAL':
            effect = blocker['effect']
            found.append('allow: [%s]' % json.dumps('%s:%s' % (effect['kind'], effect['subject'])))
        elif blocker['code'] == 'ERR_KMOD_HELD':
            found.append('holders: remove')
    for user in users:
        release = user['release']
        command = release['command']
        found.append(release['text'] if command is None else ' '.join(shlex.quote(word) for word in command))
    return list(dict.fromkeys(found))


def fail(command, error, **result):
    """Fails the module: names what prevents the change, and what to do about it."""
    blockers = blockers_of(error)
    users = error.get('users') or users_of(blockers)
    command.fail(error, blockers=blockers, users=users, remedies=remedies(blockers, users), **result)


def steps_of(plan):
    return [step['module'] for step in plan['steps'] if step['action'] != 'release']


def passes(params, blockers):
    """Whether the run would wait for all of these blockers."""
    codes = [WAITED_FOR[one] for one in params['wait_for']]
    return re.search('[1-9]', params['wait']) is not None and all(one['code'] in codes for one in blockers)


def fail_without_consent(command, plan):
    facts = [effect['message'] for effect in plan['effects']]
    facts += ['It runs: %s.' % ' '.join(step['command']) for step in plan['steps'] if step['action'] == 'release']
    error = dict(code=None, message=NEEDS_CONSENT % ' '.join(facts), plan=plan)
    fail(command, error, effects=plan['effects'])


def predict(module, command, plan):
    """Check mode: the result that the run would have now, as the plan says."""
    blockers = plan['blockers']
    if blockers and not passes(module.params, blockers):
        first = blockers[0]
        fail(command, dict(first, plan=plan))
    needs_consent = plan['effects'] or any(step['action'] == 'release' for step in plan['steps'])
    if needs_consent and not module.params['consent']:
        fail_without_consent(command, plan)
    for blocker in blockers:
        module.warn('The run would wait up to %s: %s' % (module.params['wait'], blocker['message']))
    if plan['unreadable']:
        module.warn('The plan may be incomplete, because this could not be read: ' + '; '.join(plan['unreadable']))
    removed = steps_of(plan)
    module.exit_json(
        changed=bool(plan['steps']),
        removed=removed,
        absent=plan['absent'],
        effects=plan['effects'],
        blockers=blockers,
        users=users_of(blockers),
        plan=plan,
        diff=diff_of(removed, []),
    )


def outcome(report):
    """What the run changed. A module that is loaded again, or a user that was put back, is no change."""
    back = report['restored'] + report['reappeared']
    released = [one for one in report['released'] if not one['undone']]
    return dict(
        changed=bool(set(report['removed']) - set(back)) or bool(released),
        removed=report['removed'],
        report=report,
        diff=diff_of(report['removed'], [name for name in report['removed'] if name in back]),
    )


def main():
    module = AnsibleModule(
        argument_spec=dict(
            COMMON_ARGUMENTS,
            name=dict(type='list', elements='str', required=True),
            consent=dict(type='bool', default=False),
            soft_dependencies=dict(type='bool', default=True),
            **OPTIONS
        ),
        supports_check_mode=True,
    )
    command = Command(module)
    params = module.params
    options = option_words(params, OPTIONS)
    if not params['soft_dependencies']:
        options.append('--no-soft-dependencies')
    if module.check_mode:
        predict(module, command, command.answer('unload', params['name'], options + ['--dry-run']))
    if params['consent']:
        options.append('--yes')
    document = command.ask('unload', params['name'], options)
    if is_error(document):
        error = document['error']
        report = error.get('report')
        fail(command, error, **(outcome(report) if report else {}))
    if 'feasible' in document:
        # A plan instead of a report: the command asks for --yes.
        fail_without_consent(command, document)
    warn_of_faults(module, document)
    module.exit_json(absent=document['absent'], effects=document['effects'], **outcome(document))


if __name__ == '__main__':
    main()
