/** The verb vm: a command in a virtual machine. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InvalidArgumentError } from 'commander'
import { KERNELS, runInVm, type VmOptions, type VmResult } from '../../vm'
import { assignments, choice, flag, time } from '../option-kinds'
import { pick } from '../options'
import type { Answer, Call, Option, Verb } from '../verb'

function wholeNumber(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It is a whole number above 0.')
}

/** Those of runInVm. */
const VM_OPTIONS: readonly Option[] = [
  {
    name: 'modules',
    value: 'DIR',
    words: 'folders',
    help: 'build the modules of this folder (a Kbuild file or a Makefile, and C sources) for the kernel',
  },
  {
    name: 'cwd',
    value: 'DIR',
    words: 'folders',
    help: 'the working directory (default: this one)',
  },
  assignments('env', 'a variable of the environment'),
  { name: 'processors', value: 'COUNT', help: 'at most 2 by default', parse: wholeNumber },
  { name: 'memory', value: 'MIB', help: 'the memory in MiB (default: 1536)', parse: wholeNumber },
  time('timeout', 'how long the guest may run, its boot included (default: 10m)'),
  flag('nic', 'with a network card, which is connected to nothing'),
  flag('seat', 'with a USB keyboard and a display'),
  flag('systemd', 'with systemd as process 1, whose only service is the command'),
  { name: 'append', value: 'WORDS', help: 'add them to the kernel command line' },
  choice(
    'accelerator',
    ['auto', 'kvm', 'tcg'],
    'hardware acceleration or emulation (default: what works)',
  ),
]

const KERNEL: Option = {
  name: 'kernel',
  value: 'NAME',
  words: KERNELS,
  help: `a kernel of Debian: ${KERNELS.join(', ')} (default: 6.12)`,
}
const IMAGE: Option = {
  name: 'image',
  value: 'FILE',
  words: 'files',
  help: 'a kernel of this machine instead; --module-directory is its folder lib/modules/RELEASE',
}
const CONSOLE = flag('console', 'print what the kernel prints, too, on the standard error')
const RESULTS: Option = {
  name: 'results',
  value: 'DIR',
  words: 'folders',
  help: 'write the files there that the command leaves in the folder $RESULTS',
}

async function vm(call: Call): Promise<Answer> {
  const { arguments: command, options: given, json, signal, out, err } = call
  const result = await runInVm({
    ...pick(given, VM_OPTIONS),
    kernel: kernelOf(given),
    command,
    signal,
    onProgress: (what): void => {
      if (!json) err.print(`${what} ...`)
    },
    ...(!json && {
      onOutput: (text: string, stream: 'stdout' | 'stderr'): void =>
        (stream === 'stdout' ? out : err).write(text),
    }),
    ...(given.console === true && { onConsole: (text: string): void => err.write(text) }),
  })
  if (typeof given.results === 'string') await save(result.files, given.results)
  return { value: jsonOf(result), text: () => '', status: result.exitCode }
}

function kernelOf({ kernel, image, moduleDirectory }: Call['options']): VmOptions['kernel'] {
  if (image === undefined) return (kernel ?? '6.12') as VmOptions['kernel']
  if (kernel !== undefined || typeof moduleDirectory !== 'string') {
    throw new InvalidArgumentError(
      '--image needs --module-directory /lib/modules/RELEASE, and no --kernel.',
    )
  }
  return { image: image as string, modules: moduleDirectory }
}

async function save(files: VmResult['files'], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const [name, content] of files) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, content)
  }
}

/** The files as base64: JSON has no bytes. */
function jsonOf({ files, ...result }: VmResult): object {
  const contents = [...files].map(([name, content]) => [name, content.toString('base64')])
  return { ...result, files: Object.fromEntries(contents) as Record<string, string> }
}

export const VM_VERBS: readonly Verb[] = [
  {
    name: 'vm',
    group: 'Other',
    summary: 'run a command on another kernel, in a virtual machine',
    description:
      'The guest sees the files of this machine, also this folder and its node_modules. What the command writes stays in the memory of the guest. It needs QEMU, and no root. The exit status is that of the command.',
    arguments: [
      {
        name: 'COMMAND',
        help: 'after --: a program and its arguments',
        several: true,
        completes: [],
      },
    ],
    options: [KERNEL, IMAGE, ...VM_OPTIONS, CONSOLE, RESULTS],
    examples: [
      ['vm --kernel 6.12 -- npx jest test/driver', 'tests of a driver'],
      ['vm --modules driver -- modprobe my_driver', 'with a module that is built from source'],
    ],
    run: vm,
  },
]
