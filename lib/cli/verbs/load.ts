/** The verbs remove and load: one module as rmmod removes it, or with what it needs as modprobe loads it. */
import type { LoadOptions, ModuleParameters, RemoveOptions } from '../../index'
import { askIfItCanBegin, propose } from '../consent'
import { parameterOf } from '../option-kinds'
import { FILES, FORCE, HUNG_AFTER, MUST_BE_NEW, PARAMETERS, pick, YES_OPTION } from '../options'
import { loadReportText } from '../text/report'
import type { Answer, Call, Verb } from '../verb'
import { isModuleFile } from './inspect'

async function remove(call: Call): Promise<Answer> {
  const { kmod, arguments: names, options, signal, out } = call
  const [name] = names
  const removeOptions: RemoveOptions = pick(call.options, [FORCE, HUNG_AFTER])
  if (options.yes !== true) {
    // The plan of what rmmod does: this module, and nothing else.
    const proposal = await propose(call, names, {
      ...{ guard: 'off', dependencies: 'keep', softDependencies: false, commands: 'skip' },
      force: removeOptions.force,
    })
    const refusal = await askIfItCanBegin(call, proposal, {})
    if (refusal !== null) return refusal
  }
  await kmod.remove(name!, { ...removeOptions, signal })
  return { value: null, text: () => out.paint.green(`Removed ${name!}.`) }
}

async function load(call: Call): Promise<Answer> {
  const { kmod, options: given, signal, out } = call
  const { targets, parameters } = splitParameters(call)
  const [name, extra] = targets
  if (extra !== undefined) parameterOf(extra) // throws: it is not NAME=VALUE
  const options: LoadOptions = { ...pick(given, [MUST_BE_NEW, HUNG_AFTER]), ...parameters }
  const what = isModuleFile(name!) ? { file: name!, ...pick(given, [FILES]) } : name!
  const report = await kmod.load(what, { ...options, signal })
  return { value: report, text: () => loadReportText(out, report) }
}

/** After the first argument, what contains `=` is a parameter, as for modprobe. */
export function splitParameters({ arguments: [first, ...others], options }: Call): {
  targets: string[]
  parameters: { parameters?: ModuleParameters }
} {
  const isParameter = (text: string): boolean => text.includes('=')
  const parameters = Object.assign(
    {},
    options.parameters,
    ...others.filter(isParameter).map(parameterOf),
  ) as ModuleParameters
  return {
    targets: [first!, ...others.filter((text) => !isParameter(text))],
    parameters: Object.keys(parameters).length === 0 ? {} : { parameters },
  }
}

export const LOAD_VERBS: readonly Verb[] = [
  {
    name: 'remove',
    group: 'Plan and change',
    summary: 'remove one module as rmmod does; most users want unload',
    description: 'It asks if something would stop working. There is no plan and no guard.',
    arguments: [{ name: 'NAME', help: 'the name of a module', completes: 'loaded' }],
    options: [YES_OPTION, FORCE, HUNG_AFTER],
    examples: [['remove dummy', 'fails if it is in use']],
    run: remove,
  },
  {
    name: 'load',
    group: 'Plan and change',
    summary: 'load a module with its dependencies and its configuration',
    arguments: [
      { name: 'NAME', help: 'a name, an alias, or a .ko file', completes: 'modules' },
      {
        name: 'PARAMETER=VALUE',
        help: 'parameters of the module, as --parameters',
        optional: true,
        several: true,
        completes: [],
      },
    ],
    options: [PARAMETERS, FILES, MUST_BE_NEW, HUNG_AFTER],
    examples: [
      ['load dummy numdummies=2', 'with a parameter'],
      ['load ./driver.ko', 'a file that is not installed'],
    ],
    run: load,
  },
]
