/** Explain and impact for devices, disks and the like, against the kernel's counts and its tools. */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { kmod, type Effect, type Usage, type User } from 'node-kmod'
import { attempt, cleanUp, lsmod, modprobe, run, until } from '../support'

type Of<Kind extends User['kind']> = User & { kind: Kind }

function usersOf<Kind extends User['kind']>({ users }: Usage, kind: Kind): Of<Kind>[] {
  return users.filter((user): user is Of<Kind> => user.kind === kind)
}

function countOf(module: string): number {
  return lsmod().find(({ name }) => name === module)!.count
}

/** Runs the argv that a user is released with. */
function release(user: User | undefined): void {
  const [command, ...args] = user!.release.command!
  run(command!, args)
}

async function effectsOn(module: string): Promise<string[]> {
  const effects: Effect[] = await kmod.impact(module)
  return effects.map(({ kind, severity, subject }) => `${severity} ${kind}:${subject}`)
}

function makeImage(path: string, megabytes = 16): string {
  run('truncate', ['-s', `${megabytes}M`, path])
  return path
}

function attachLoop(image: string): string {
  modprobe('loop')
  return run('losetup', ['-f', '--show', image]).trim()
}

/** A process that has said that it is ready. */
async function startReady(command: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return child
}

async function end(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

describe('loop devices', () => {
  const image = '/tmp/kmod-loop.img'
  let device: string
  beforeEach(() => {
    run('mkfs.ext4', ['-q', '-F', makeImage(image)])
    device = attachLoop(image)
  })
  afterEach(() => {
    attempt('umount', ['/tmp/kmod-loop'])
    attempt('losetup', ['-d', device])
    cleanUp('loop')
  })

  test('are explained by their file, and released by the argv that is given', async () => {
    expect(run('losetup', ['-l', '-n', '-O', 'NAME,BACK-FILE']).trim().split(/\s+/)).toEqual([
      device,
      image,
    ])
    const usage = await kmod.explain('loop')
    expect(usage).toMatchObject({ refCount: countOf('loop'), references: 1, unexplained: 0 })
    const [user] = usersOf(usage, 'block')
    expect(user).toMatchObject({ path: device, usedBy: [image], references: 1 })
    expect(await effectsOn('loop')).toEqual([`disruptive storage:${device}`])

    release(user)
    await until('the device is free', () => run('losetup', ['-l', '-n']).trim() === '')
    const after = await kmod.explain('loop')
    expect(usersOf(after, 'block')).toEqual([])
    expect(after.refCount).toBe(0)
    expect(await effectsOn('loop')).toEqual([])
  })

  test('that are mounted are in use by the mount', async () => {
    mkdirSync('/tmp/kmod-loop', { recursive: true })
    run('mount', [device, '/tmp/kmod-loop'])
    const usage = await kmod.explain('loop')
    expect(usage).toMatchObject({ refCount: countOf('loop'), references: 2, unexplained: 0 })
    expect(usersOf(usage, 'block')[0]!.usedBy).toEqual([image, '/tmp/kmod-loop'])
    expect(await effectsOn('loop')).toEqual(['critical filesystem:/tmp/kmod-loop'])
    const fileSystem = await kmod.explain('ext4')
    expect(fileSystem).toMatchObject({ refCount: countOf('ext4'), unexplained: 0 })
    release(usersOf(fileSystem, 'mount').find(({ path }) => path === '/tmp/kmod-loop'))
    expect(countOf('loop')).toBe(1)
  })

  test('that are mounted in another namespace are found there', async () => {
    const script = `mkdir -p /tmp/kmod-loop && mount ${device} /tmp/kmod-loop && echo ready && exec sleep 1000`
    const child = await startReady('unshare', ['-m', 'sh', '-c', script])
    try {
      const usage = await kmod.explain('ext4')
      const mount = usersOf(usage, 'mount').find(({ source }) => source === device)
      expect(mount).toMatchObject({ path: '/tmp/kmod-loop', pid: child.pid })
      expect((await kmod.explain('loop')).unexplained).toBe(0)
      expect(await effectsOn('loop')).toEqual(['critical filesystem:/tmp/kmod-loop'])
      release(mount)
      expect(countOf('loop')).toBe(1)
    } finally {
      await end(child)
    }
  })

  test('that a mapping lies on, which is released first', async () => {
    run('dmsetup', ['create', 'kmodmap', '--table', `0 8192 linear ${device} 0`])
    try {
      const usage = await kmod.explain('loop')
      expect(usage).toMatchObject({ refCount: countOf('loop'), references: 2, unexplained: 0 })
      const [mapping] = usersOf(await kmod.explain('dm_mod'), 'block')
      expect(mapping!.release.command).toEqual(['dmsetup', 'remove', 'kmodmap'])
      const loop = usersOf(usage, 'block').find(({ path }) => path === device)
      expect(loop!.usedBy).toEqual([image, mapping!.path])
      // Which of the mapping's targets refer to the module, /sys does not tell: no less than this.
      expect(mapping!.references).toBe(1)
      expect(countOf('dm_mod')).toBeGreaterThanOrEqual(1)
      expect(await effectsOn('dm_mod')).toEqual([`disruptive storage:${mapping!.path}`])
      release(mapping)
      expect(run('dmsetup', ['ls'])).toMatch(/No devices/)
    } finally {
      attempt('dmsetup', ['remove', 'kmodmap'])
      cleanUp('dm_mod')
    }
  })
})

describe('swap', () => {
  afterEach(() => {
    attempt('swapoff', ['/dev/zram0'])
    cleanUp('zram')
  })

  test('on zram, until it is switched off by the argv that is given', async () => {
    modprobe('zram')
    await until('the device is there', () => existsSync('/dev/zram0'))
    expect(usersOf(await kmod.explain('zram'), 'block')).toEqual([])
    writeFileSync('/sys/block/zram0/disksize', '16M')
    expect(await effectsOn('zram')).toEqual(['disruptive storage:/dev/zram0'])
    run('mkswap', ['/dev/zram0'])
    run('swapon', ['/dev/zram0'])
    expect(readFileSync('/proc/swaps', 'utf8')).toContain('/dev/zram0')
    const usage = await kmod.explain('zram')
    const count = countOf('zram')
    // Older kernels open the device twice for it; one is what is sure.
    expect(usage).toMatchObject({ refCount: count, references: count, unexplained: count - 1 })
    expect(count).toBeLessThanOrEqual(2)
    expect(usersOf(usage, 'block')).toMatchObject([
      { path: '/dev/zram0', usedBy: ['swap'], references: 0 },
    ])
    expect(await effectsOn('zram')).toEqual(['critical swap:/dev/zram0'])
    const [swap] = usersOf(usage, 'swap')
    release(swap)
    expect(readFileSync('/proc/swaps', 'utf8')).not.toContain('/dev/zram0')
    expect(countOf('zram')).toBe(0)
  })
})

describe('devices', () => {
  test('of a driver are those that /sys shows under it, and take no reference', async () => {
    modprobe('snd-dummy')
    try {
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
    } finally {
      cleanUp('snd_dummy', 'snd_pcm', 'snd_timer', 'snd', 'soundcore')
    }
  })

  test('of the root file system are those of the guest', async () => {
    const [mount] = usersOf(await kmod.explain('9pnet_virtio'), 'mount')
    expect(mount).toMatchObject({ type: '9p', references: 1 })
    expect(usersOf(await kmod.explain('9pnet_virtio'), 'device').map(({ bus }) => bus)).toContain(
      'virtio',
    )
  })

  test('that are open: a sound card and uinput', async () => {
    modprobe('snd-dummy')
    modprobe('uinput')
    await until('the devices are there', () =>
      ['/dev/snd/pcmC0D0p', '/dev/uinput'].every((path) => existsSync(path)),
    )
    const sound = openSync('/dev/snd/pcmC0D0p', 'r+')
    const input = openSync('/dev/uinput', 'r+')
    try {
      const card = await kmod.explain('snd_dummy')
      expect(card).toMatchObject({ refCount: countOf('snd_dummy'), references: 1, unexplained: 0 })
      expect(usersOf(card, 'process')).toMatchObject([{ pid: process.pid, fd: sound }])
      expect(usersOf(card, 'sound')).toMatchObject([{ value: `open by ${process.pid}` }])
      const uinput = await kmod.explain('uinput')
      expect(uinput).toMatchObject({ refCount: countOf('uinput'), references: 1, unexplained: 0 })
      expect(usersOf(uinput, 'process')).toMatchObject([{ path: '/dev/uinput', fd: input }])
    } finally {
      closeSync(sound)
      closeSync(input)
      cleanUp('uinput', 'snd_dummy', 'snd_pcm', 'snd_timer', 'snd', 'soundcore')
    }
  })
})

describe('algorithms', () => {
  test('in use by a socket of a program', async () => {
    const script =
      'import socket, time\n' +
      's = socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)\n' +
      's.bind(("hash", "rmd160"))\n' +
      'print("ready", flush=True)\n' +
      'time.sleep(1000)\n'
    const child = await startReady('python3', ['-c', script])
    try {
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
    } finally {
      await end(child)
      cleanUp('rmd160', 'algif_hash', 'af_alg')
    }
  })
})

describe('line disciplines and binary formats', () => {
  test('are those that are registered', async () => {
    modprobe('slip')
    const row = /^slip +(\d+)$/m.exec(readFileSync('/proc/tty/ldiscs', 'utf8'))!
    expect(usersOf(await kmod.explain('slip'), 'tty')).toMatchObject([
      { name: 'slip', value: `line discipline ${row[1]}` },
    ])
    cleanUp('slip', 'slhc')
    const folder = '/proc/sys/fs/binfmt_misc'
    run('mount', ['-t', 'binfmt_misc', 'binfmt_misc', folder])
    try {
      writeFileSync(`${folder}/register`, ':kmodtest:E::kmodtest::/bin/true:')
      const usage = await kmod.explain('binfmt_misc')
      expect(usage).toMatchObject({ refCount: countOf('binfmt_misc'), unexplained: 0 })
      expect(usersOf(usage, 'binfmt')).toMatchObject([{ name: 'kmodtest', value: '/bin/true' }])
    } finally {
      run('umount', [folder])
      cleanUp('binfmt_misc')
    }
  })
})

describe('virtual machines', () => {
  const vendors = ['kvm_amd', 'kvm_intel'] as const

  test('hold the module of the processor, where the guest can have any', async () => {
    modprobe('kvm')
    const vendor = vendors.find((name) => attempt('modprobe', [name]).status === 0)
    if (vendor === undefined) {
      // An emulated processor without virtualization.
      expect(existsSync('/dev/kvm')).toBe(false)
      expect((await kmod.explain('kvm')).users).toEqual([])
      cleanUp('kvm', 'irqbypass')
      return
    }
    expect(usersOf(await kmod.explain('kvm'), 'module').map(({ name }) => name)).toEqual([vendor])
    await until('the device is there', () => existsSync('/dev/kvm'))
    const script =
      'import fcntl, os, time\n' +
      'kvm = os.open("/dev/kvm", os.O_RDWR)\n' +
      'machine = fcntl.ioctl(kvm, 0xae01, 0)\n' +
      'print("ready", flush=True)\n' +
      'time.sleep(1000)\n'
    const child = await startReady('python3', ['-c', script])
    try {
      const usage = await kmod.explain(vendor)
      expect(usage.refCount).toBe(countOf(vendor))
      expect(usersOf(usage, 'process').map(({ pid, path }) => ({ pid, path }))).toEqual([
        { pid: child.pid, path: '/dev/kvm' },
        { pid: child.pid, path: 'anon_inode:kvm-vm' },
      ])
      // The virtual machine has one besides those of its descriptors.
      expect(usage.references! - usage.unexplained!).toBe(2)
      mkdirSync('/sys/kernel/debug', { recursive: true })
      attempt('mount', ['-t', 'debugfs', 'debugfs', '/sys/kernel/debug'])
      expect(await effectsOn(vendor)).toEqual([`critical virtual-machine:${child.pid}`])
      expect(await effectsOn('kvm')).toEqual([`critical virtual-machine:${child.pid}`])
    } finally {
      await end(child)
      attempt('umount', ['/sys/kernel/debug'])
      cleanUp(vendor, 'ccp', 'kvm', 'irqbypass')
    }
  })
})

describe('a frame buffer', () => {
  test('with the text console on it is a display, until the console is unbound', async () => {
    modprobe('vfb', 'vfb_enable=1')
    const bind = '/sys/class/vtconsole/vtcon1/bind'
    try {
      await until('the console is on it', () => existsSync(bind))
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
    } finally {
      if (existsSync(bind)) writeFileSync(bind, '0')
      cleanUp('vfb')
    }
  })
})

describe('an overlay as root', () => {
  test('is the effect of its own module, and what is under it is said not to be known', async () => {
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).toMatch(/ \/ \/ .* - overlay /)
    expect(await effectsOn('overlay')).toContain('critical root-filesystem:/')
    const { unreadable } = await kmod.plan('overlay')
    expect(unreadable).toContainEqual(expect.stringContaining('the overlay on /'))
  })
})
