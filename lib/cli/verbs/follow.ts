/** The verbs that print events until they are interrupted. */
import { setTimeout as delay } from 'node:timers/promises'
import { printable } from '../../contract/printable'
import { IdleReaper, type ModuleEvent, type ReferenceEvent } from '../../index'
import { MODULES, pick, REAP_OPTIONS, YES_OPTION } from '../options'
import { errorText } from '../text/error'
import { reapReportText } from '../text/report'
import type { Answer, Argument, Call, Verb } from '../verb'

async function* trace({ kmod, arguments: [name], signal, out }: Call): AsyncIterable<Answer> {
  const { green, yellow, dim } = out.paint
  const line = ({ action, pid, comm, caller, refCount, at }: ReferenceEvent): string =>
    [
      dim(clock(at)),
      action === 'get' ? green('get') : yellow('put'),
      String(refCount).padStart(4),
      printable(`${comm ?? 'unknown'} (${pid})`),
      dim(caller),
    ].join('  ')
  for await (const event of kmod.trace(name!, { signal })) {
    yield { value: event, text: (): string => line(event) }
  }
}

async function* watch({
  kmod,
  arguments: names,
  options,
  signal,
  out,
}: Call): AsyncIterable<Answer> {
  const { green, yellow, red, dim } = out.paint
  const paint = { load: green, unload: yellow, overrun: red }
  const modules = [...names, ...((options.modules as string[] | undefined) ?? [])]
  const line = ({ action, module, at }: ModuleEvent): string =>
    [dim(clock(at)), paint[action](action.padEnd(6)), module ?? 'events were lost'].join('  ')
  const events = kmod.watch({ signal, ...(modules.length > 0 && { modules }) })
  for await (const event of events) yield { value: event, text: (): string => line(event) }
}

/** As `IdleReaper` has it. */
const INTERVAL = 180_000

async function* reap({
  kmod,
  arguments: globs,
  options: given,
  signal,
  out,
  err,
}: Call): AsyncIterable<Answer> {
  const {
    interval = INTERVAL,
    candidates = [],
    ...options
  } = pick(given, REAP_OPTIONS) as {
    interval?: number
    candidates?: string[]
  }
  const reaper = new IdleReaper({ ...options, candidates: [...globs, ...candidates], kmod })
  // If one module cannot be removed, the passes go on.
  reaper.on('error', (error) => err.print(errorText(err, error, null)))
  try {
    for (;;) {
      const report = await reaper.pass()
      yield { value: report, text: (): string => reapReportText(out, report) }
      await delay(interval, undefined, { signal })
    }
  } finally {
    await reaper.stop()
  }
}

/** The time of day. */
function clock(at: Date): string {
  return at.toISOString().slice(11, 23)
}

const NAME: Argument = { name: 'NAME', help: 'the name of a module', completes: 'modules' }

export const FOLLOW_VERBS: readonly Verb[] = [
  {
    name: 'watch',
    group: 'Follow',
    summary: 'print each module that is loaded and unloaded',
    arguments: [{ ...NAME, help: 'only these modules', optional: true, several: true }],
    options: [MODULES],
    examples: [['watch usb_storage', 'until Ctrl-C; the times are UTC']],
    run: watch,
  },
  {
    name: 'trace',
    group: 'Follow',
    summary: 'print each reference to a module as it is taken and dropped',
    arguments: [NAME],
    options: [],
    examples: [['trace tun', 'who opens and closes it, until Ctrl-C; the times are UTC']],
    run: trace,
  },
  {
    name: 'reap',
    group: 'Follow',
    summary: 'remove modules that stayed idle from one pass to the next',
    description:
      'It goes on until Ctrl-C, and prints a report of each pass. Nothing that has an effect is removed, so it asks nothing.',
    arguments: [
      {
        name: 'GLOB',
        help: "modules that may be removed, such as 'snd_*'",
        optional: true,
        several: true,
        completes: 'loaded',
      },
    ],
    options: [...REAP_OPTIONS, { ...YES_OPTION, help: 'accepted, but reap asks nothing' }],
    examples: [["reap 'nf_*' 'xt_*' --keep nf_conntrack --interval 10m", 'as a service does']],
    run: reap,
  },
]
