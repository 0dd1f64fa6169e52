/** The references to a module, as they are taken and dropped. native/helper/trace.cc is the other end. */
import { KmodError } from '../../contract/errors'
import { failureToError, type NativeFailure } from '../../kernel/failure'
import type { ReferenceTrace } from '../../kernel/kernel'
import type { ReferenceEvent } from '../../contract/types'
import { HelperClient } from './client'
import { HelperStream } from './stream'
import { malformedMessage, type Reader } from './wire'

/** One trace, with a helper process and a tracing instance of its own. */
export function traceReferences(module: string): ReferenceTrace {
  return new HelperStream({
    client: new HelperClient('trace'),
    request: ['trace', module],
    readEvent: (kind, reader) => (kind === 'event' ? readEvent(reader) : undefined),
    openingError: (failure) => openingError(module, failure),
    lostError: () =>
      new KmodError(
        'ERR_KMOD_SYSTEM',
        `The helper program that traces module ${module} ended. Call trace() again; the events in ` +
          'between are lost.',
        { module },
      ),
  })
}

/** EventReply() in native/helper/trace.cc is the other end. */
function readEvent(reader: Reader): ReferenceEvent {
  return {
    action: readAction(reader),
    pid: reader.number(),
    comm: reader.optional(),
    caller: reader.text(),
    refCount: reader.number(),
    at: new Date(reader.number()),
  }
}

function readAction(reader: Reader): ReferenceEvent['action'] {
  const action = reader.text()
  if (action !== 'get' && action !== 'put') {
    throw malformedMessage(`"${action}" is not an action of a trace`)
  }
  return action
}

function openingError(module: string, failure: NativeFailure): KmodError {
  const { errno, errnoName, syscall, detail } = failure
  const details = { module, errno: -errno, errnoCode: errnoName, syscall }
  if (['EACCES', 'EPERM'].includes(errnoName)) {
    return new KmodError(
      'ERR_KMOD_PERMISSION',
      `Cannot trace module ${module}: this process may not open ${detail} (${errnoName}). Run it as ` +
        'root, or in the group for which tracefs is mounted. A kernel in lockdown does not allow it.',
      details,
    )
  }
  if (errnoName === 'ENOENT') {
    return new KmodError(
      'ERR_KMOD_UNSUPPORTED',
      `Cannot trace module ${module}: there is no ${detail}. If tracefs is not mounted, run ` +
        '`mount -t tracefs tracefs /sys/kernel/tracing`. A kernel without tracing has no tracefs.',
      details,
    )
  }
  return failureToError(failure, `trace module ${module}`, { module })
}
