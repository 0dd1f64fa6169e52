/** The table of uses: files that are no devices, mappings, terminals and character sets. */
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { kmod } from 'node-kmod'
import { afterThisTest, attempt, modprobe, run } from '../support'
import { usersOf } from '../users'
import { python, shell, startApart, testUses } from '../use-table'

const FOLDER = '/run/kmod-uses'

/** A file that a process holds on a file system that was unmounted in the meantime. */
const LAZY = {
  what: 'a file that is open after a lazy unmount',
  begin:
    `modprobe loop; mkdir -p ${FOLDER}; truncate -s 16M /tmp/kmod-uses.img; mkfs.ext4 -q /tmp/kmod-uses.img; ` +
    `mount -o loop /tmp/kmod-uses.img ${FOLDER}`,
  process: shell(`set -e; exec 5>${FOLDER}/held; umount --lazy ${FOLDER}`),
  end: `umount --lazy ${FOLDER}; rm -f /tmp/kmod-uses.img`,
  user: { kind: 'process', path: '/held', references: 1 },
} as const

/** An empty FAT file system, as mkfs.fat writes it for a floppy disk. */
const MAKE_FAT = `perl -e '
$image = pack("x1474560");
substr($image, 0, 3) = pack("H6", "eb3c90");
substr($image, 11, 25) = pack("vCvCvvCvvvVV", 512, 1, 1, 2, 224, 2880, 0xf0, 9, 18, 2, 0, 0);
substr($image, 510, 2) = pack("H4", "55aa");
substr($image, $_, 3) = pack("H6", "f0ffff") for 512, 512 * 10;
open(F, ">", "/tmp/kmod-uses.img") && print F $image or die $!;
'`

const FAT = {
  what: 'the names of a mounted FAT file system',
  load: ['-a', 'loop', 'vfat', 'nls_cp437', 'nls_ascii'],
  begin:
    `${MAKE_FAT}; mkdir -p ${FOLDER}; ` +
    `mount -t vfat -o loop,codepage=437,iocharset=ascii /tmp/kmod-uses.img ${FOLDER}`,
  end: `umount ${FOLDER}; rm -f /tmp/kmod-uses.img`,
} as const

describe('files', () => {
  testUses([
    { module: 'ext4', ...LAZY },
    { module: 'loop', ...LAZY, effects: ['disruptive storage:/dev/loop0'] },
    {
      module: 'sunrpc',
      what: 'an open cache in /proc/net/rpc',
      process: shell('exec 5</proc/net/rpc/auth.unix.ip/content'),
      user: { kind: 'process', references: 1 },
    },
    {
      module: 'usbmon',
      what: 'an open file of debugfs',
      begin: 'mkdir -p /sys/kernel/debug; mount -t debugfs debugfs /sys/kernel/debug',
      process: shell('exec 5</sys/kernel/debug/usb/usbmon/0u'),
      end: 'umount --lazy /sys/kernel/debug',
      user: { kind: 'process', path: '/sys/kernel/debug/usb/usbmon/0u', references: null },
      unexplained: 1,
    },
    {
      module: 'uinput',
      what: 'a descriptor that shares its open file with another one',
      process: shell('exec 5<>/dev/uinput 6<&5'),
      user: { kind: 'process', path: '/dev/uinput', references: 0 },
    },
    {
      ...LAZY,
      module: 'ext4',
      what: 'a working directory after a lazy unmount',
      process: shell(`set -e; cd ${FOLDER}; umount --lazy ${FOLDER}`),
      user: { kind: 'process', path: '/', fd: null, references: 1 },
    },
    {
      module: 'snd_dummy',
      what: 'a mapped device whose descriptor is closed',
      load: ['snd-dummy'],
      // The status page of a stream: SNDRV_PCM_MMAP_OFFSET_STATUS in include/uapi/sound/asound.h.
      process: python(
        'import mmap\n' +
          'fd = os.open("/dev/snd/pcmC0D0p", os.O_RDWR | os.O_NONBLOCK)\n' +
          'page = mmap.mmap(fd, 4096, mmap.MAP_SHARED, mmap.PROT_READ, offset=0x80000000)\n' +
          // mmap() of Python keeps a copy of the descriptor.
          'os.closerange(3, 100)',
      ),
      user: { kind: 'process', path: '/dev/snd/pcmC0D0p', fd: null, references: 1 },
    },
  ])
})

describe('character sets', () => {
  testUses([
    { module: 'nls_cp437', ...FAT, user: { kind: 'charset', name: 'cp437', references: 1 } },
    { module: 'nls_ascii', ...FAT, user: { kind: 'charset', name: 'ascii', references: 1 } },
  ])
})

describe('line disciplines', () => {
  const terminal = (number: number) =>
    python(`_, tty = os.openpty(); fcntl.ioctl(tty, 0x5423, struct.pack("i", ${number}))`)
  testUses([
    {
      module: 'slip',
      what: 'a terminal with an interface',
      process: terminal(1),
      user: { kind: 'tty', name: 'slip', references: 1 },
      command: false,
    },
    {
      module: 'mkiss',
      what: 'a terminal with an interface',
      process: terminal(5),
      user: { kind: 'tty', name: 'mkiss', references: 1 },
      command: false,
      notOn: ['newest'],
    },
  ])
})

test('a process of a service is released by its service', async () => {
  modprobe('uinput')
  const folder = '/sys/fs/cgroup'
  run('mount', ['-t', 'cgroup2', 'cgroup2', folder])
  afterThisTest(() => attempt('umount', ['--lazy', folder]))
  const pid = await startApart(shell('exec 5<>/dev/uinput'))
  const unit = `${folder}/system.slice/kmodtest.service`
  mkdirSync(unit, { recursive: true })
  afterThisTest(() => {
    writeFileSync(`${folder}/cgroup.procs`, String(pid))
    rmdirSync(unit)
    rmdirSync(`${folder}/system.slice`)
  })
  writeFileSync(`${unit}/cgroup.procs`, String(pid))
  expect(usersOf(await kmod.explain('uinput'), 'process')).toMatchObject([
    {
      pid,
      unit: 'kmodtest.service',
      release: { kind: 'service', command: ['systemctl', 'stop', 'kmodtest.service'] },
    },
  ])
})
