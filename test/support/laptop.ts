/**
 * The captured system of a Debian laptop: NVMe with LUKS, a USB stick, loop mounts, swap, a wired and a
 * wireless interface, a bridge, a VPN, a container and a virtual machine.
 */
import { RELEASE, type CapturedSystem } from './captured-system'
import { makeIndex } from './index-writer'
import { makeModuleFile } from './module-file'
import { SysfsWriter } from './sysfs'

/** Loaded modules, newest first: what each uses, and its references that are not held by modules. */
const MODULES: readonly [name: string, uses: string[], references: number][] = [
  ['rmd160', [], 2],
  ['n_gsm', [], 0],
  ['binfmt_misc', [], 1],
  ['kvm_intel', ['kvm'], 4],
  ['kvm', [], 0],
  ['evdev', [], 1],
  ['i915', [], 1],
  ['tun', [], 2],
  ['veth', [], 0],
  ['8021q', [], 0],
  ['bridge', ['stp', 'llc'], 0],
  ['stp', ['llc'], 0],
  ['llc', [], 0],
  ['overlay', [], 1],
  ['zram', [], 1],
  ['loop', [], 2],
  ['squashfs', [], 1],
  ['vfat', ['fat'], 2],
  ['fat', [], 0],
  ['usb_storage', ['usbcore'], 1],
  ['snd_hda_intel', ['snd'], 2],
  ['snd', [], 3],
  ['iwlwifi', ['cfg80211'], 0],
  ['cfg80211', [], 0],
  ['e1000e', [], 0],
  ['sd_mod', [], 1],
  ['dm_crypt', ['dm_mod'], 1],
  ['dm_mod', [], 2],
  ['ext4', ['jbd2'], 2],
  ['jbd2', [], 0],
  ['nvme', ['nvme_core'], 3],
  ['nvme_core', [], 4],
  ['xhci_pci', ['xhci_hcd'], 0],
  ['xhci_hcd', ['usbcore'], 0],
  ['usbcore', [], 0],
]

/** The aliases of modules.alias. */
export const LAPTOP_ALIASES: Readonly<Record<string, string>> = {
  'fs-ext2': 'ext4',
  'fs-ext3': 'ext4',
  'fs-ext4': 'ext4',
  'fs-vfat': 'vfat',
  'fs-squashfs': 'squashfs',
  'fs-overlay': 'overlay',
  'rtnl-link-bridge': 'bridge',
  'rtnl-link-veth': 'veth',
  'rtnl-link-vlan': '8021q',
  'rtnl-link-tun': 'tun',
  'char-major-10-200': 'tun',
  'char-major-10-232': 'kvm',
  'char-major-226-*': 'drm',
  'tty-ldisc-21': 'n_gsm',
  'fs-binfmt_misc': 'binfmt_misc',
  'char-major-116-*': 'snd',
}

const MOUNTS = [
  '22 28 0:21 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw',
  '23 28 0:22 / /proc rw,nosuid,nodev,noexec,relatime shared:14 - proc proc rw',
  '28 1 254:0 / / rw,relatime shared:1 - ext4 /dev/mapper/nvme0n1p3_crypt rw,errors=remount-ro',
  '40 28 259:2 / /boot rw,relatime shared:30 - ext4 /dev/nvme0n1p2 rw',
  '41 40 259:1 / /boot/efi rw,relatime shared:31 - vfat /dev/nvme0n1p1 rw,fmask=0077',
  '50 28 7:0 / /snap/core22/1380 ro,nodev,relatime shared:40 - squashfs /dev/loop0 ro',
  '60 28 8:1 / /media/anna/MY\\040STICK rw,nosuid,nodev,relatime shared:50 - vfat /dev/sda1 rw',
  '61 28 7:1 / /mnt/image rw,relatime shared:51 - ext2 /dev/loop1 rw',
  '63 23 0:34 / /proc/sys/fs/binfmt_misc rw,relatime shared:8 - autofs systemd-1 rw,fd=32,pgrp=1',
  '64 63 0:35 / /proc/sys/fs/binfmt_misc rw,relatime shared:9 - binfmt_misc binfmt_misc rw',
  '62 28 8:1 /photos /srv/photos rw,relatime shared:50 - vfat /dev/sda1 rw',
]

const DOCKER = '/var/lib/docker/overlay2'
const CONTAINER_MOUNTS = [
  `900 800 0:55 / / rw,relatime master:60 - overlay overlay rw,lowerdir=${DOCKER}/l/AA:${DOCKER}/l/BB,upperdir=${DOCKER}/cc/diff,workdir=${DOCKER}/cc/work`,
  '901 900 0:56 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw',
  '902 900 254:0 /var/lib/docker/volumes/data /data rw,relatime - ext4 /dev/mapper/nvme0n1p3_crypt rw,errors=remount-ro',
]

