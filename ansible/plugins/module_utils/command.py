# SPDX-License-Identifier: MIT
"""Runs the command node-kmod, and turns its answer into the result of a module of Ansible."""

import json
import os

# Options that all modules have. They stand before the verb on the command line.
COMMON_ARGUMENTS = dict(
    executable=dict(type='path', default='node-kmod'),
    kernel_release=dict(type='str'),
    module_directory=dict(type='path'),
    config_paths=dict(type='list', elements='path'),
    timeout=dict(type='str', default='10s'),
)
# Of the options above, and of kmod_info, those that the command has too.
SYSTEM_OPTIONS = ('root', 'kernel_release', 'module_directory', 'config_paths', 'timeout')

PARTS = ('plan', 'report')

NOT_FOUND = (
    'The command %s is not on this machine. Install it there: npm install --global node-kmod. '
    'If it is in a folder that PATH lacks, set the option executable to its path.'
)


def option_words(params, names):
    """The given options as words of the command line. Each value follows "=", so that a value that
    begins with a dash is no option."""
    words = []
    for name in names:
        value = params.get(name)
        flag = '--' + name.replace('_', '-')
        if isinstance(value, bool):
            words.extend([flag] if value else [])
        elif isinstance(value, dict):
            words.extend('%s=%s=%s' % (flag, key, parameter_text(value[key])) for key in sorted(value))
        elif isinstance(value, list):
            words.extend('%s=%s' % (flag, one) for one in value)
        elif value is not None:
            words.append('%s=%s' % (flag, value))
    return words


def parameter_text(value):
    """The value of a module parameter, as the kernel reads it."""
    if isinstance(value, bool):
        return '1' if value else '0'
    if isinstance(value, list):
        return ','.join(parameter_text(one) for one in value)
    return str(value)


class Command:
    """node-kmod on the managed machine."""

    def __init__(self, module):
        self.module = module
        executable = module.params['executable']
        self.path = module.get_bin_path(executable, opt_dirs=['/usr/local/bin'])
        if self.path is None:
            module.fail_json(msg=NOT_FOUND % executable)
        self.options = option_words(module.params, SYSTEM_OPTIONS)
        # Node.js is usually in the same folder, which the PATH of sudo or of ssh can lack.
        folder = os.path.dirname(os.path.abspath(self.path))
        self.environment = dict(PATH='%s:%s' % (os.environ.get('PATH', os.defpath), folder))

    def ask(self, verb, arguments=(), options=()):
        """The document that the verb prints: its answer, or {'error': ...}."""
        words = ['--json'] + self.options + [verb] + list(options) + ['--'] + list(arguments)
        status, out, err = self.module.run_command(
            [self.path] + words,
            environ_update=self.environment,
            # "~" and "$" in a name or a parameter have no meaning.
            expand_user_and_vars=False,
            errors='surrogate_then_replace',
        )
        try:
            return json.loads(out)
        except ValueError:
            return self.module.fail_json(
                msg='%s printed no JSON document (exit status %d): %s'
                % (self.path, status, (err or out).strip()[-1000:]),
                rc=status,
                stdout=out,
                stderr=err,
            )

    def answer(self, verb, arguments=(), options=()):
        """The answer of the verb. An error of it fails the module."""
        document = self.ask(verb, arguments, options)
        if is_error(document):
            self.fail(document['error'])
        return document

    def fail(self, error, **result):
        """Ends the module with an error of node-kmod. Its plan and report are results of their own."""
        parts = {key: error[key] for key in PARTS if key in error}
        self.module.fail_json(
            msg=error['message'],
            code=error.get('code'),
            error={key: error[key] for key in error if key not in PARTS},
            **dict(parts, **result)
        )


def is_error(document):
    return isinstance(document, dict) and 'error' in document


def diff_of(before, after):
    """Lists of modules, as Ansible shows differences."""

    def text(names):
        return ''.join('%s\n' % name for name in sorted(set(names)))

    return dict(
        before=text(before), after=text(after), before_header='loaded modules', after_header='loaded modules'
    )


def warn_of_faults(module, report):
    """`clean` is False after a kernel message that reports a fault, or a new taint."""
    if report.get('clean') is not False:
        return
    facts = ['taint %s' % taint for taint in report['newTaints']] + (report['messages'] or [])
    module.warn('The kernel reported a fault while this ran: ' + '; '.join(facts or ['see the report']))
