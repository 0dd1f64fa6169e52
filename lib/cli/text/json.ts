/** An error as the JSON document of `--json` has it. */
import { KmodError } from '../../index'

export function errorJson(error: unknown): Record<string, unknown> {
  if (error instanceof KmodError) return error.toJSON()
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message, code } = error as NodeJS.ErrnoException
  return { name, message, ...(code !== undefined && { code }) }
}