/** A process in the mount namespace of the container. */
export const CONTAINER_PID = 2000

/** Writes the laptop into an empty captured system. The capturing process is 3001. */
export function fillLaptop(system: CapturedSystem): CapturedSystem {
  writeModules(system)
  writeProcesses(system)
  const sysfs = new SysfsWriter(system)
  writeDisks(sysfs)
  writeNetwork(system, sysfs)
  writeGraphics(sysfs)
  writeSound(system)
  writeRest(system)
  sysfs.char('virtual/misc/tun', '10:200', 'net/tun')
  sysfs.char('virtual/mem/null', '1:3', 'null')
  sysfs.char('virtual/misc/kvm', '10:232', 'kvm')
  const audio = sysfs.device('pci0000:00/0000:00:1f.3', pci('snd_hda_intel'))
  sysfs.char(`${below(audio)}/sound/card0/controlC0`, '116:8', 'snd/controlC0')
  return system
}

function pci(module: string): { bus: string; name: string; module: string } {
  return { bus: 'pci', name: module, module }
}

function below(folder: string): string {
  return folder.replace('/sys/devices/', '')
}

function writeModules(system: CapturedSystem): void {
  const rows = MODULES.map(([name, , references]) => {
    const holders = MODULES.filter(([, uses]) => uses.includes(name)).map(([holder]) => holder)
    const users = holders.length === 0 ? '-' : holders.map((holder) => `${holder},`).join('')
    return `${name} 16384 ${references + holders.length} ${users} Live 0x0000000000000000\n`
  })
  system.write('proc/modules', rows.join(''))

  const directory = `lib/modules/${RELEASE}`
  const file = (name: string): string => `kernel/${name}.ko`
  const dep: Record<string, string> = {}
  for (const [name, uses] of MODULES) dep[name] = `${file(name)}: ${uses.map(file).join(' ')}`
  const aliases: Record<string, string> = {}
  for (const [alias, name] of Object.entries(LAPTOP_ALIASES)) {
    aliases[alias.replaceAll('-', '_')] = name
  }
  system
    .write(`${directory}/modules.dep.bin`, makeIndex(dep))
    .write(`${directory}/modules.alias.bin`, makeIndex(aliases))
    .write(`${directory}/modules.symbols.bin`, makeIndex({}))
    .write(`${directory}/modules.builtin.bin`, makeIndex({ tmpfs: '' }))
    .write(`${directory}/modules.builtin.modinfo`, 'tmpfs.license=GPL\0')
  for (const [name, uses] of MODULES) {
    const fields = { license: 'GPL', depends: uses.join(','), name, vermagic: '6.1 SMP ' }
    system.write(`${directory}/${file(name)}`, makeModuleFile(fields))
    system.write(`sys/module/${name}/initstate`, 'live\n')
  }
}

function writeProcesses(system: CapturedSystem): void {
  const process = (
    pid: number,
    comm: string,
    namespace: string,
    mounts: readonly string[],
    fds: Record<number, string>,
  ): void => {
    system
      .write(`proc/${pid}/comm`, `${comm}\n`)
      .write(`proc/${pid}/mountinfo`, mounts.map((line) => `${line}\n`).join(''))
      .link(`mnt:[${namespace}]`, `proc/${pid}/ns/mnt`)
    for (const [fd, path] of Object.entries(fds)) system.link(path, `proc/${pid}/fd/${fd}`)
  }
  process(1, 'systemd', '4026531841', MOUNTS, { 0: '/dev/null' })
  process(640, 'pipewire', '4026531841', MOUNTS, { 0: '/dev/null', 30: '/dev/snd/controlC0' })
  process(700, 'Xorg', '4026531841', MOUNTS, { 3: '/dev/dri/card0', 4: '/dev/input/event3' })
  process(900, 'qemu\x1b[2J', '4026531841', MOUNTS, {
    9: '/dev/kvm',
    10: 'anon_inode:kvm-vm',
    11: 'anon_inode:kvm-vcpu:0',
    12: 'anon_inode:[eventfd]',
  })
  process(812, 'openvpn', '4026531841', MOUNTS, { 1: 'socket:[31415]', 5: '/dev/net/tun' })
  process(CONTAINER_PID, 'nginx', '4026532700', CONTAINER_MOUNTS, { 0: '/dev/null' })
  process(3001, 'tar', '4026531841', MOUNTS, { 0: '/dev/pts/1' })
  system
    .link('3001', 'proc/self')
    .link('self/net', 'proc/net')
    .write('proc/sys/kernel/osrelease', '6.12.1-amd64\n')
    .write(
      'proc/swaps',
      'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n' +
        '/dev/zram0                              partition\t8388604\t\t0\t\t100\n' +
        '/var/swap\\040file                       file\t\t1048572\t\t0\t\t-2\n',
    )
}

