import type { Guard } from './guard'
import { superblocks } from '../snapshot/superblocks'

/** Every other file system, once, however often it is mounted. */
export const filesystem: Guard = ({ mounts }) =>
  superblocks(mounts)
    .filter(({ mount, others }) => ![mount, ...others].some(({ isRoot }) => isRoot))
    .map(({ mount: { path, type, source, own, pid, modules, below } }) => ({
      kind: 'filesystem',
      severity: 'critical',
      subject: path,
      message: `The file system at ${path} (${type} on ${source}${own ? '' : `, mounted where process ${pid} is`}) would be lost.`,
      modules: [...modules, ...below],
    }))
