/** The systemd unit of a process, from /proc/PID/cgroup. */
import { parseUnit } from '../../lib/snapshot/system/holders'

test.each([
  ['0::/system.slice/ssh.service\n', 'ssh.service'],
  ['0::/system.slice/system-getty.slice/getty@tty1.service\n', 'getty@tty1.service'],
  ['0::/system.slice/docker.service/inner.service\n', 'docker.service'],
  ['0::/user.slice/user-1000.slice/session-3.scope\n', 'session-3.scope'],
  // A unit of the manager of a user is a part of the unit user@ of the system's manager.
  ['0::/user.slice/user-1000.slice/user@1000.service/app.slice/a.service\n', 'user@1000.service'],
  ['0::/system.slice/_cpu.service\n', 'cpu.service'],
  ['12:cpu:/x.service\n1:name=systemd:/system.slice/a.service\n0::/b.service\n', 'a.service'],
  ['2:cpu,cpuacct:/system.slice/a.service\n', null],
  ['0::/\n', null],
  ['0::/docker/0123abcd\n', null],
  // Outside of the cgroup namespace of the reader.
  ['0::/../ssh.service\n', null],
  ['0::/.service\n', null],
  ['', null],
  ['0::', null],
])('%j is %j', (cgroups, unit) => {
  expect(parseUnit(cgroups)).toBe(unit)
})
