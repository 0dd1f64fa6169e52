/** Network settings whose value the module provides. */
import { inNamespace } from '../kernel/net-namespace'
import type { NetworkSetting } from '../kernel/network-facts'
import { commandIn, using, whereText, type FindUsers } from './kind'

/** For each setting, a value whose algorithm is compiled into the kernel. */
const BUILT_IN_VALUES: Readonly<Record<NetworkSetting['name'], string>> = {
  'net.ipv4.tcp_congestion_control': 'reno',
  'net.core.default_qdisc': 'pfifo_fast',
}

/**
 * A setting takes one reference. Source: tcp_set_default_congestion_control() in net/ipv4/tcp_cong.c,
 * qdisc_set_default() in net/sched/sch_api.c.
 */
export const settingUsers: FindUsers = (row, { settings }) =>
  using(settings, row).map(({ netns, name, value }) => {
    const other = BUILT_IN_VALUES[name]
    return {
      kind: 'setting',
      module: row.name,
      name: inNamespace(netns, name),
      value,
      references: 1,
      release: {
        kind: null,
        text: `set ${name}${whereText(netns)} to a value other than ${value}, such as ${other}`,
        command: commandIn(netns, ['sysctl', '-w', `${name}=${other}`]),
      },
    }
  })
