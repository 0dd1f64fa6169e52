/**
 * A container like that of `docker run --cap-add SYS_MODULE` with a distroless image, as docs/containers.md
 * describes it: no shell and no tools, namespaces of its own, /sys read-only, Docker's capabilities.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { copyPackage } from '../../support/readable-copy'
import { attempt, isInKernel, modprobe, ROOT, run, temporaryFolder } from '../support'

const DOCUMENT = readFileSync(join(ROOT, 'docs', 'containers.md'), 'utf8')

/** Docker's default, from oci/caps/defaults.go of moby, and what the document adds. */
const CAPABILITIES = [
  ...['chown', 'dac_override', 'fsetid', 'fowner', 'mknod', 'net_raw', 'setgid', 'setuid'],
  ...['setfcap', 'setpcap', 'net_bind_service', 'sys_chroot', 'kill', 'audit_write', 'sys_module'],
]

/** The libraries that a program needs. */
const librariesOf = (file: string): string[] =>
  [...run('ldd', [file]).matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path!)

/** What a distroless image of Node.js has, what the document copies to it, and the package. */
function makeImage(): string {
  const image = temporaryFolder()
  const copy = (path: string, to = path): void => {
    mkdirSync(dirname(join(image, to)), { recursive: true })
    cpSync(path, join(image, to), { dereference: true })
  }
  for (const file of [process.execPath, ...librariesOf(process.execPath)]) copy(file)
  const [, added] = /cp -L \\\n(.*) \/libraries/.exec(DOCUMENT)!
  const folder = dirname(librariesOf(process.execPath).find((path) => path.includes('/libc.so'))!)
  for (const name of added!.trim().split(' ')) copy(join(folder, name), `/usr/lib/${name}`)
  copyPackage(join(image, 'app', 'node_modules', 'node-kmod'))
  for (const place of ['proc', 'sys', 'dev', 'lib/modules']) {
    mkdirSync(join(image, place), { recursive: true })
  }
  return image
}

/** Runs a script in the image, with capabilities from CAPABILITIES only. */
function runIn(image: string, script: string): { status: number; output: string } {
  writeFileSync(join(image, 'app', 'main.cjs'), script)
  const bounds = `-all,${CAPABILITIES.map((name) => `+${name}`).join()}`
  const start = `
    mount --bind "$1" "$1"
    cd "$1"
    mount -t proc proc proc
    mount -t sysfs -o ro sysfs sys
    mount --rbind /lib/modules lib/modules
    mount --bind /dev dev
    exec setpriv --bounding-set "$3" --inh-caps=-all chroot . "$2" /app/main.cjs`
  const namespaces = ['--mount', '--pid', '--net', '--ipc', '--uts', '--fork', '--kill-child']
  const command = ['sh', '-ec', start, 'sh', image, process.execPath, bounds]
  return attempt('unshare', [...namespaces, ...command])
}

test('a distroless container with CAP_SYS_MODULE loads, plans and unloads', () => {
  modprobe('tun')
  const { status, output } = runIn(
    makeImage(),
    `const { Kmod } = require('node-kmod')
     const kmod = new Kmod({ timeout: 60_000 })
     ;(async () => {
       const { canUnload, problems } = await kmod.preflight()
       const { loaded } = await kmod.load('br_netfilter')
       const { steps } = await kmod.plan('br_netfilter')
       const { removed } = await kmod.unload('br_netfilter')
       const tun = (await kmod.list()).some(({ name }) => name === 'tun')
       console.log(JSON.stringify({ canUnload, problems, loaded, planned: steps.length, removed, tun }))
       await kmod.close()
     })()`,
  )
  expect({ status, output }).toMatchObject({ status: 0 })
  const all = ['br_netfilter', 'bridge', 'stp', 'llc']
  expect(JSON.parse(output)).toEqual({
    canUnload: true,
    problems: [],
    loaded: [...all].reverse(),
    planned: all.length,
    removed: all,
    tun: true,
  })
  expect(isInKernel('llc')).toBe(false)
})