function writeDisks(sysfs: SysfsWriter): void {
  // The driver of the PCI Express port is compiled in.
  sysfs.device('pci0000:00/0000:00:1d.0', { bus: 'pci', name: 'pcieport', module: null })
  const nvme = sysfs.device('pci0000:00/0000:00:1d.0/0000:02:00.0', pci('nvme'))
  const disk = `${below(nvme)}/nvme/nvme0/nvme0n1`
  sysfs.block(disk, '259:0')
  sysfs.block(`${disk}/nvme0n1p1`, '259:1', { partition: '1\n' })
  sysfs.block(`${disk}/nvme0n1p2`, '259:2', { partition: '2\n' })
  const locked = sysfs.block(`${disk}/nvme0n1p3`, '259:3', { partition: '3\n' })
  const opened = sysfs.block('virtual/block/dm-0', '254:0', {
    'dm/name': 'nvme0n1p3_crypt\n',
    'dm/uuid': 'CRYPT-LUKS2-0123456789abcdef0123456789abcdef-nvme0n1p3_crypt\n',
  })
  sysfs.slave(opened, locked)

  const usb = { bus: 'usb', name: 'usb', module: 'usbcore' }
  const controller = 'pci0000:00/0000:00:14.0'
  sysfs.device(controller, { bus: 'pci', name: 'xhci_hcd', module: 'xhci_pci' })
  sysfs.device(`${controller}/usb2`, usb)
  sysfs.device(`${controller}/usb2/2-1`, usb)
  const stick = `${controller}/usb2/2-1/2-1:1.0`
  sysfs.device(stick, { bus: 'usb', name: 'usb-storage', module: 'usb_storage' })
  const unit = `${stick}/host6/target6:0:0/6:0:0:0`
  sysfs.device(unit, { bus: 'scsi', name: 'sd', module: 'sd_mod' })
  sysfs.block(`${unit}/block/sda`, '8:0')
  sysfs.block(`${unit}/block/sda/sda1`, '8:1', { partition: '1\n' })

  sysfs.block('virtual/block/loop0', '7:0', {
    'loop/backing_file': '/var/lib/snapd/snaps/core22_1380.snap\n',
  })
  sysfs.block('virtual/block/loop1', '7:1', {
    'loop/backing_file': '/media/anna/MY STICK/disk image\n',
  })
  sysfs.block('virtual/block/loop2', '7:2')
  sysfs.block('virtual/block/zram0', '253:0', { disksize: '8589934592\n' })
  sysfs.block('virtual/block/zram1', '253:1', { disksize: '0\n' })
  sysfs.block('virtual/block/ram0', '1:0')
}

/** A built-in panel that is on, two connectors without an enabled monitor, and the text console. */
function writeGraphics(sysfs: SysfsWriter): void {
  const gpu = below(sysfs.device('pci0000:00/0000:00:02.0', pci('i915')))
  sysfs.char(`${gpu}/drm/card0`, '226:0', 'dri/card0')
  sysfs.classDevice('drm', `${gpu}/drm/card0`)
  const connector = (name: string, status: string, enabled: string): void => {
    const files = { status: `${status}\n`, enabled: `${enabled}\n` }
    sysfs.classDevice('drm', `${gpu}/drm/card0/card0-${name}`, files)
  }
  connector('eDP-1', 'connected', 'enabled')
  connector('DP-1', 'connected', 'disabled')
  connector('HDMI-A-1', 'disconnected', 'disabled')
  sysfs.classDevice('graphics', `${gpu}/graphics/fb0`, { name: 'i915drmfb\n' })
  sysfs.classDevice('graphics', 'virtual/graphics/fbcon')
  const console = (number: number, name: string, bind: string): void => {
    const files = { name: `${name}\n`, bind: `${bind}\n` }
    sysfs.classDevice('vtconsole', `virtual/vtconsole/vtcon${number}`, files)
  }
  console(0, '(S) dummy device', '0')
  console(1, '(M) frame buffer device', '1')
  const keyboard = { bus: 'serio', name: 'atkbd', module: null }
  sysfs.device('platform/i8042/serio0', keyboard)
  sysfs.char('platform/i8042/serio0/input/input3/event3', '13:67', 'input/event3')
}

function writeSound(system: CapturedSystem): void {
  system
    .write(
      'proc/asound/cards',
      ' 0 [PCH            ]: HDA-Intel - HDA Intel PCH\n' +
        '                      HDA Intel PCH at 0x6005118000 irq 160\n',
    )
    .write('proc/asound/modules', ' 0 snd-hda-intel\n')
    .write('proc/asound/card0/pcm0c/sub0/status', 'closed\n')
    .write(
      'proc/asound/card0/pcm0p/sub0/status',
      'state: RUNNING\nowner_pid   : 640\ntrigger_time: 12.5\n',
    )
    .write('proc/asound/card0/id', 'PCH\n')
}

