/** The modules that are loaded and unloaded. native/helper/watch.cc is the other end. */
import { KmodError } from '../../contract/errors'
import type { ModuleEvent } from '../../contract/types'
import { failureToError, isFailure, type NativeFailure } from '../../kernel/failure'
import type { EventSource, SleepOptions } from '../../kernel/kernel'
import { load } from '../native'
import { HelperClient } from './client'
import { HelperStream } from './stream'
import { malformedMessage, type Reader } from './wire'

/**
 * The socket is opened at once, in this process: events wait in it until the helper, which gets it, has
 * been started. Throws a KmodError if it cannot be opened.
 */
export function watchModules({ ref }: SleepOptions = {}): EventSource<ModuleEvent> {
  const socket = load().native.openModuleEvents()
  if (isFailure(socket)) throw openingError(socket)
  return new HelperStream({
    client: new HelperClient('watch', socket),
    request: ['watch'],
    readEvent,
    openingError,
    lostError: () =>
      new KmodError(
        'ERR_KMOD_SYSTEM',
        'The helper program that watches the modules ended. Call watch() again; the events in between ' +
          'are lost.',
      ),
    ref,
  })
}

function readEvent(kind: string, reader: Reader): ModuleEvent | undefined {
  const at = new Date()
  if (kind === 'overrun') return { action: 'overrun', module: null, sequence: reader.number(), at }
  if (kind !== 'event') return undefined
  const action = reader.text()
  if (action !== 'load' && action !== 'unload') {
    throw malformedMessage(`"${action}" is not an action of a watch`)
  }
  return { action, module: reader.text(), sequence: reader.number(), at }
}

function openingError(failure: NativeFailure): KmodError {
  const { errno, errnoName, syscall } = failure
  // Both names have the same number.
  if (['EOPNOTSUPP', 'ENOTSUP'].includes(errnoName)) {
    return new KmodError(
      'ERR_KMOD_UNSUPPORTED',
      'Cannot watch the modules: the network namespace of this process belongs to a user namespace other ' +
        'than the first one, and the kernel sends no events there. Run it in the network namespace of the ' +
        'host.',
      { errno: -errno, errnoCode: errnoName, syscall },
    )
  }
  return failureToError(failure, 'watch the modules')
}
