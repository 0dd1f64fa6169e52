/** The table of uses: devices that a process has open. */
import { python, shell, testUses, type Use } from '../use-table'

/** A process that has the device open as descriptor 5. A shell starts much faster than Python. */
function open(module: string, path: string, references: number, more: Partial<Use> = {}): Use {
  return {
    module,
    what: `open ${path}`,
    process: shell(`exec 5<>${path}`),
    user: { kind: 'process', path, references, unit: null },
    ...more,
  }
}

/** Opened without waiting for a tape, or for a carrier. */
function withoutWaiting(path: string): Partial<Use> {
  return { process: python(`fd = os.open("${path}", os.O_RDWR | os.O_NONBLOCK)`) }
}

/** Opened for reading only. */
function read(path: string): Partial<Use> {
  return { process: shell(`exec 5<${path}`) }
}

const wait = (path: string): string => `until [ -e ${path} ]; do sleep 0.1; done`

const SCSI_DISK = {
  load: ['-a', 'sd_mod', 'sg'],
  begin: `modprobe scsi_debug; ${wait('/dev/sg0')}; ${wait('/dev/sda')}`,
  end: 'rmmod scsi_debug',
}
const SCSI_TAPE = {
  load: ['-a', 'st'],
  begin: `modprobe scsi_debug ptype=1; ${wait('/dev/nst0')}`,
  end: 'rmmod scsi_debug',
  ...withoutWaiting('/dev/nst0'),
}
const MACVTAP = {
  load: ['macvtap'],
  begin:
    'ip link add kmodd0 type dummy; ip link add link kmodd0 name kmodt0 type macvtap; ' +
    'ln -s /dev/tap$(cat /sys/class/net/kmodt0/ifindex) /tmp/kmodtap',
  process: shell('exec 5<>$(realpath /tmp/kmodtap)'),
  end: 'rm -f /tmp/kmodtap; ip link del kmodt0; ip link del kmodd0',
}
const SERIAL_GADGET = {
  load: ['-a', 'dummy_hcd', 'g_serial'],
  end: 'rmmod g_serial dummy_hcd',
  ...withoutWaiting('/dev/ttyGS0'),
}

describe('drivers whose cdev and file operations have one owner', () => {
  testUses([
    open('tun', '/dev/net/tun', 2),
    open('ppp_generic', '/dev/ppp', 2),
    open('msr', '/dev/cpu/0/msr', 2, read('/dev/cpu/0/msr')),
    open('cpuid', '/dev/cpu/0/cpuid', 2, read('/dev/cpu/0/cpuid')),
    open('usbmon', '/dev/usbmon0', 2, read('/dev/usbmon0')),
    open('i2c_dev', '/dev/i2c-0', 2, {
      load: ['i2c-stub', 'chip_addr=0x50'],
      begin: 'modprobe i2c-dev',
      end: 'rmmod i2c-dev i2c-stub',
    }),
    open('sg', '/dev/sg0', 3, SCSI_DISK),
    open('st', '/dev/nst0', 2, SCSI_TAPE),
    { ...open('tap', '/dev/tap', 2, MACVTAP), user: { kind: 'process', references: 2 } },
    {
      ...open('macvtap', '/dev/tap', 1, MACVTAP),
      user: { kind: 'process', references: 1 },
      effects: ['disruptive interface:kmodt0'],
    },
    open('u_serial', '/dev/ttyGS0', 2, SERIAL_GADGET),
    open('ttyprintk', '/dev/ttyprintk', 2, { process: shell('exec 5>/dev/ttyprintk') }),
  ])
})

describe('devices below a host or a core', () => {
  testUses([
    open('scsi_debug', '/dev/sg0', 1, { ...SCSI_DISK, effects: ['disruptive storage:/dev/sda'] }),
    open('sd_mod', '/dev/sda', 1, { ...SCSI_DISK, effects: ['disruptive storage:/dev/sda'] }),
    // The core has one reference more than the links of its holders, also while nothing is open.
    open('drm', '/dev/dri/card0', 1, { load: ['vgem'], end: 'rmmod vgem', unexplained: 1 }),
    open('vgem', '/dev/dri/card0', 1),
    open('videodev', '/dev/video0', 1, { load: ['vivid'] }),
    open('vivid', '/dev/video0', 1),
  ])
})

describe('misc devices', () => {
  testUses([
    open('cuse', '/dev/cuse', 1),
    open('vhost_net', '/dev/vhost-net', 1),
    open('vhost_vsock', '/dev/vhost-vsock', 1),
    open('loop', '/dev/loop-control', 1),
    open('btrfs', '/dev/btrfs-control', 1),
    open('dm_mod', '/dev/mapper/control', 1),
    open('uhid', '/dev/uhid', 1),
    open('uinput', '/dev/uinput', 1),
    open('rfkill', '/dev/rfkill', 1),
    open('nvram', '/dev/nvram', 1),
    open('hci_vhci', '/dev/vhci', 1),
    // Their numbers are chosen by the kernel, so that no alias names the module.
    open('cachefiles', '/dev/cachefiles', 1),
    open('ubi', '/dev/ubi_ctrl', 1),
    open('vsock', '/dev/vsock', 1),
    open('tpm_vtpm_proxy', '/dev/vtpmx', 1),
    open('dlm', '/dev/dlm-control', 1),
  ])
})

describe('sound', () => {
  const dummy = { load: ['snd-dummy'] }
  const virmidi = { load: ['snd-virmidi'], ...read('/dev/snd/midiC0D0') }
  const oss = { load: ['-a', 'snd-dummy', 'snd-mixer-oss'] }
  testUses([
    open('snd_dummy', '/dev/snd/pcmC0D0p', 1, dummy),
    open('snd_pcm', '/dev/snd/pcmC0D0p', 1, dummy),
    open('snd', '/dev/snd/pcmC0D0p', 1, dummy),
    open('snd', '/dev/snd/controlC0', 2, dummy),
    open('snd_timer', '/dev/snd/timer', 1, { load: ['snd-timer'] }),
    open('snd_seq', '/dev/snd/seq', 1, { load: ['snd-seq'] }),
    open('snd_virmidi', '/dev/snd/midiC0D0', 1, virmidi),
    open('snd_rawmidi', '/dev/snd/midiC0D0', 1, virmidi),
    open('snd_mixer_oss', '/dev/mixer', 1, oss),
    open('soundcore', '/dev/mixer', 1, oss),
  ])
})

describe('other devices', () => {
  // A magic close: the watchdog stops, so that the machine does not restart.
  const watchdog = {
    load: ['softdog', 'soft_margin=60000'],
    process: python(
      'import signal\n' +
        'fd = os.open("/dev/watchdog", os.O_WRONLY)\n' +
        'def stop(*_):\n  os.write(fd, b"V"); os.close(fd); os._exit(0)\n' +
        'signal.signal(signal.SIGTERM, stop)',
    ),
    end: 'kill -TERM $(fuser /dev/watchdog 2>/dev/null)',
    command: false,
  }
  testUses([
    open('softdog', '/dev/watchdog', 2, watchdog),
    open('watchdog', '/dev/watchdog', 1, watchdog),
    open('evdev', '/dev/input/event0', 1, read('/dev/input/event0')),
  ])
})
