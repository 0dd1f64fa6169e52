/** The part of the survey about network namespaces. native/helper/survey_reply.cc is the other end. */
import type {
  RawActions,
  RawAddress,
  RawCarrier,
  RawCount,
  RawIpSet,
  RawIpsec,
  RawIpsecProtocol,
  RawLink,
  RawNetFile,
  RawNfPart,
  RawNfTable,
  RawRoute,
  RawSurvey,
  RawTcpUses,
  RawTrafficControl,
  RawXTable,
} from '../../snapshot/system/raw-survey'
import type { Reader } from './wire'

type RawNetworks = Pick<
  RawSurvey,
  | 'links'
  | 'defaultRoutes'
  | 'addresses'
  | 'netFiles'
  | 'trafficControl'
  | 'actions'
  | 'tcpUses'
  | 'nfTables'
  | 'xTables'
  | 'ipSets'
  | 'ipsec'
>

/** In the order of SurveyReply(). */
export function readNetworks(reader: Reader): RawNetworks {
  return {
    links: reader.records(readLink),
    defaultRoutes: reader.records(readRoute),
    addresses: reader.records(readAddress),
    netFiles: reader.records(readNetFile),
    trafficControl: reader.records(readTrafficControl),
    actions: reader.records(readActions),
    tcpUses: reader.records(readTcpUses),
    nfTables: reader.records(readNfTable),
    xTables: reader.records(readXTable),
    ipSets: reader.records(readIpSet),
    ipsec: reader.records(readXfrm),
  }
}

const readLink = (reader: Reader): RawLink => ({
  netns: reader.optional(),
  index: reader.number(),
  name: reader.text(),
  up: reader.flag(),
  kind: reader.optional(),
  master: reader.number(),
  lower: reader.number(),
  bus: reader.optional(),
  device: reader.optional(),
  carriers: reader.records(readCarrier),
})

const readCarrier = (reader: Reader): RawCarrier => ({
  own: reader.flag(),
  index: reader.number(),
})

const readRoute = (reader: Reader): RawRoute => ({
  netns: reader.optional(),
  index: reader.number(),
})

const readAddress = (reader: Reader): RawAddress => ({
  netns: reader.optional(),
  index: reader.number(),
  address: reader.text(),
})

const readNetFile = (reader: Reader): RawNetFile => ({
  netns: reader.optional(),
  path: reader.text(),
  text: reader.text(),
})

const readTrafficControl = (reader: Reader): RawTrafficControl => ({
  netns: reader.optional(),
  index: reader.number(),
  filter: reader.flag(),
  kind: reader.text(),
  handle: reader.number(),
  parent: reader.number(),
  block: reader.number(),
  chain: reader.number(),
  priority: reader.number(),
  protocol: reader.number(),
})

const readActions = (reader: Reader): RawActions => ({
  netns: reader.optional(),
  kinds: reader.records(readCount),
})

const readTcpUses = (reader: Reader): RawTcpUses => ({
  netns: reader.optional(),
  congestion: reader.records(readCount),
  upper: reader.records(readCount),
})

const readCount = (reader: Reader): RawCount => ({ name: reader.text(), count: reader.number() })

const readNfTable = (reader: Reader): RawNfTable => ({
  netns: reader.optional(),
  family: reader.number(),
  name: reader.text(),
  chains: reader.number(),
  rules: reader.number(),
  parts: reader.records(readPart),
})

const readXTable = (reader: Reader): RawXTable => ({
  netns: reader.optional(),
  family: reader.text(),
  name: reader.text(),
  rules: reader.number(),
  hasPolicy: reader.flag(),
  chains: reader.number(),
  extensions: reader.records(readCount),
})

const readIpSet = (reader: Reader): RawIpSet => ({
  netns: reader.optional(),
  name: reader.text(),
  type: reader.text(),
  references: reader.number(),
})

const readXfrm = (reader: Reader): RawIpsec => ({
  netns: reader.optional(),
  states: reader.number(),
  policies: reader.number(),
  protocols: reader.records(readIpsecProtocol),
})

const readIpsecProtocol = (reader: Reader): RawIpsecProtocol => ({
  family: reader.number(),
  protocol: reader.number(),
  count: reader.number(),
})

const readPart = (reader: Reader): RawNfPart => ({
  kind: reader.text(),
  name: reader.text(),
  count: reader.number(),
})
