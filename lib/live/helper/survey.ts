/** The survey of the running system, made by the helper. native/helper/survey.cc is the other end. */
import { unwrap } from '../../kernel/failure'
import type { RawMountTable, RawOpenDevice, RawSurvey } from '../../snapshot/system/raw-survey'
import { Questions } from './questions'
import { integer, records } from './records'
import { readNetworks } from './survey-network'
import type { Reader } from './wire'

const questions = new Questions('survey', {
  code: 'ERR_KMOD_SYSTEM',
  why: 'the helper program ended before it answered. Try again.',
})

/** `users`: with what only uses modules, which takes a look at the open files of every process. */
export async function readSurvey(users: boolean): Promise<RawSurvey> {
  const doing = 'survey what runs on the modules'
  const strings = ['survey', users ? '1' : '0', String(process.pid)]
  const reader = unwrap(await questions.ask(strings, doing), doing)
  // The helper sends the parts in this order.
  return {
    users,
    mountTables: records(reader, readMountTable),
    ...readNetworks(reader),
    openDevices: records(reader, readOpenDevice),
    allProcessesRead: reader.flag(),
    unreadable: reader.list(),
  }
}

const readMountTable = (reader: Reader): RawMountTable => ({
  pid: integer(reader),
  own: reader.flag(),
  first: reader.flag(),
  text: reader.text(),
})

const readOpenDevice = (reader: Reader): RawOpenDevice => {
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
