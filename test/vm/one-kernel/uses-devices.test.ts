/** The table of uses: character devices that a process has open. */
import { shell, testUses } from '../uses'

testUses([
  {
    module: 'uinput',
    what: 'an open device',
    process: shell('exec 5<>/dev/uinput'),
    user: { kind: 'process', path: '/dev/uinput', fd: 5, references: 1 },
  },
])
