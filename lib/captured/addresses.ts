/** The addresses of network interfaces, combined from several files of /proc/net. */
import type { SystemFiles } from '../kernel/system-files'
import { addressOfBytes, addressOfWords } from '../snapshot/system/ip-address'
import type { RawLink, RawSurvey } from '../snapshot/system/raw-survey'

type Addresses = Pick<RawSurvey, 'addresses' | 'unreadable'>

/** A row of the local routing table. Source: fib_trie_seq_show() in net/ipv4/fib_trie.c. */
const LOCAL = /\|-- (\d+\.\d+\.\d+\.\d+)\n +\/32 host LOCAL/g

/** RTF_GATEWAY in include/uapi/linux/route.h. */
const GATEWAY = 0x2

export async function capturedAddresses(
  files: SystemFiles,
  links: readonly RawLink[],
): Promise<Addresses> {
  const [trie, route, inet6] = await files.readTexts([
    '/proc/net/fib_trie',
    '/proc/net/route',
    '/proc/net/if_inet6',
  ])
  const locals = [...(trie ?? '').matchAll(LOCAL)].map(([, address]) => address!)
  const networks = networksOf(route ?? '')
  const found: { address: string; device: string }[] = devicesOf6(inet6 ?? '')
  const unknown: string[] = []
  // /proc shows IPv4 addresses without their interface: find the network that has the address.
  for (const address of new Set(locals.filter((one) => !one.startsWith('127.')))) {
    const device = networks.find((network) => network.contains(address))?.device
    if (device === undefined) unknown.push(address)
    else found.push({ address, device })
  }
  const indexes = new Map(links.map(({ name, index }) => [name, index]))
  return {
    addresses: found.flatMap(({ address, device }) => {
      const index = indexes.get(device)
      return index === undefined ? [] : [{ netns: null, index, address }]
    }),
    unreadable: [
      ...(trie === null ? ['addresses of interfaces: /proc/net/fib_trie was not captured'] : []),
      ...(unknown.length > 0
        ? [`the interface of ${unknown.join(', ')}: no network in /proc/net/route has it`]
        : []),
    ],
  }
}

interface Network {
  device: string
  contains(address: string): boolean
}

/** The networks to which an interface is directly connected, those with the longest prefix first. */
function networksOf(text: string): Network[] {
  const networks = text.split('\n').flatMap((row) => {
    const [device, destination, , flags, , , , mask] = row.trim().split(/\s+/)
    const [network, bits] = [toNumber(destination), toNumber(mask)]
    if (network === null || bits === null || bits === 0) return []
    if ((parseInt(flags!, 16) & GATEWAY) !== 0) return []
    return [{ device: device!, network, bits }]
  })
  return networks
    .sort((one, other) => other.bits - one.bits)
    .map(({ device, network, bits }) => ({
      device,
      contains: (address) => (numberOf(address) & bits) >>> 0 === network,
    }))
}

function toNumber(words: string | undefined): number | null {
  const address = words?.length === 8 ? addressOfWords(words) : null
  return address === null ? null : numberOf(address)
}

function numberOf(address: string): number {
  return address.split('.').reduce((number, byte) => number * 256 + Number(byte), 0)
}

/** Rows "ADDRESS INDEX LENGTH SCOPE FLAGS NAME". Source: if6_seq_show() in net/ipv6/addrconf.c. */
function devicesOf6(text: string): { address: string; device: string }[] {
  return text.split('\n').flatMap((row) => {
    const [digits, , , , , device] = row.trim().split(/\s+/)
    if (device === undefined || !/^[0-9a-f]{32}$/.test(digits!)) return []
    return [{ address: addressOfBytes(Buffer.from(digits!, 'hex')), device }]
  })
}
