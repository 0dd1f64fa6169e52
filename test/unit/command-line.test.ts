import { parseCommandLine } from '../../lib/kernel/command-line'

test.each([
  ['quiet root=/dev/sda1', [], []],
  ['module_blacklist=a,b_c', ['a', 'b_c'], []],
  ['module-blacklist=a', ['a'], []],
  // The kernel keeps the last value, systemd-modules-load reads all.
  ['module_blacklist=a module_blacklist=b', ['b'], []],
  ['modules-load=a modules_load=b,c', [], ['a', 'b', 'c']],
  ['module_blacklist="a,b" "modules-load=c"', ['a', 'b'], ['c']],
  ['note="x module_blacklist=a" modules-load=', [], []],
  ['modprobe.blacklist=a rd.modules-load=b', [], []],
  ['quiet -- module_blacklist=a', [], []],
])('%s', (text, blacklist, load) => {
  expect(parseCommandLine(`${text}\n`)).toEqual({ blacklist, load })
})
