/** The part of the survey about network namespaces. native/helper/survey.cc is the other end. */
import type { RawSurvey } from '../../snapshot/system/raw'
import type { Reader } from './wire'

/** The fields of the survey that are about networks. */
type RawNetworks = Pick<
  RawSurvey,
  'links' | 'defaultRoutes' | 'addresses' | 'netFiles' | 'trafficControl' | 'nfTables'
>

/** In the order of SurveyReply(). */
export function readNetworks(reader: Reader): RawNetworks {
  return {
    links: reader.records(readLink),
    defaultRoutes: reader.records(readRoute),
    addresses: reader.records(readAddress),
    netFiles: reader.records(readNetFile),
    trafficControl: reader.records(readTrafficControl),
    nfTables: reader.records(readNfTable),
  }
}

const readLink = (reader: Reader): RawSurvey['links'][number] => ({
  netns: reader.optional(),
  index: reader.number(),
  name: reader.text(),
  up: reader.flag(),
  kind: reader.optional(),
  master: reader.number(),
  lower: reader.number(),
  bus: reader.optional(),
  device: reader.optional(),
})

const readRoute = (reader: Reader): RawSurvey['defaultRoutes'][number] => ({
  netns: reader.optional(),
  index: reader.number(),
})

const readAddress = (reader: Reader): RawSurvey['addresses'][number] => ({
  netns: reader.optional(),
  index: reader.number(),
  address: reader.text(),
})

const readNetFile = (reader: Reader): RawSurvey['netFiles'][number] => ({
  netns: reader.optional(),
  path: reader.text(),
  text: reader.text(),
})

const readTrafficControl = (reader: Reader): RawSurvey['trafficControl'][number] => ({
  netns: reader.optional(),
  index: reader.number(),
  filter: reader.flag(),
  kind: reader.text(),
  handle: reader.number(),
  parent: reader.number(),
})

const readNfTable = (reader: Reader): RawSurvey['nfTables'][number] => ({
  netns: reader.optional(),
  family: reader.number(),
  name: reader.text(),
  chains: reader.number(),
  rules: reader.number(),
  parts: reader.records(readPart),
})

const readPart = (reader: Reader): RawSurvey['nfTables'][number]['parts'][number] => ({
  kind: reader.text(),
  name: reader.text(),
  count: reader.number(),
})
