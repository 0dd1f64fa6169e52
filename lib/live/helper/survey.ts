/** What runs on the modules, asked of the helper. native/helper/survey.cc is the other end. */
import { unwrap } from '../../kernel/failure'
import type { RawSurvey } from '../../snapshot/system/raw'
import { Questions } from './questions'
import { readNetworks } from './survey-network'
import { flagString, type Reader } from './wire'

const questions = new Questions('survey', {
  code: 'ERR_KMOD_SYSTEM',
  why: 'the helper program that looks at the system ended before it answered. Try again.',
})

/** `openDevices`: look at the open files of each process, too, which takes longer. */
export async function readSurvey(openDevices: boolean): Promise<RawSurvey> {
  const doing = 'look at what runs on the modules'
  // Answer() in native/helper/survey.cc is the other end.
  const request = ['survey', flagString(openDevices), String(process.pid)]
  const reader = unwrap(await questions.ask(request, doing), doing)
  // In the order of SurveyReply().
  const survey = {
    mountTables: reader.records(readMountTable),
    ...readNetworks(reader),
    openDevices: reader.records(readOpenDevice),
    unreadable: reader.list(),
  }
  reader.end()
  return survey
}

const readMountTable = (reader: Reader): RawSurvey['mountTables'][number] => ({
  pid: reader.number(),
  own: reader.flag(),
  first: reader.flag(),
  text: reader.text(),
})

const readOpenDevice = (reader: Reader): RawSurvey['openDevices'][number] => ({
  pid: reader.number(),
  comm: reader.text(),
  self: reader.flag(),
  path: reader.text(),
  fd: reader.flag() ? reader.number() : null,
  type: reader.flag() ? 'block' : 'char',
  device: reader.text(),
})
