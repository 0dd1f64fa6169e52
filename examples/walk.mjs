// An administrator's walk through unloading a module. Uses the public interface only, prints what it
// finds, and leaves the system as it was. Needs root and a kernel with loadable modules:
//
//   sudo node examples/walk.mjs      (npm run demo does it in a virtual machine)
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatPlan, isKmodError, kmod } from 'node-kmod'

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
const used = ['dummy', 'br_netfilter', 'bridge', 'stp', 'llc', 'tun', 'minix']
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

chapter('A module with a train behind it: br_netfilter')
say(`  loaded: ${(await kmod.load('br_netfilter')).loaded.join(', ')}`)
const plan = await kmod.plan('br_netfilter')
say('  what would go, and why:')
for (const { module, reason } of plan.steps) say(`    ${module.padEnd(20)} ${reason}`)
say('  as modprobe -n -v -r would print it, were it to name all of them:')
for (const line of formatPlan(plan).split('\n')) say(`    ${line}`)

chapter('The other way round: what does not go, and what stands in the way')
say(`  the holders of bridge: ${(await kmod.holders('bridge')).join(', ')}`)
await refused(kmod.remove('bridge'))
const { blockers } = await kmod.plan('llc')
for (const { code, message } of blockers) say(`  plan('llc'): ${code}: ${message}`)
const upwards = await kmod.plan('llc', { holders: 'remove' })
say(`  with its holders: ${upwards.steps.map(({ module }) => module).join(', ')}`)

chapter('Carried out')
const report = await kmod.unload('br_netfilter')
for (const { step, attempts, duration } of report.steps) {
  say(
    `  ${step.module.padEnd(20)} gone after ${attempts} attempt, ${duration.toFixed(1)} ms; /sys/module/${step.module} ${inSys(step.module)}`,
  )
}
say(`  new taints: ${report.newTaints.join(', ') || 'none'}; clean: ${report.clean}`)

chapter('A module that is in use: tun, with an open device')
await kmod.load('tun')
const device = await open('/dev/net/tun')
const { references, users } = await refused(kmod.unload('tun'))
for (const { kind, release } of users) say(`    ${kind}: ${release.text}`)
say('  waiting for it, up to 20 seconds; it is closed after half a second:')
setTimeout(() => device.close(), 500)
await kmod.unload('tun', {
  wait: 20_000,
  onStep: ({ step, state }) => say(`    ${step.module}: ${state}`),
})
say(`  ${references} references went with the device: /sys/module/tun ${inSys('tun')}`)

chapter('A module that nothing uses, says its reference count: dummy, with the default route')
await kmod.load('dummy')
execFileSync('ip', ['link', 'add', 'walk0', 'type', 'dummy'])
execFileSync('ip', ['link', 'set', 'walk0', 'up'])
const metric = ['metric', '4242'] // behind any real default route
execFileSync('ip', ['route', 'add', 'default', 'dev', 'walk0', ...metric])
say(`  its references: ${(await kmod.find('dummy')).refCount}; modprobe -r would take it away`)
await refused(kmod.unload('dummy'))
execFileSync('ip', ['route', 'del', 'default', 'dev', 'walk0', ...metric])
await kmod.unload('dummy')
say(`  without the route it may go: /sys/module/dummy ${inSys('dummy')}`)

chapter('Why is it in use? minix, a mounted file system')
const { alreadyLoaded: hadLoop } = await kmod.load('loop')
await kmod.load('minix')
const folder = mkdtempSync(join(tmpdir(), 'walk-'))
const image = join(folder, 'image')
writeFileSync(image, '\0'.repeat(1024 * 1024))
execFileSync('mkfs.minix', [image])
const place = join(folder, 'here')
mkdirSync(place)
execFileSync('mount', ['-o', 'loop', '-t', 'minix', image, place])
const usage = await kmod.explain('minix')
say(`  ${usage.refCount} reference, ${usage.unexplained} unexplained:`)
for (const { kind, release } of usage.users) {
  say(`    ${kind}: ${release.text}: ${release.command?.join(' ') ?? 'no one command'}`)
}
for (const { severity, message } of await kmod.impact('minix')) say(`    ${severity}: ${message}`)
await refused(kmod.unload('minix'))
const [command, ...args] = usage.users[0].release.command
execFileSync(command, args)
await kmod.unload('minix')
if (!hadLoop) await kmod.unload('loop', { wait: 5_000 })
rmSync(folder, { recursive: true })
say(`  let go of as it was told: /sys/module/minix ${inSys('minix')}`)

chapter('What is compiled into the kernel')
say(`  printk: ${await kmod.status('printk')}`)
await refused(kmod.remove('printk'))
