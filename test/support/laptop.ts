/**
 * A laptop with Debian, as somebody might have captured it: NVMe with LUKS, a USB stick, loop mounts,
 * swap, a wired and a wireless interface, a bridge, a VPN and a container.
 */
import { RELEASE, type CapturedSystem } from './captured-system'
import { makeIndex } from './index-writer'
import { makeModuleFile } from './module-file'
import { SysfsWriter } from './sysfs'

/** Loaded modules, newest first: what each uses, and its references that are no modules. */
const MODULES: readonly [name: string, uses: string[], references: number][] = [
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

/** As modules.alias has them. */
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
  '62 28 8:1 /photos /srv/photos rw,relatime shared:50 - vfat /dev/sda1 rw',
]

const DOCKER = '/var/lib/docker/overlay2'
const CONTAINER_MOUNTS = [
  `900 800 0:55 / / rw,relatime master:60 - overlay overlay rw,lowerdir=${DOCKER}/l/AA:${DOCKER}/l/BB,upperdir=${DOCKER}/cc/diff,workdir=${DOCKER}/cc/work`,
  '901 900 0:56 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw',
  '902 900 254:0 /var/lib/docker/volumes/data /data rw,relatime - ext4 /dev/mapper/nvme0n1p3_crypt rw,errors=remount-ro',
]

/** The process of the container, which has mounts of its own. */
export const CONTAINER_PID = 2000

/** Fills a captured system; the capturing process is 3001. */
export function fillLaptop(system: CapturedSystem): CapturedSystem {
  writeModules(system)
  writeProcesses(system)
  const sysfs = new SysfsWriter(system)
  writeDisks(sysfs)
  writeNetwork(system, sysfs)
  sysfs.char('virtual/misc/tun', '10:200', 'net/tun')
  sysfs.char('virtual/mem/null', '1:3', 'null')
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
  process(812, 'openvpn', '4026531841', MOUNTS, { 1: 'socket:[31415]', 5: '/dev/net/tun' })
  process(CONTAINER_PID, 'nginx', '4026532700', CONTAINER_MOUNTS, { 0: '/dev/null' })
  process(3001, 'tar', '4026531841', MOUNTS, { 0: '/dev/pts/1' })
  system
    .link('3001', 'proc/self')
    .link('self/net', 'proc/net')
    .write(
      'proc/swaps',
      'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n' +
        '/dev/zram0                              partition\t8388604\t\t0\t\t100\n' +
        '/var/swap\\040file                       file\t\t1048572\t\t0\t\t-2\n',
    )
}

function writeDisks(sysfs: SysfsWriter): void {
  // The PCI Express port's driver is compiled in.
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
  sysfs.block('virtual/block/zram0', '253:0')
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
}

function route6(length: string, flags: string, name: string): string {
  const zero = '0'.repeat(32)
  return `${zero} ${length} ${zero} 00 ${zero} 00000400 00000001 00000000 ${flags}     ${name}\n`
}
