/**
 * Converts IP addresses from the form in the files of /proc/net to the text that inet_ntop(3) writes.
 */

/**
 * `digits`: 8 or 32 hexadecimal digits, which are words of 32 bits. Each is in the byte order of the
 * machine. Little endian is assumed, because captured files do not show the byte order. Returns null if
 * this is not an address.
 */
export function addressOfWords(digits: string): string | null {
  if (!/^(?:[0-9A-Fa-f]{8}|[0-9A-Fa-f]{32})$/.test(digits)) return null
  return addressOfBytes(Buffer.from(digits, 'hex').swap32())
}

/** An IPv4 address that is mapped into IPv6 is written as an IPv4 address. */
export function addressOfBytes(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  const mapped =
    bytes.subarray(0, 10).every((byte) => byte === 0) && bytes.readUInt16BE(10) === 0xffff
  if (mapped) return bytes.subarray(12).join('.')
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16))
  return shorten(groups)
}

/**
 * The longest run of zero groups, the first of several equal ones, becomes `::`; a single zero stays.
 */
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

/** An address and a port, as in `[2001:db8::1]:22`. */
export function endpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
