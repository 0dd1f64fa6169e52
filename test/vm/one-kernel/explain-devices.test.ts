/**
 * explain() and impact() for devices, algorithms, line disciplines, binary formats, virtual machines and
 * displays, compared with the kernel's counts.
 */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { kmod } from 'node-kmod'
import { startReady } from '../processes'
import { afterThisTest, attempt, countOf, modprobe, run, until } from '../support'
import { effectsOn, usersOf } from '../users'

describe('devices', () => {
  test('bound to a driver are those of /sys, and take no reference', async () => {
    modprobe('snd-dummy')
    const usage = await kmod.explain('snd_dummy')
    expect(usage).toMatchObject({ refCount: countOf('snd_dummy'), references: 0, unexplained: 0 })
    const folder = '/sys/module/snd_dummy/drivers/platform:snd_dummy'
    const bound = run('find', [`${folder}/`, '-name', 'snd_dummy.*', '-printf', '%f\n'])
    expect(usersOf(usage, 'device').map(({ device }) => device)).toEqual(bound.trim().split('\n'))
    expect(usersOf(usage, 'device')[0]).toMatchObject({
      bus: 'platform',
      driver: 'snd_dummy',
      references: 0,
    })
    const [, id] = /\[(\S+) *\]/.exec(readFileSync('/proc/asound/cards', 'utf8'))!
    expect(usersOf(usage, 'sound')).toMatchObject([{ name: `card0 (${id})`, value: 'idle' }])
  })

  test('that are open are explained by the process', async () => {
    modprobe('-a', 'snd-dummy', 'uinput')
    await until('the devices exist', () =>
      ['/dev/snd/pcmC0D0p', '/dev/uinput'].every((path) => existsSync(path)),
    )
    const open = (path: string): number => {
      const fd = openSync(path, 'r+')
      afterThisTest(() => closeSync(fd))
      return fd
    }
    const sound = open('/dev/snd/pcmC0D0p')
    const input = open('/dev/uinput')
    const card = await kmod.explain('snd_dummy')
    expect(card).toMatchObject({ refCount: countOf('snd_dummy'), references: 1, unexplained: 0 })
    expect(usersOf(card, 'process')).toMatchObject([{ pid: process.pid, fd: sound }])
    expect(usersOf(card, 'sound')).toMatchObject([{ value: `open by ${process.pid}` }])
    const uinput = await kmod.explain('uinput')
    expect(uinput).toMatchObject({ refCount: countOf('uinput'), references: 1, unexplained: 0 })
    expect(usersOf(uinput, 'process')).toMatchObject([{ path: '/dev/uinput', fd: input }])
  })
})

test('an algorithm that a socket uses is explained by its count in /proc/crypto', async () => {
  const script =
    'import socket, time\n' +
    's = socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)\n' +
    's.bind(("hash", "rmd160"))\n' +
    'print("ready", flush=True)\n' +
    'time.sleep(1000)\n'
  await startReady(['python3', '-c', script])
  const usage = await kmod.explain('rmd160')
  const paragraph = readFileSync('/proc/crypto', 'utf8')
    .split('\n\n')
    .find((one) => /^name\s*: rmd160$/m.test(one))!
  const refcnt = Number(/^refcnt\s*: (\d+)$/m.exec(paragraph)![1])
  expect(usersOf(usage, 'crypto')).toMatchObject([
    { value: 'rmd160', references: refcnt - 1, release: { command: null } },
  ])
  expect(usage.refCount).toBe(countOf('rmd160'))
  expect(usage.refCount).toBeGreaterThan(0)
  expect(usage.unexplained).toBe(0)
})

test('a line discipline is explained by /proc/tty/ldiscs', async () => {
  modprobe('slip')
  const row = /^slip +(\d+)$/m.exec(readFileSync('/proc/tty/ldiscs', 'utf8'))!
  expect(usersOf(await kmod.explain('slip'), 'tty')).toMatchObject([
    { name: 'slip', value: `line discipline ${row[1]}` },
  ])
})

test('a binary format is explained by its registration', async () => {
  const folder = '/proc/sys/fs/binfmt_misc'
  run('mount', ['-t', 'binfmt_misc', 'binfmt_misc', folder])
  afterThisTest(() => attempt('umount', [folder]))
  writeFileSync(`${folder}/register`, ':kmodtest:E::kmodtest::/bin/true:')
  const usage = await kmod.explain('binfmt_misc')
  expect(usage).toMatchObject({ refCount: countOf('binfmt_misc'), unexplained: 0 })
  expect(usersOf(usage, 'binfmt')).toMatchObject([{ name: 'kmodtest', value: '/bin/true' }])
})

test('a virtual machine holds the KVM module of the processor', async () => {
  modprobe('kvm')
  const vendor = ['kvm_amd', 'kvm_intel'].find((name) => attempt('modprobe', [name]).status === 0)
  if (vendor === undefined) {
    // The guest's processor has no virtualization support, so nothing can use the module.
    expect(existsSync('/dev/kvm')).toBe(false)
    expect((await kmod.explain('kvm')).users).toEqual([])
    return
  }
  expect(usersOf(await kmod.explain('kvm'), 'module').map(({ name }) => name)).toEqual([vendor])
  await until('the device exists', () => existsSync('/dev/kvm'))
  const script =
    'import fcntl, os, time\n' +
    'kvm = os.open("/dev/kvm", os.O_RDWR)\n' +
    'machine = fcntl.ioctl(kvm, 0xae01, 0)\n' +
    'print("ready", flush=True)\n' +
    'time.sleep(1000)\n'
  const child = await startReady(['python3', '-c', script])
  const usage = await kmod.explain(vendor)
  expect(usage.refCount).toBe(countOf(vendor))
  expect(usersOf(usage, 'process').map(({ pid, path }) => ({ pid, path }))).toEqual([
    { pid: child.pid, path: '/dev/kvm' },
    { pid: child.pid, path: 'anon_inode:kvm-vm' },
  ])
  // The virtual machine itself takes one more than its two descriptors.
  expect(usage.references! - usage.unexplained!).toBe(2)
  // /sys/kernel/debug/kvm has a folder for each virtual machine.
  mkdirSync('/sys/kernel/debug', { recursive: true })
  run('mount', ['-t', 'debugfs', 'debugfs', '/sys/kernel/debug'])
  afterThisTest(() => attempt('umount', ['/sys/kernel/debug']))
  expect(await effectsOn(vendor)).toEqual([`critical virtual-machine:${child.pid}`])
  expect(await effectsOn('kvm')).toEqual([`critical virtual-machine:${child.pid}`])
})

test('a frame buffer with the text console on it is a display, until the console is unbound', async () => {
  const bind = '/sys/class/vtconsole/vtcon1/bind'
  modprobe('vfb', 'vfb_enable=1')
  afterThisTest(() => {
    if (existsSync(bind)) writeFileSync(bind, '0')
  })
  await until('the console exists', () => existsSync(bind))
  if (readFileSync(bind, 'utf8').trim() === '0') writeFileSync(bind, '1')
  const usage = await kmod.explain('vfb')
  expect(usage.refCount).toBe(countOf('vfb'))
  const [console] = usersOf(usage, 'console')
  expect(console).toMatchObject({ name: 'fb0', value: 'bound' })
  expect(console!.release.text).toContain(bind)
  expect(await effectsOn('vfb')).toEqual(['critical display:fb0'])
  writeFileSync(bind, '0')
  expect(usersOf(await kmod.explain('vfb'), 'console')).toEqual([])
  expect(await effectsOn('vfb')).toEqual([])
})
