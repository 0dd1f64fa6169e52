/** A module file with only a .modinfo section, which is enough for modinfo. */
export function makeModuleFile(fields: Record<string, string>): Buffer {
  const modinfo = Buffer.from(
    Object.entries(fields)
      .map(([key, value]) => `${key}=${value}\0`)
      .join(''),
  )
  const names = Buffer.from('\0.modinfo\0.shstrtab\0')
  const header = Buffer.alloc(64)
  header.write('\x7fELF', 'latin1')
  header.set([2, 1, 1], 4) // 64 bits, little-endian, version 1
  header.writeUInt16LE(1, 16) // relocatable
  header.writeUInt16LE(62, 18) // x86-64
  header.writeUInt32LE(1, 20)
  header.writeBigUInt64LE(BigInt(64 + modinfo.length + names.length), 40) // section headers
  header.writeUInt16LE(64, 52)
  header.writeUInt16LE(64, 58) // the size of a section header
  header.writeUInt16LE(3, 60) // how many
  header.writeUInt16LE(2, 62) // the one with the names
  return Buffer.concat([
    header,
    modinfo,
    names,
    Buffer.alloc(64),
    section(1, 1, 64, modinfo.length),
    section(10, 3, 64 + modinfo.length, names.length),
  ])
}

function section(name: number, type: number, offset: number, size: number): Buffer {
  const bytes = Buffer.alloc(64)
  bytes.writeUInt32LE(name, 0)
  bytes.writeUInt32LE(type, 4)
  bytes.writeBigUInt64LE(BigInt(offset), 24)
  bytes.writeBigUInt64LE(BigInt(size), 32)
  return bytes
}
