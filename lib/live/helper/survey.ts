/** Asks the helper what depends on the modules. native/helper/survey_reply.cc is the other end. */
import { unwrap } from '../../kernel/failure'
import type {
  RawHolder,
  RawMapping,
  RawMountTable,
  RawOpenDevice,
  RawOpenSockets,
  RawSegment,
  RawSurvey,
} from '../../snapshot/system/raw-survey'
import type { Questions } from './questions'
import { readNetworks } from './survey-network'
import { flagString, type Reader } from './wire'

/** `users`: with what only uses modules, which requires a look at the open files of every process. */
export async function readSurvey(
  questions: Questions,
  users: boolean,
  signal?: AbortSignal,
): Promise<RawSurvey> {
  const doing = 'read what depends on the modules'
  // Answer() in native/helper/survey.cc is the other end.
  const request = ['survey', flagString(users), String(process.pid)]
  const reader = unwrap(await questions.ask(request, doing, { signal }), doing)
  // In the order of SurveyReply().
  const survey = {
    users,
    mountTables: reader.records(readMountTable),
    mappings: reader.records(readMapping),
    ...readNetworks(reader),
    openDevices: reader.records(readOpenDevice),
    openSockets: reader.records(readOpenSockets),
    ownCgroups: reader.list(),
    allProcessesRead: reader.flag(),
    unreadable: reader.list(),
  }
  reader.end()
  return survey
}

const readMountTable = (reader: Reader): RawMountTable => ({
  pid: reader.number(),
  own: reader.flag(),
  first: reader.flag(),
  text: reader.text(),
})

const readMapping = (reader: Reader): RawMapping => ({
  device: reader.text(),
  name: reader.text(),
  segments: reader.records(readSegment),
})

const readSegment = (reader: Reader): RawSegment => ({
  type: reader.text(),
  status: reader.text(),
})

const readHolder = (reader: Reader): RawHolder => ({
  pid: reader.number(),
  comm: reader.text(),
  self: reader.flag(),
  ancestor: reader.flag(),
  cgroups: reader.text(),
})

const readOpenDevice = (reader: Reader): RawOpenDevice => ({
  ...readHolder(reader),
  path: reader.text(),
  fd: reader.flag() ? reader.number() : null,
  type: reader.text() as RawOpenDevice['type'],
  device: reader.text(),
  shared: reader.flag(),
})

const readOpenSockets = (reader: Reader): RawOpenSockets => ({
  ...readHolder(reader),
  protocol: reader.text(),
  count: reader.number(),
  inodes: reader.list(),
})
