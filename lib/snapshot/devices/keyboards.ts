/** The connected keyboards. */
import type { Keyboard } from '../../kernel/snapshot'
import type { FileSources } from '../system/sources'

/**
 * Every keyboard with letters has the keys with the codes 1 (KEY_ESC) to 31 (KEY_S); code 0 is
 * KEY_RESERVED. udev requires the same keys for ID_INPUT_KEYBOARD.
 */
const LETTERS = 0xfffffffen

/**
 * `modules` does not have evdev. evdev delivers the events of all input devices, and a process that
 * reads them holds a reference to evdev itself.
 */
export async function readKeyboards({ sysfs }: FileSources): Promise<Keyboard[]> {
  const inputs = (await sysfs.list('/sys/class/input')).filter((name) => /^input\d+$/.test(name))
  const found = await Promise.all(
    inputs.map(async (input): Promise<Keyboard[]> => {
      const path = `/sys/class/input/${input}`
      const [keys, name, folder] = await Promise.all([
        sysfs.text(`${path}/capabilities/key`),
        sysfs.text(`${path}/name`),
        sysfs.link(path),
      ])
      // A keyboard that a program creates with uinput has no driver.
      if (folder === null || folder.startsWith('/sys/devices/virtual/input/')) return []
      if (!hasLetters(keys ?? '')) return []
      const drivers = await sysfs.drivers(folder)
      const modules = drivers.flatMap(({ module }) => module ?? [])
      return [{ input, name: name ?? '', modules: [...new Set(modules)] }]
    }),
  )
  return found.flat()
}

/**
 * `keys`: hexadecimal words, the lowest last. Source: input_bits_to_string() in drivers/input/input.c.
 */
function hasLetters(keys: string): boolean {
  const [lowest = ''] = keys.trim().split(/\s+/).reverse()
  return /^[0-9a-f]+$/.test(lowest) && (BigInt(`0x${lowest}`) & LETTERS) === LETTERS
}
