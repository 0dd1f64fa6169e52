/**
 * A module file (ELF) that contains only a .modinfo section, which is all that `info` reads. A capture has
 * such files instead of the real ones, which are large, and whose license may forbid copies.
 */
import type { Description } from '../kernel/module-index'

/** `fields`: in the order of modinfo, which is that of the section. */
export function makeModuleFile(fields: Description['fields']): Buffer {
  const modinfo = Buffer.from(fields.map(({ key, value }) => `${key}=${value}\0`).join(''))
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
  header.writeUInt16LE(3, 60) // the number of sections
  header.writeUInt16LE(2, 62) // the section with the section names
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
