/** What runs on the modules, asked of the helper. native/helper/survey.cc is the other end. */
import { unwrap } from '../../kernel/failure'
import type { RawSurvey } from '../../snapshot/system/raw'
import { Questions } from './questions'
import { integer, records } from './records'
import { readNetworks } from './survey-network'
import type { Reader } from './wire'

const questions = new Questions('survey', {
  code: 'ERR_KMOD_SYSTEM',
  why: 'the helper program that looks at the system ended over it. Try again.',
})

/** `openDevices` costs a look at the open files of every process. */
export async function readSurvey(openDevices: boolean): Promise<RawSurvey> {
  const doing = 'look at what runs on the modules'
  const strings = ['survey', openDevices ? '1' : '0', String(process.pid)]
  const reader = unwrap(await questions.ask(strings, doing), doing)
  // In the order in which they come.
  return {
    mountTables: records(reader, readMountTable),
    ...readNetworks(reader),
    openDevices: records(reader, readOpenDevice),
    unreadable: reader.list(),
  }
}

const readMountTable = (reader: Reader): RawSurvey['mountTables'][number] => ({
  pid: integer(reader),
  own: reader.flag(),
  first: reader.flag(),
  text: reader.text(),
})

const readOpenDevice = (reader: Reader): RawSurvey['openDevices'][number] => {
  const process = { pid: integer(reader), comm: reader.text(), self: reader.flag() }
  const path = reader.text()
  const fd = reader.optional()
  return {
    ...process,
    path,
    fd: fd === null ? null : Number(fd),
    type: reader.flag() ? 'block' : 'char',
    device: reader.text(),
  }
}
