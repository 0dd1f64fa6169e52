/** Asks the helper what depends on the modules. native/helper/survey_reply.cc is the other end. */
import { unwrap } from '../../kernel/failure'
import type {
  RawMapping,
  RawMountTable,
  RawOpenDevice,
  RawSegment,
  RawSurvey,
} from '../../snapshot/system/raw-survey'
import { Questions } from './questions'
import { readNetworks } from './survey-network'
import { flagString, type Reader } from './wire'

const questions = new Questions('survey', {
  code: 'ERR_KMOD_SYSTEM',
  why: 'the helper program that reads the state of the system ended before it answered. Try again.',
})

/** `users`: with what only uses modules, which requires a look at the open files of every process. */
export async function readSurvey(users: boolean): Promise<RawSurvey> {
  const doing = 'read what depends on the modules'
  // Answer() in native/helper/survey.cc is the other end.
  const request = ['survey', flagString(users), String(process.pid)]
  const reader = unwrap(await questions.ask(request, doing), doing)
  // In the order of SurveyReply().
  const survey = {
    users,
    mountTables: reader.records(readMountTable),
    mappings: reader.records(readMapping),
    ...readNetworks(reader),
    openDevices: reader.records(readOpenDevice),
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
  segments: reader.records(readSegment),
})

const readSegment = (reader: Reader): RawSegment => ({
  type: reader.text(),
  status: reader.text(),
})

const readOpenDevice = (reader: Reader): RawOpenDevice => ({
  pid: reader.number(),
  comm: reader.text(),
  self: reader.flag(),
  path: reader.text(),
  fd: reader.flag() ? reader.number() : null,
  type: reader.flag() ? 'block' : 'char',
  device: reader.text(),
})
