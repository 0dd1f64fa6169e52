/** How processes let go of what they have open: by the end of their service, or of themselves. */
import type { User } from '../contract/types'
import type { Holder } from '../kernel/snapshot'

type Release = User['release']

/** "process 812 (openvpn)" */
export function nameOf({ pid, comm }: Holder): string {
  return `process ${pid} (${comm})`
}

/**
 * The release of what one process has open. `thing`: "/dev/net/tun"; `how` the process has it: "open as
 * descriptor 5".
 *
 * This program cannot end itself, nor an ancestor of it, nor a service that one of these runs in.
 */
export function releaseBy(holder: Holder, thing: string, how = 'open'): Release {
  const { pid, comm, self, ancestor } = holder
  if (self) {
    return byHand(
      `close ${thing}, which this process or a child of it (${pid}, ${comm}) has ${how}`,
    )
  }
  const service = serviceOf(holder)
  if (service !== null) {
    return {
      kind: 'service',
      text: `stop ${service}, whose ${nameOf(holder)} has ${thing} ${how}: all processes of the service end`,
      command: ['systemctl', 'stop', service],
    }
  }
  if (ancestor) {
    return byHand(
      `make ${nameOf(holder)} close ${thing}, which it has ${how}: it is an ancestor of this program, or process 1, and cannot be ended first`,
    )
  }
  return {
    kind: 'process',
    text: `end ${nameOf(holder)}, which has ${thing} ${how}: SIGTERM ends it, and what it has not saved is lost`,
    command: ['kill', String(pid)],
  }
}

/** The release of what several processes have open together. */
export function releaseByAll(holders: readonly Holder[], thing: string): Release {
  const [first, ...others] = holders
  if (first === undefined) return byHand(`close ${thing}`)
  const service = serviceOf(first)
  const isOneService =
    service !== null && holders.every((one) => !one.self && serviceOf(one) === service)
  if (others.length === 0 || isOneService) return releaseBy(first, thing)
  const names = holders.slice(0, 3).map(nameOf).join(', ')
  const more = holders.length > 3 ? ` and ${holders.length - 3} more` : ''
  return byHand(`make ${names}${more} close ${thing}`)
}

export function byHand(text: string): Release {
  return { kind: null, text, command: null }
}

/** The service of the system's own manager that can be stopped; `user@` runs a manager of its own. */
function serviceOf({ unit, ownUnit }: Holder): string | null {
  if (unit === null || ownUnit || !unit.endsWith('.service')) return null
  return unit.startsWith('user@') ? null : unit
}
