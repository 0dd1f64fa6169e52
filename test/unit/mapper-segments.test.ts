/** The modules of the segments of device-mapper. */
import { Aliases } from '../../lib/snapshot/system/aliases'
import { segmentsOf } from '../../lib/snapshot/system/mapper-segments'
import { aliasIndex } from '../support/captured-snapshot'

const aliases = new Aliases(
  aliasIndex({ 'dm-snapshot-origin': 'dm_snapshot', 'dm-log-userspace': 'dm_log_userspace' }),
  new Set(),
)

test.each([
  ['linear', '', { dm_mod: 1 }],
  ['striped', '2 7:0 7:1 1 AA', { dm_mod: 1 }],
  // Part of dm_mod, without an owner.
  ['error', '', {}],
  ['zero', '', { dm_zero: 1 }],
  ['log-writes', '', { dm_log_writes: 1 }],
  ['snapshot-origin', '', { dm_snapshot: 1 }],
  ['thin', '0 -', { dm_thin_pool: 1 }],
  ['thin-pool', '0 1/16 0/64 - rw', { dm_thin_pool: 1 }],
  ['mirror', '2 7:1 7:1 128/128 1 AA 1 core', { dm_mirror: 1, dm_log: 1 }],
  ['mirror', '2 7:1 7:2 1/128 1 AA 3 disk 7:0 A', { dm_mirror: 1, dm_log: 1 }],
  ['mirror', '2 7:1 7:2 1/128 1 AA 3 userspace 7:0 A', { dm_mirror: 1, dm_log_userspace: 1 }],
  ['mirror', '', { dm_mirror: 1 }],
  ['raid', 'raid5_ls 3 AAA 8192/8192 idle 0 0 -', { dm_raid: 1, raid456: 1 }],
  ['raid', 'raid1 2 AA 8192/8192 idle 0 0 -', { dm_raid: 1, raid1: 1 }],
])('%s with status "%s"', async (type, status, expected) => {
  const found = await segmentsOf(
    { device: '254:0', name: 'uses', segments: [{ type, status }] },
    aliases,
  )
  expect(Object.fromEntries(found.map(({ module, count }) => [module, count]))).toEqual(expected)
})

test('several segments are added up', async () => {
  const segments = [1, 2, 3].map(() => ({ type: 'linear', status: '' }))
  expect(await segmentsOf({ device: '254:0', name: 'uses', segments }, aliases)).toEqual([
    { module: 'dm_mod', count: 3 },
  ])
})
