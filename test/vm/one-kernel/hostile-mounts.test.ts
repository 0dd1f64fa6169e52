/** A FUSE file system of an ordinary user, whose server does not answer any more. */
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { kmod } from 'node-kmod'
import { childrenOf, end, NOBODY, startReady } from '../processes'
import { afterThisTest, attempt, modprobe, openTun, ROOT, run, temporaryFolder } from '../support'

const PROGRAM = join(ROOT, 'test/vm/programs/fuse.pl')
const COMMAND = 'unshare --user --map-root-user --mount'.split(' ')

/** The wrapper of the program, and the user of the server as the program sees it. */
const PLACES: [string, string[], string][] = [
  ['as fusermount mounts it', [], '65534'],
  ['in a user namespace', [...NOBODY, ...COMMAND], '0'],
]

test.each(PLACES)('explain, impact and plan answer: %s', async (_, wrapper, user) => {
  modprobe('fuse')
  // As udev does.
  chmodSync('/dev/fuse', 0o666)
  const folder = temporaryFolder()
  chmodSync(folder, 0o777)
  await openTun()
  const holder = await startReady([...wrapper, 'perl', PROGRAM, folder, user])
  // The end of the server ends the file system, and what waits for it: also the holder, which cannot
  // even be killed before, because it waits while it closes the file.
  const [server] = childrenOf(holder.pid!)
  const endServer = (): unknown => attempt('kill', ['-9', String(server)])
  afterThisTest(endServer)
  const inside = ['--target', String(holder.pid), '--mount']
  afterThisTest(() => attempt('nsenter', [...inside, 'umount', '--lazy', folder]))
  // Whoever asks for the file waits for the server. In a user namespace, its own processes do.
  const there = wrapper.length === 0 ? inside : [...inside, '--user']
  const asking = ['timeout', '2', 'ls', '-l', join(folder, 'held')]
  expect(attempt('nsenter', [...there, ...asking]).status).toBe(124)

  const phrases = async (): Promise<string[]> => {
    const { refCount, unexplained, unreadable } = await kmod.explain('tun')
    expect({ refCount, unexplained }).toEqual({ refCount: 2, unexplained: 0 })
    return unreadable.filter((phrase) => /^open files|^the type of the file/.test(phrase))
  }
  expect(await phrases()).toEqual([])
  expect(await kmod.impact('tun')).toEqual([])
  expect(await kmod.plan('tun')).toMatchObject({ blockers: [{ code: 'ERR_KMOD_IN_USE' }] })

  run('nsenter', [...inside, 'umount', '--lazy', folder])
  const detached = /^the type of the file system 0:\d+, which was unmounted while/
  expect(await phrases()).toEqual([expect.stringMatching(detached)])
  expect(await kmod.impact('tun')).toEqual([])
  endServer()
  await end(holder)
  expect(await phrases()).toEqual([])
})
