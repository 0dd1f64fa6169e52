/** What is measured on a real kernel, in a guest, as root. In this order. */
import type { Case } from '../row'
import { commandCases } from './command'
import { listCases } from './list'
import { chain, removalCases } from './removal'
import { watchPairs } from './watch'

export const guestCases: readonly Case[] = [
  chain, // The first one, while no other module uses x_tables.
  ...removalCases,
  watchPairs,
  ...listCases,
  ...commandCases,
]
