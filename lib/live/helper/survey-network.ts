/** The part of the survey about network namespaces. native/helper/network_reply.cc puts it together. */
import type { RawSurvey } from '../../snapshot/system/raw'
import { integer, records } from './records'
import type { Reader } from './wire'

/** The fields of the survey that are about networks. */
type RawNetworks = Pick<
  RawSurvey,
  'links' | 'defaultRoutes' | 'addresses' | 'netFiles' | 'trafficControl' | 'nfTables'
>

/** In the order in which they come. */
export function readNetworks(reader: Reader): RawNetworks {
  return {
    links: records(reader, readLink),
    defaultRoutes: records(reader, readRoute),
    addresses: records(reader, readAddress),
    netFiles: records(reader, readNetFile),
    trafficControl: records(reader, readTrafficControl),
    nfTables: records(reader, readNfTable),
  }
}

const readLink = (reader: Reader): RawSurvey['links'][number] => ({
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

const readRoute = (reader: Reader): RawSurvey['defaultRoutes'][number] => ({
  netns: reader.optional(),
  index: integer(reader),
})

const readAddress = (reader: Reader): RawSurvey['addresses'][number] => ({
  netns: reader.optional(),
  index: integer(reader),
  address: reader.text(),
})

const readNetFile = (reader: Reader): RawSurvey['netFiles'][number] => ({
  netns: reader.optional(),
  path: reader.text(),
  text: reader.text(),
})

const readTrafficControl = (reader: Reader): RawSurvey['trafficControl'][number] => ({
  netns: reader.optional(),
  index: integer(reader),
  filter: reader.flag(),
  kind: reader.text(),
  handle: integer(reader),
  parent: integer(reader),
})

const readNfTable = (reader: Reader): RawSurvey['nfTables'][number] => ({
  netns: reader.optional(),
  family: integer(reader),
  name: reader.text(),
  chains: integer(reader),
  rules: integer(reader),
  parts: records(reader, readPart),
})

const readPart = (reader: Reader): RawSurvey['nfTables'][number]['parts'][number] => ({
  kind: reader.text(),
  name: reader.text(),
  count: integer(reader),
})
