// An administrator's walk through unloading a module. Uses the public interface only, prints what it
// finds, and leaves the system as it was. Needs root and a kernel with loadable modules:
//
//   sudo node examples/walk.mjs      (npm run demo does it in a virtual machine)
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { isKmodError, kmod } from 'node-kmod'

const say = (text) => console.log(text)
const chapter = (text) => say(`\n== ${text}`)
const inSys = (name) => (existsSync(`/sys/module/${name}`) ? 'is there' : 'is gone')

/** Shows a call that is expected to be refused. */
async function refused(call) {
  try {
    await call
    throw new Error('It was expected to be refused.')
  } catch (error) {
    if (!isKmodError(error)) throw error
    say(`  ${error.code}: ${error.message}`)
    return error
  }
}

chapter('May and can this process unload modules here?')
const { canUnload, problems, kernel, libkmod } = await kmod.preflight()
say(
  `  kernel ${kernel.release}, lockdown ${kernel.lockdown ?? 'unknown'}, ${libkmod ?? 'no libkmod'}`,
)
if (!canUnload) {
  for (const { code, message } of problems) say(`  ${code}: ${message}`)
  process.exit(1)
}

// What this walk loads and unloads must not be in anybody's use.
const used = ['dummy', 'br_netfilter', 'bridge', 'stp', 'llc', 'tun']
const present = (await kmod.list()).filter(({ name }) => used.includes(name))
if (present.length > 0) {
  say(
    `  ${present.map(({ name }) => name).join(', ')}: loaded already, and not by this walk. It stops here.`,
  )
  process.exit(1)
}

chapter('A module to take out: dummy, a network driver without hardware')
const { loaded } = await kmod.load('dummy')
say(`  loaded: ${loaded.join(', ')}`)
const modules = await kmod.list()
say(`  ${modules.length} modules are loaded; the newest are:`)
for (const { name, size, refCount, holders } of modules.slice(0, 3)) {
  say(
    `    ${name.padEnd(20)} ${String(size).padStart(8)} bytes, ${refCount} references  ${holders.join(' ')}`,
  )
}
const target = await kmod.find('dummy')
const { description, path } = await kmod.info('dummy')
say(`  dummy: ${target.state}, ${target.refCount} references; ${description ?? 'no description'}`)
say(`  its file: ${path}`)
say(`  /sys/module/dummy ${inSys('dummy')}`)
await kmod.remove('dummy')
say(`  removed: /sys/module/dummy ${inSys('dummy')}, its status is ${await kmod.status('dummy')}`)

chapter('A module that others use: bridge')
say(`  loaded: ${(await kmod.load('br_netfilter')).loaded.join(', ')}`)
say(`  the holders of bridge: ${(await kmod.holders('bridge')).join(', ')}`)
const { holders } = await refused(kmod.remove('bridge'))
for (const holder of holders) await kmod.remove(holder)
for (const name of ['bridge', 'stp', 'llc']) await kmod.remove(name)
say(
  `  holders first, then down to what it had brought along: /sys/module/bridge ${inSys('bridge')}`,
)

chapter('A module that is in use: tun, with an open device')
await kmod.load('tun')
const device = await open('/dev/net/tun')
const { references } = await refused(kmod.remove('tun'))
await device.close()
await kmod.remove('tun')
say(`  ${references} references went with the device: /sys/module/tun ${inSys('tun')}`)

chapter('What is compiled into the kernel')
say(`  printk: ${await kmod.status('printk')}`)
await refused(kmod.remove('printk'))