function writeRest(system: CapturedSystem): void {
  const algorithm = (name: string, driver: string, module: string, references: number): string =>
    `name         : ${name}\ndriver       : ${driver}\nmodule       : ${module}\npriority     : 100\n` +
    `refcnt       : ${references}\nselftest     : passed\ninternal     : no\ntype         : shash\n\n`
  system
    .write(
      'proc/crypto',
      algorithm('rmd160', 'rmd160-generic', 'rmd160', 3) +
        algorithm('xts(aes)', 'xts-aes-aesni', 'kernel', 7) +
        algorithm('crc32c', 'crc32c-intel', 'crc32c_intel', 1),
    )
    .write('proc/tty/ldiscs', 'n_tty       0\nn_gsm      21\nn_null     27\n')
    .write('proc/sys/fs/binfmt_misc/status', 'enabled\n')
    .write('proc/sys/fs/binfmt_misc/register', '')
    .write(
      'proc/sys/fs/binfmt_misc/qemu-arm',
      'enabled\ninterpreter /usr/bin/qemu-arm\nflags: OCF\noffset 0\nmagic 7f45\n',
    )
    .write('sys/kernel/debug/kvm/900-10/nx_lpage_splits', '0\n')
    .write('sys/kernel/debug/kvm/exits', '0\n')
}

function writeNetwork(system: CapturedSystem, sysfs: SysfsWriter): void {
  const wired = sysfs.device('pci0000:00/0000:00:1f.6', pci('e1000e'))
  const wireless = sysfs.device('pci0000:00/0000:00:14.3', pci('iwlwifi'))
  sysfs.interface('lo', { index: 1, flags: '0x9' })
  sysfs.interface('enp0s31f6', { index: 2, flags: '0x1003', parent: wired })
  sysfs.interface('wlp0s20f3', { index: 3, flags: '0x1002', parent: wireless, devtype: 'wlan' })
  sysfs.interface('enp0s31f6.20', {
    index: 4,
    flags: '0x1003',
    devtype: 'vlan',
    master: 'br0',
    lower: ['enp0s31f6'],
  })
  sysfs.interface('br0', {
    index: 5,
    flags: '0x1003',
    devtype: 'bridge',
    lower: ['enp0s31f6.20', 'veth1a2b'],
    files: { 'bridge/stp_state': '0\n' },
  })
  sysfs.interface('veth1a2b', { index: 7, flags: '0x1003', master: 'br0' })
  sysfs.interface('tun0', { index: 8, flags: '0x1091', files: { tun_flags: '0x1001\n' } })
  system
    .write('sys/class/net/bonding_masters', '\n')
    .write(
      'proc/3001/net/route',
      'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n' +
        'enp0s31f6\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n' +
        'enp0s31f6\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n' +
        'tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n',
    )
    .write(
      'proc/3001/net/ipv6_route',
      `${route6('00', '00000003', 'br0')}${route6('00', '00200200', 'lo')}` +
        route6('80', '00000001', 'tun0'),
    )
  writeConnections(system)
}

/** A connection to port 22 of 203.0.113.9, and one within the machine. */
function writeConnections(system: CapturedSystem): void {
  const net = 'proc/3001/net'
  const tcp = (row: number, local: string, remote: string, state: string): string =>
    `   ${row}: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  1000        0 1 1\n`
  system
    .write(
      `${net}/tcp`,
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n' +
        tcp(0, '00000000:0016', '00000000:0000', '0A') +
        tcp(1, '1701A8C0:C000', '097100CB:0016', '01') +
        tcp(2, '0100007F:0016', '0100007F:C001', '01'),
    )
    .write(
      `${net}/protocols`,
      'protocol  size sockets  memory press maxhdr  slab module     cl co di ac\n' +
        'SCTP      1400      0       0   no       0   yes  sctp        y  n  y  y\n' +
        'TCP       2368      3       1   no     320   yes  kernel      y  y  y  y\n',
    )
    .write(
      `${net}/fib_trie`,
      'Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 192.168.1.0\n        /24 link UNICAST\n' +
        'Local:\n  +-- 0.0.0.0/0 2 0 2\n     |-- 127.0.0.1\n        /32 host LOCAL\n' +
        '     |-- 192.168.1.23\n        /32 host LOCAL\n' +
        '     |-- 192.168.1.255\n        /32 link BROADCAST\n',
    )
    .write(`${net}/if_inet6`, `fd000000000000000000000000000005 05 40 00 80      br0\n`)
}

function route6(length: string, flags: string, name: string): string {
  const zero = '0'.repeat(32)
  return `${zero} ${length} ${zero} 00 ${zero} 00000400 00000001 00000000 ${flags}     ${name}\n`
}
