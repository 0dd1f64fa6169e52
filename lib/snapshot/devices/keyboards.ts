/** The keyboards that are connected. */
import type { Keyboard } from '../../kernel/snapshot'
import type { Sources } from '../system/sources'

/**
 * The keys of the first 32 that a keyboard with letters has: all but KEY_RESERVED, from Escape over the
 * digits to D. udev's ID_INPUT_KEYBOARD asks for the same.
 */
const LETTERS = 0xfffffffen

/** Not evdev, which hands on the keys of all input devices and refers to its own readers. */
export async function readKeyboards({ sysfs }: Sources): Promise<Keyboard[]> {
  const inputs = (await sysfs.list('/sys/class/input')).filter((name) => /^input\d+$/.test(name))
  const found = await Promise.all(
    inputs.map(async (input): Promise<Keyboard[]> => {
      const path = `/sys/class/input/${input}`
      const [keys, name, folder] = await Promise.all([
        sysfs.text(`${path}/capabilities/key`),
        sysfs.text(`${path}/name`),
        sysfs.link(path),
      ])
      // A keyboard that a program makes by uinput has no driver.
      if (folder === null || folder.startsWith('/sys/devices/virtual/input/')) return []
      if (!hasLetters(keys ?? '')) return []
      const drivers = await sysfs.drivers(folder)
      const modules = drivers.flatMap(({ module }) => module ?? [])
      return [{ input, name: name ?? '', modules: [...new Set(modules)] }]
    }),
  )
  return found.flat()
}

/** Hexadecimal words, the lowest last. Source: input_bits_to_string() in drivers/input/input.c. */
function hasLetters(keys: string): boolean {
  const [lowest = ''] = keys.trim().split(/\s+/).reverse()
  return /^[0-9a-f]+$/.test(lowest) && (BigInt(`0x${lowest}`) & LETTERS) === LETTERS
}
