/** What is measured on this machine, without loading modules. */
import { answerCases } from './answers'
import { packageCases } from './package'
import { surveyCases } from './survey'
import { tableCases } from './tables'
import { watchCases } from './watch'
import type { Case } from '../row'

export const hostCases: readonly Case[] = [
  ...tableCases,
  ...answerCases,
  ...surveyCases,
  ...watchCases,
  ...packageCases,
]
