/** The modules to which an open character device holds a reference. */
import { posix } from 'node:path'
import { normalize } from '../../contract/names'
import type { OpenDevice } from '../../kernel/snapshot'
import type { Sources } from '../system/sources'
import type { Sysfs } from '../system/sysfs'
import { kvmModules } from './virtual-machines'

type CharDevice = Pick<OpenDevice, 'family' | 'name' | 'modules'>

/** A device, with what /sys and /proc/devices say about it. */
interface Place {
  /** MAJOR:MINOR. */
  number: string
  /** Its folder below /sys/devices; `null`: /sys does not have it. */
  folder: string | null
  name: string
  /** The name of its driver in /proc/devices. */
  family: string
}

/** The modules of a family, besides the driver of the device. Source: the drivers of each. */
interface Family {
  modules: readonly string[]
  /** What else holds a reference; default: nothing. */
  also?: (place: Place, sources: Sources) => Promise<readonly string[]>
}

const withDriver = { also: nearestDriver }
const onHost = { also: hostModules }

/**
 * By the name in /proc/devices. A character device has no link to its module in /sys, and the nearest
 * driver in the tree need not be the one that was opened: /dev/sg0 lies below a disk.
 */
const FAMILIES: Readonly<Record<string, Family>> = {
  misc: { modules: [], also: miscModules },
  ppp: { modules: ['ppp_generic'] },
  ppdev: { modules: ['ppdev'] },
  lp: { modules: ['lp'] },
  'cpu/msr': { modules: ['msr'] },
  'cpu/cpuid': { modules: ['cpuid'] },
  i2c: { modules: ['i2c_dev'], ...withDriver },
  sg: { modules: ['sg'], ...onHost },
  st: { modules: ['st'], ...onHost },
  ch: { modules: ['ch'], ...onHost },
  bsg: { modules: [] },
  usbmon: { modules: ['usbmon'] },
  mtd: { modules: ['mtd'], ...withDriver },
  macvtap: { modules: ['tap', 'macvtap'] },
  ipvtap: { modules: ['tap', 'ipvtap'] },
  drm: { modules: ['drm'], ...withDriver },
  video4linux: { modules: ['videodev'], ...withDriver },
  media: { modules: ['mc'], ...withDriver },
  cec: { modules: ['cec'], ...withDriver },
  DVB: { modules: ['dvb_core'], ...withDriver },
  hidraw: { modules: ['hid'] },
  uio: { modules: ['uio'], ...withDriver },
  alsa: { modules: ['snd'], also: soundModules },
  sound: { modules: ['soundcore'], also: soundModules },
  input: { modules: [], also: inputModules },
  watchdog: { modules: ['watchdog'], also: watchdogModules },
  tty: { modules: [], also: terminalModules },
}

export async function charDevice(number: string, sources: Sources): Promise<CharDevice> {
  const { sysfs, aliases } = sources
  const [folder, subsystem, devices, byNumber] = await Promise.all([
    sysfs.link(`/sys/dev/char/${number}`),
    sysfs.link(`/sys/dev/char/${number}/subsystem`),
    sysfs.text('/proc/devices'),
    aliases.ofCharDevice(number),
  ])
  const isTerminal = subsystem !== null && posix.basename(subsystem) === 'tty'
  const family = isTerminal ? 'tty' : familyOf(number, devices ?? '')
  const place = { number, folder, name: posix.basename(folder ?? number), family }
  const known = FAMILIES[family]
  // The number of a module's own device is an alias of the module. A family that is known needs none.
  const modules =
    known === undefined
      ? [...(await modulesOfUnknown(place, sources)), ...byNumber]
      : [...((await known.also?.(place, sources)) ?? []), ...known.modules]
  return { family, name: place.name, modules: [...new Set(modules)] }
}

/** The families of which a captured system without /proc/devices is known to have the number. */
const FIXED_NUMBERS: Readonly<Record<string, string>> = {
  10: 'misc',
  13: 'input',
  14: 'sound',
  21: 'sg',
  81: 'video4linux',
  89: 'i2c',
  108: 'ppp',
  116: 'alsa',
  226: 'drm',
}

/**
 * The section "Character devices:" has rows "MAJOR NAME". A few major numbers have several rows, one
 * for each range of minor numbers; those of sound are `sound/NAME`. Source: chrdev_show() in
 * fs/char_dev.c.
 */
function familyOf(number: string, devices: string): string {
  const major = number.split(':', 1)[0]!
  const [section = ''] = devices.split('\nBlock devices:', 1)
  const row = section.split('\n').find((one) => one.trim().split(' ', 1)[0] === major)
  const name = row?.trim().slice(major.length).trim() ?? FIXED_NUMBERS[major] ?? ''
  return name.startsWith('sound/') ? 'sound' : name
}

async function modulesOfUnknown(place: Place, sources: Sources): Promise<string[]> {
  const [driver, loaded] = await Promise.all([
    nearestDriver(place, sources),
    sources.sysfs.loadedModules(),
  ])
  const named = [place.family, place.name.replace(/\d+$/, '')].map(normalize)
  return [...driver, ...named.filter((name) => loaded.has(name))]
}

async function nearestDriver({ folder }: Place, { sysfs }: Sources): Promise<string[]> {
  if (folder === null) return []
  const [driver] = await sysfs.drivers(folder)
  if (driver?.module != null) return [driver.module]
  // A module that creates a device without a driver of its own (vgem) names the device like itself. All
  // devices of the bus faux have the same driver, which is in the kernel. Source: drivers/base/faux.c.
  const [, bus, name] = /^\/sys\/devices\/(platform|faux)\/([^/.]+)/.exec(folder) ?? []
  if (name === undefined || (driver !== undefined && bus !== 'faux')) return []
  const loaded = await sysfs.loadedModules()
  return loaded.has(normalize(name)) ? [normalize(name)] : []
}

