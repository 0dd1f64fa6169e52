/** One play on a machine, and what each of its tasks returned. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PYTHON, type Controller, type Result } from './controller'
import type { Fleet } from './machines'

export const CHECK = { check_mode: true }

/** A task with a module of the collection. */
export const kmod = (module: string, options: object): object => ({
  [`node_kmod.kmod.kmod_${module}`]: { executable: '{{ kmod_executable }}', ...options },
  diff: true,
})

export const unload = (name: string, options: object = {}): object =>
  kmod('unload', { name: [name], ...options })

export const load = (name: string, options: object = {}): object =>
  kmod('load', { name, ...options })

/** A task that runs a command of the shell. */
export const shell = (command: string): object => ({ 'ansible.builtin.raw': command })

/** The results, under the names of the tasks. A task that fails does not end the play. */
export async function play<Name extends string>(
  controller: Controller,
  fleet: Fleet,
  named: Readonly<Record<Name, object>>,
): Promise<{ results: Record<Name, Result>; printed: string }> {
  const names = Object.keys(named)
  const file = join(controller.folder, 'results.json')
  const tasks = [
    ...Object.entries<object>(named).map(([register, task]) => ({
      register,
      ignore_errors: true,
      ...task,
    })),
    {
      'ansible.builtin.copy': {
        content: `{{ {${names.map((name) => `"${name}": ${name}`).join(', ')}} | to_json }}`,
        dest: file,
      },
      delegate_to: 'localhost',
      vars: { ansible_connection: 'local', ansible_python_interpreter: PYTHON },
    },
  ]
  const playbook = join(controller.folder, 'play.yml')
  writeFileSync(playbook, JSON.stringify([{ hosts: 'all', gather_facts: false, tasks }]))
  const end = await controller.run('ansible-playbook', ['-i', fleet.inventory, playbook])
  const printed = end.stdout + end.stderr
  if (end.code !== 0) throw new Error(printed)
  return { results: JSON.parse(readFileSync(file, 'utf8')) as Record<Name, Result>, printed }
}

/** The lines that a command of the shell printed. */
export const linesOf = ({ stdout_lines }: Result): string[] => stdout_lines as string[]

/** The modules in what /proc/modules showed. */
export const modulesOf = (result: Result): string[] =>
  linesOf(result).map((row) => row.split(' ', 1)[0]!)
