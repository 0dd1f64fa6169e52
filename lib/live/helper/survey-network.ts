/** The part of the survey about network namespaces. native/helper/network_reply.cc is the other end. */
import type {
  RawAddress,
  RawIpSet,
  RawIpsec,
  RawLink,
  RawNetFile,
  RawNfPart,
  RawNfTable,
  RawRoute,
  RawSurvey,
  RawTrafficControl,
  RawXTable,
} from '../../snapshot/system/raw-survey'
import { integer, records } from './records'
import type { Reader } from './wire'

type RawNetworks = Pick<
  RawSurvey,
  | 'links'
  | 'defaultRoutes'
  | 'addresses'
  | 'netFiles'
  | 'trafficControl'
  | 'nfTables'
  | 'xTables'
  | 'ipSets'
  | 'ipsec'
>

/** The helper sends the parts, and the fields of each record, in this order. */
export function readNetworks(reader: Reader): RawNetworks {
  return {
    links: records(reader, readLink),
    defaultRoutes: records(reader, readRoute),
    addresses: records(reader, readAddress),
    netFiles: records(reader, readNetFile),
    trafficControl: records(reader, readTrafficControl),
    nfTables: records(reader, readNfTable),
    xTables: records(reader, readXTable),
    ipSets: records(reader, readIpSet),
    ipsec: records(reader, readXfrm),
  }
}

const readLink = (reader: Reader): RawLink => ({
  netns: reader.optional(),
  index: integer(reader),
  name: reader.text(),
  up: reader.flag(),
  kind: reader.optional(),
  master: integer(reader),
  lower: integer(reader),
  bus: reader.optional(),
  device: reader.optional(),
})

const readRoute = (reader: Reader): RawRoute => ({
  netns: reader.optional(),
  index: integer(reader),
})

const readAddress = (reader: Reader): RawAddress => ({
  netns: reader.optional(),
  index: integer(reader),
  address: reader.text(),
})

const readNetFile = (reader: Reader): RawNetFile => ({
  netns: reader.optional(),
  path: reader.text(),
  text: reader.text(),
})

const readTrafficControl = (reader: Reader): RawTrafficControl => ({
  netns: reader.optional(),
  index: integer(reader),
  filter: reader.flag(),
  kind: reader.text(),
  handle: integer(reader),
  parent: integer(reader),
})

const readNfTable = (reader: Reader): RawNfTable => ({
  netns: reader.optional(),
  family: integer(reader),
  name: reader.text(),
  chains: integer(reader),
  rules: integer(reader),
  parts: records(reader, readPart),
})

const readXTable = (reader: Reader): RawXTable => ({
  netns: reader.optional(),
  family: reader.text(),
  name: reader.text(),
  rules: integer(reader),
  hasPolicy: reader.flag(),
})

const readIpSet = (reader: Reader): RawIpSet => ({
  netns: reader.optional(),
  name: reader.text(),
  type: reader.text(),
})

const readXfrm = (reader: Reader): RawIpsec => ({
  netns: reader.optional(),
  states: integer(reader),
  policies: integer(reader),
})

const readPart = (reader: Reader): RawNfPart => ({
  kind: reader.text(),
  name: reader.text(),
  count: integer(reader),
})
