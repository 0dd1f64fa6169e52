/** Sound cards of the module. */
import { using, type FindUsers } from './kind'

/**
 * A card takes no reference. A process that has one of its devices open does, and is listed as a
 * separate user by processUsers. Source: snd_card_file_add() in sound/core/init.c.
 */
export const soundUsers: FindUsers = (row, { soundCards }) =>
  using(soundCards, row).map(({ index, id, pids }) => {
    const name = `card${index} (${id})`
    const isIdle = pids.length === 0
    const processes = pids.join(', ')
    return {
      kind: 'sound',
      module: row.name,
      name,
      value: isIdle ? 'idle' : `open by ${processes}`,
      references: 0,
      release: {
        kind: null,
        text: isIdle
          ? `the sound card ${name} is idle; it is removed with its driver`
          : `stop every process that plays or records on the sound card ${name} (PID ${processes})`,
        command: null,
      },
    }
  })
