/** The survey on a system where another user makes the answers slow, large or endless. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { readSurvey } from '../../support/live'
import { startReady } from '../processes'
import { afterThisTest, attempt, modprobe, temporaryFolder } from '../support'
import { python, startApart } from '../uses'

/**
 * A file system in user space that answers two lookups of the file `f`, two opens and no read. The second
 * open is FOPEN_DIRECT_IO. Later questions get no answer.
 */
const FUSE = (folder: string): string => `
import ctypes, os, struct
fd = os.open('/dev/fuse', os.O_RDWR)
options = b'fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other' % fd
if ctypes.CDLL(None, use_errno=True).mount(b'kmodhang', b'${folder}', b'fuse', 0, options) != 0:
    raise OSError(ctypes.get_errno(), 'mount')
print('ready', flush=True)
lookups = opens = 0
def attributes(inode, mode):
    return struct.pack('<6Q10I', inode, 8192, 16, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)
def answer(unique, body, error=0):
    os.write(fd, struct.pack('<IiQ', 16 + len(body), error, unique) + body)
while True:
    request = os.read(fd, 1 << 20)
    _, operation, unique, node = struct.unpack('<IIQQ', request[:24])
    if operation == 26:
        answer(unique, struct.pack('<IIIIHHIIHHI28x', 7, 31, 0, 0, 0, 0, 4096, 1, 0, 0, 0))
    elif operation == 1 and lookups < 2:
        lookups += 1
        answer(unique, struct.pack('<QQQQII', 2, 0, 0, 1000, 0, 0) + attributes(2, 0o100666))
    elif operation == 14 and opens < 2:
        opens += 1
        answer(unique, struct.pack('<QII', opens, 1 if opens == 2 else 0, 0))
    elif operation == 3 and lookups < 2:
        answer(unique, struct.pack('<QII', 1000, 0, 0) + attributes(1, 0o40777))
    elif operation in (25, 22):
        answer(unique, b'', -38)
`

/**
 * Keeps the lock of its memory for ever: mmap() of the second descriptor waits, with the lock, for the
 * page that the read of the first one never gets. Source: fuse_file_mmap() in fs/fuse/file.c.
 */
const HOLDER = (file: string): string => `
import mmap, threading
tun = os.open('/dev/net/tun', os.O_RDWR)
first = os.open('${file}', os.O_RDONLY)
second = os.open('${file}', os.O_RDONLY)
threading.Thread(target=lambda: os.pread(first, 4096, 0), daemon=True).start()
time.sleep(0.5)
threading.Thread(
    target=lambda: mmap.mmap(second, 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ), daemon=True
).start()
time.sleep(0.5)
`

test('a process whose files and memory map cannot be read for ever keeps nothing waiting', async () => {
  modprobe('tun')
  attempt('modprobe', ['fuse'])
  const folder = temporaryFolder()
  afterThisTest(() => attempt('umount', ['--lazy', folder]))
  const daemon = await startReady(['python3', '-c', FUSE(folder)])
  // With the end of the file system, whatever waits for it goes on.
  const pid = await startApart(python(HOLDER(join(folder, 'f'))))
  afterThisTest(() => daemon.kill('SIGKILL'))
  const { openDevices, allProcessesRead, unreadable } = await readSurvey(true)
  expect(openDevices).toContainEqual(
    expect.objectContaining({ pid, path: '/dev/net/tun', type: 'char', device: '10:200' }),
  )
  expect(unreadable).toContainEqual('files that 1 process has mapped into memory')
  expect(allProcessesRead).toBe(false)
})

test('a namespace with too many mounts is left out, and the answer says so', async () => {
  const folder = join(temporaryFolder(), 'm')
  mkdirSync(folder)
  // Each line of mountinfo has the source, here 3,000 characters: 1,000 mounts are 3 MiB.
  const script = `
import ctypes, os, time
libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(0x10020000) != 0: raise OSError(ctypes.get_errno(), 'unshare')
for i in range(1000):
    if libc.mount(b'k' * 3000, b'${folder}', b'tmpfs', 0, b'size=4k') != 0:
        raise OSError(ctypes.get_errno(), 'mount')
print('ready', flush=True)
time.sleep(1000)
`
  const child = await startReady([
    ...['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'],
    ...['python3', '-c', script],
  ])
  const { mountTables, unreadable } = await readSurvey(true)
  expect(mountTables.map(({ pid }) => pid)).not.toContain(child.pid)
  expect(mountTables[0]).toMatchObject({ own: true })
  expect(unreadable).toContainEqual('1 mount namespace with too many mounts')
})
