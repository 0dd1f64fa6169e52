/**
 * Reads the files of a system that lib/captured would read of a copy of it. There is no list of files: what
 * a new reader in lib/snapshot reads is captured without a change here.
 */
import { CapturedKernel } from '../captured/captured-kernel'
import { capturedFiles } from '../captured/captured-files'
import { indexFiles, Mirror } from '../captured/captured-index'
import { RootView } from '../captured/root-view'
import { surveyText, SURVEY_FILE, type StoredSurveys } from '../captured/survey-file'
import { isKmodError } from '../contract/errors'
import { isFailure } from '../kernel/failure'
import { releasableMounts } from '../kernel/folder-processes'
import type { Host } from '../kernel/host'
import type { CaptureSource } from '../kernel/kernel'
import type { SystemFiles } from '../kernel/system-files'
import type { RawSurvey } from '../snapshot/system/raw-survey'
import { makeModuleFile } from './module-file'
import { Recorder, type Entry } from './recorder'

export interface Recording {
  /** By path inside the root. */
  entries: Map<string, Entry>
  unreadable: string[]
}

/** `alive` throws when the call was aborted. */
export async function readSystem(
  source: CaptureSource,
  users: boolean,
  alive: () => void,
): Promise<Recording> {
  const mirror = new Mirror()
  try {
    return await record(source, users, mirror, alive)
  } finally {
    await mirror.delete()
  }
}

async function record(
  source: CaptureSource,
  users: boolean,
  mirror: Mirror,
  alive: () => void,
): Promise<Recording> {
  const { root, places, readSurvey } = source
  const view = new RootView(root)
  const recorder = new Recorder(source.files, root)
  const surveys: StoredSurveys = { plain: {}, withUsers: null, processes: [] }
  const host = recordingHost(source.host, recorder)
  const reader = new CapturedKernel(view, places, host, mirror, async (_, withUsers) => {
    const survey = (await readSurvey(withUsers)) as RawSurvey
    surveys[withUsers ? 'withUsers' : 'plain'] = reduced(survey)
    return survey
  })

  const unreadable = new Set<string>()
  for (const withUsers of users ? [false, true] : [false]) {
    const snapshot = await reader.snapshot({ users: withUsers })
    for (const one of snapshot.unreadable) unreadable.add(one)
    if (withUsers) {
      const mounts = releasableMounts(snapshot.mounts)
      surveys.processes = await source.processesBelow(mounts.map(({ path }) => path))
    }
    alive()
  }
  await readIndex(recorder, view, places, alive)
  const names = (await reader.table()).map(({ name }) => name)
  await Promise.all([
    reader.facts(),
    reader.taints(),
    reader.moduleNames(),
    reader.sysModules(names),
    // The folders of built-ins too.
    capturedFiles(view, recorder).listNames(['/sys/module']),
    readLoopDevices(reader, capturedFiles(view, recorder)),
  ])
  for (const name of names) {
    await reader.attributes(name)
    alive()
  }
  await recordModuleFiles(recorder, reader, view, names, alive)
  // The table is read again, because facts() has read it too, only once, which may not be consistent.
  await reader.table()
  recorder.entries.set(SURVEY_FILE, { kind: 'file', content: surveyText(surveys) })
  for (const one of source.unreadable) unreadable.add(one)
  return { entries: recorder.entries, unreadable: [...unreadable] }
}

/** The host whose files and tables are recorded. It belongs to the Kmod of the caller, which closes it. */
function recordingHost(host: Host, recorder: Recorder): Host {
  const recording: Host = {
    timeout: host.timeout,
    files: recorder,
    readTable: async (path) => {
      const table = await host.readTable(path)
      if (!isFailure(table)) recorder.recordFile(path, table)
      return table
    },
    openIndex: (locate) => host.openIndex(locate),
    findLibrary: () => host.findLibrary(),
    hearing: () => recording,
    close: () => Promise.resolve(),
  }
  return recording
}

/** How loop devices are set up, which is the undo of a release. */
async function readLoopDevices(reader: CapturedKernel, files: SystemFiles): Promise<void> {
  const [disks] = await files.listNames(['/sys/block'])
  await Promise.all(disks!.map((disk) => reader.loopSetup(`/dev/${disk}`)))
}

/** Reads the files that libkmod reads itself. */
async function readIndex(
  recorder: Recorder,
  view: RootView,
  places: CaptureSource['places'],
  alive: () => void,
): Promise<void> {
  const files = capturedFiles(view, recorder)
  for (const [link, path] of await indexFiles(files, places)) {
    // In the folder of modules, only the indexes: some distributions have the kernel itself there.
    if (link.startsWith('modules/') && !link.startsWith('modules/modules.')) continue
    // One at a time, because the indexes are large.
    await files.readBytes([path])
    alive()
  }
  // The name of this folder is the release of the kernel, also if there is no index.
  const [folder] = await files.resolve([places.moduleDirectory])
  if (folder != null) recorder.recordName(folder)
}

/** The files of the loaded modules, with nothing but their information. */
async function recordModuleFiles(
  recorder: Recorder,
  { index }: CapturedKernel,
  view: RootView,
  names: readonly string[],
  alive: () => void,
): Promise<void> {
  for (const name of names) {
    alive()
    // The index, or the file of a module that was updated or deleted, may be missing.
    const description = await index.describe(name).catch((error: unknown) => {
      if (!isKmodError(error)) throw error
      return null
    })
    if (description?.path == null) continue
    const [path] = await capturedFiles(view, recorder).resolve([view.inside(description.path)])
    if (path != null) recorder.recordFile(path, makeModuleFile(description.fields))
  }
}

/** The header of /proc/net/tcp, and the rows of connections that are established. */
const NEEDED_ROW = /^ *(?:sl |\d+: [0-9A-F]+:[0-9A-F]{4} [0-9A-F]+:[0-9A-F]{4} 01 )/

/** The survey without the listening and closing connections, which no answer needs. */
function reduced(survey: RawSurvey): RawSurvey {
  return {
    ...survey,
    netFiles: survey.netFiles.map((file) => {
      if (!/\/tcp6?$/.test(file.path)) return file
      const rows = file.text.split('\n').filter((row) => NEEDED_ROW.test(row))
      return { ...file, text: rows.map((row) => `${row}\n`).join('') }
    }),
  }
}
