/** Writes a modules.*.bin as depmod does, for captured systems. */

interface Node {
  children: Map<number, Node>
  values: string[]
}

/** The format is described in native/libkmod/index_check.cc. */
export function makeIndex(entries: Record<string, string>): Buffer {
  const root: Node = { children: new Map(), values: [] }
  for (const [key, value] of Object.entries(entries)) {
    let node = root
    for (const byte of Buffer.from(key)) {
      const child = node.children.get(byte) ?? { children: new Map(), values: [] }
      node.children.set(byte, child)
      node = child
    }
    node.values.push(value)
  }
  const parts: Buffer[] = []
  let size = 12
  const put = (part: Buffer): void => {
    parts.push(part)
    size += part.length
  }
  const write = (node: Node): number => {
    const bytes = [...node.children.keys()].sort((one, other) => one - other)
    const offsets = new Map(bytes.map((byte) => [byte, write(node.children.get(byte)!)]))
    let offset = size
    if (bytes.length > 0) {
      offset += 0x20000000
      const [first, last] = [bytes[0]!, bytes.at(-1)!]
      put(Buffer.from([first, last]))
      for (let byte = first; byte <= last; byte++) put(number(offsets.get(byte) ?? 0))
    }
    if (node.values.length > 0) {
      offset += 0x40000000
      put(number(node.values.length))
      for (const value of node.values) put(Buffer.concat([number(0), Buffer.from(`${value}\0`)]))
    }
    return offset
  }
  const offset = write(root)
  return Buffer.concat([number(0xb007f457), number(0x00020001), number(offset), ...parts])
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
