/** Parts of the running system that tests use alone. */
import { Helpers } from '../../lib/live/helper/helpers'
import * as survey from '../../lib/live/helper/survey'
import { LiveHost } from '../../lib/live/host'
import type { RawSurvey } from '../../lib/snapshot/system/raw-survey'

const helpers = new Helpers(60_000)

export const host = new LiveHost(helpers)

export function readSurvey(users: boolean): Promise<RawSurvey> {
  return survey.readSurvey(helpers.survey, users)
}

export function onKernelChange(listener: () => void): () => void {
  return helpers.events.onChange(listener)
}