/** The module of the SCSI host. Source: scsi_device_get() in drivers/scsi/scsi.c. */
async function hostModules({ folder }: Place, { sysfs }: Sources): Promise<string[]> {
  return folder === null ? [] : scsiHostModules(folder, sysfs)
}

export async function scsiHostModules(folder: string, sysfs: Sysfs): Promise<string[]> {
  const [, above, host] = /^(.*)\/(host\d+)\//.exec(folder) ?? []
  if (above === undefined || host === undefined) return []
  const [drivers, name, loaded] = await Promise.all([
    sysfs.drivers(above),
    sysfs.text(`/sys/class/scsi_host/${host}/proc_name`),
    sysfs.loadedModules(),
  ])
  // The name that the driver gives its hosts is in most cases that of the module.
  const named = normalize(name ?? '')
  if (loaded.has(named)) return [named]
  return drivers.flatMap(({ module }) => module ?? []).slice(0, 1)
}

const KVM = '10:232' // KVM_MINOR in include/linux/miscdevice.h
const WATCHDOG = '10:130' // WATCHDOG_MINOR

/** `misc_open` takes the reference, to the module of the file operations. */
async function miscModules(place: Place, sources: Sources): Promise<string[]> {
  const { sysfs, aliases } = sources
  if (place.number === KVM) return kvmModules(sysfs)
  // /dev/watchdog opens the same watchdog as /dev/watchdog0. Source: drivers/watchdog/watchdog_dev.c.
  if (place.number === WATCHDOG) {
    const folder = await sysfs.link('/sys/class/watchdog/watchdog0')
    const driver = await watchdogModules({ ...place, folder }, sources)
    return [...driver, 'watchdog']
  }
  const [byNumber, loaded] = await Promise.all([
    aliases.ofCharDevice(place.number),
    sysfs.loadedModules(),
  ])
  if (byNumber.length > 0) return byNumber
  // A number that the kernel chose has no alias. Most drivers name the device like the module.
  const name = normalize(place.name)
  const named = MISC_NAMES[name] ?? name
  return loaded.has(named) ? [named] : []
}

/** Devices with a number that the kernel chooses and another name than their module. */
const MISC_NAMES: Readonly<Record<string, string>> = {
  dlm_control: 'dlm',
  dlm_monitor: 'dlm',
  dlm_plock: 'dlm',
  ubi_ctrl: 'ubi',
  vtpmx: 'tpm_vtpm_proxy',
}

/** The software watchdog has no device in /sys that leads to its module. */
async function watchdogModules(place: Place, sources: Sources): Promise<string[]> {
  const driver = await nearestDriver(place, sources)
  if (driver.length > 0 || place.folder === null) return driver
  const identity = await sources.sysfs.text(`${place.folder}/identity`)
  return identity === 'Software Watchdog' ? ['softdog'] : []
}

/** The parts of ALSA, by the names of their devices. Source: snd_register_device() in sound/core. */
const SOUND_PARTS: readonly [pattern: RegExp, module: string][] = [
  [/^pcm/, 'snd_pcm'],
  [/^midiC/, 'snd_rawmidi'],
  [/^hw/, 'snd_hwdep'],
  [/^compr/, 'snd_compress'],
  [/^timer$/, 'snd_timer'],
  [/^seq$/, 'snd_seq'],
  // The devices of OSS.
  [/^mixer/, 'snd_mixer_oss'],
  [/^(dsp|audio|adsp)/, 'snd_pcm_oss'],
  [/^(sequencer|music)/, 'snd_seq_oss'],
  [/^(midi\d|dmmidi|amidi|admmidi)/, 'snd_rawmidi'],
]

/** An open device of a card refers to the module of the card, and to that of the device's kind. */
async function soundModules(place: Place, sources: Sources): Promise<string[]> {
  const parts = SOUND_PARTS.flatMap(([pattern, module]) =>
    pattern.test(place.name) ? [module] : [],
  )
  return [...(await nearestDriver(place, sources)), ...parts]
}

/**
 * An open input device holds a reference to its handler's module, not to its driver's. Source:
 * drivers/input.
 */
const INPUT_HANDLERS: readonly [pattern: RegExp, module: string][] = [
  [/^event\d+$/, 'evdev'],
  [/^(mouse\d+|mice)$/, 'mousedev'],
  [/^js\d+$/, 'joydev'],
]

function inputModules({ name }: Place): Promise<string[]> {
  return Promise.resolve(
    INPUT_HANDLERS.flatMap(([pattern, module]) => (pattern.test(name) ? [module] : [])),
  )
}

/** The drivers of terminals that are no devices in the tree, or not the nearest driver. */
const TERMINALS: readonly [pattern: RegExp, module: string][] = [
  [/^ttyUSB\d+$/, 'usbserial'],
  [/^ttyGS\d+$/, 'u_serial'],
  [/^rfcomm\d+$/, 'rfcomm'],
  [/^ttyprintk$/, 'ttyprintk'],
  [/^gsmtty\d+$/, 'n_gsm'],
]

async function terminalModules(place: Place, sources: Sources): Promise<string[]> {
  const named = TERMINALS.flatMap(([pattern, module]) => (pattern.test(place.name) ? [module] : []))
  return [...named, ...(await nearestDriver(place, sources))]
}
