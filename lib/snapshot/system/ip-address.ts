/** Addresses of /proc/net, as inet_ntop(3) writes them. */

/**
 * From 8 or 32 hexadecimal digits: words of 32 bits, each in the byte order of the machine. Of
 * another's captured files that is not told; nearly all are little endian. `null`: no address.
 */
export function addressOfWords(digits: string): string | null {
  if (!/^(?:[0-9A-Fa-f]{8}|[0-9A-Fa-f]{32})$/.test(digits)) return null
  return addressOfBytes(Buffer.from(digits, 'hex').swap32())
}

/** An IPv4 address inside IPv6 is that. */
export function addressOfBytes(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  const mapped =
    bytes.subarray(0, 10).every((byte) => byte === 0) && bytes.readUInt16BE(10) === 0xffff
  if (mapped) return bytes.subarray(12).join('.')
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16))
  return shorten(groups)
}

/** The longest run of zeros, the first of several, becomes `::`; a single one stays. */
function shorten(groups: readonly string[]): string {
  let [begin, length] = [0, 1]
  for (let at = 0; at < groups.length; at++) {
    let end = at
    while (groups[end] === '0') end++
    if (end - at > length) [begin, length] = [at, end - at]
  }
  if (length === 1) return groups.join(':')
  return `${groups.slice(0, begin).join(':')}::${groups.slice(begin + length).join(':')}`
}

export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

/** An address with a port. */
export function endpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
