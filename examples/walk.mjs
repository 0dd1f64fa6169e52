// A tour of the package: inspects, plans, explains and unloads modules, prints what it finds, and leaves
// the system as it was. Needs root and a kernel with loadable modules.
//
//   sudo node examples/walk.mjs      (`npm run demo` runs it in a virtual machine)
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatPlan, isKmodError, kmod } from 'node-kmod'

const say = (text) => console.log(text)
const chapter = (text) => say(`\n== ${text}`)
const inSys = (name) => (existsSync(`/sys/module/${name}`) ? 'exists' : 'does not exist')

/** Shows a call that must be refused. */
async function refused(call) {
  try {
    await call
    throw new Error('The call was not refused.')
  } catch (error) {
    if (!isKmodError(error)) throw error
    say(`  ${error.code}: ${error.message}`)
    return error
  }
}

chapter('Can this process unload modules here?')
const { canUnload, problems, kernel, libkmod } = await kmod.preflight()
say(
  `  kernel ${kernel.release}, lockdown ${kernel.lockdown ?? 'unknown'}, ${libkmod ?? 'no libkmod'}`,
)
if (!canUnload) {
  for (const { code, message } of problems) say(`  ${code}: ${message}`)
  process.exit(1)
}

// The modules that this tour loads and unloads must not be in use by anything else.
const used = ['dummy', 'br_netfilter', 'bridge', 'stp', 'llc', 'tun', 'minix']
const present = (await kmod.list()).filter(({ name }) => used.includes(name))
if (present.length > 0) {
  say(
    `  already loaded: ${present.map(({ name }) => name).join(', ')}. The tour stops here, so that it unloads nothing that is in use.`,
  )
  process.exit(1)
}

chapter('Load, inspect and remove a module: dummy, a network driver without hardware')
const { loaded } = await kmod.load('dummy')
say(`  loaded: ${loaded.join(', ')}`)
const modules = await kmod.list()
say(`  ${modules.length} modules are loaded; the newest ones are:`)
for (const { name, size, refCount, holders } of modules.slice(0, 3)) {
  const users = holders.length > 0 ? `, used by ${holders.join(', ')}` : ''
  say(`    ${name.padEnd(20)} ${String(size).padStart(8)} bytes, ${refCount} references${users}`)
}
const target = await kmod.find('dummy')
const { description, path } = await kmod.info('dummy')
say(`  dummy: ${target.state}, ${target.refCount} references; ${description ?? 'no description'}`)
say(`  its file: ${path}`)
say(`  /sys/module/dummy ${inSys('dummy')}`)
await kmod.remove('dummy')
say(`  removed: /sys/module/dummy ${inSys('dummy')}, its status is ${await kmod.status('dummy')}`)

chapter('Plan the unload of a module with dependencies: br_netfilter')
say(`  loaded: ${(await kmod.load('br_netfilter')).loaded.join(', ')}`)
const plan = await kmod.plan('br_netfilter')
say('  what would be removed, and why:')
for (const { module, reason } of plan.steps) say(`    ${module.padEnd(20)} ${reason}`)
say('  in the format of `modprobe -n -v -r`, which prints only the first line:')
for (const line of formatPlan(plan).split('\n')) say(`    ${line}`)

chapter('What blocks an unload: llc and bridge, which other modules use')
say(`  the holders of bridge: ${(await kmod.holders('bridge')).join(', ')}`)
await refused(kmod.remove('bridge'))
const { blockers } = await kmod.plan('llc')
for (const { code, message } of blockers) say(`  plan('llc'): ${code}: ${message}`)
const upwards = await kmod.plan('llc', { holders: 'remove' })
say(`  with its holders: ${upwards.steps.map(({ module }) => module).join(', ')}`)

chapter('Carry out the plan')
const report = await kmod.unload('br_netfilter')
for (const { step, attempts, duration } of report.steps) {
  say(
    `  ${step.module.padEnd(20)} removed in ${duration.toFixed(1)} ms, attempts: ${attempts}; /sys/module/${step.module} ${inSys(step.module)}`,
  )
}
say(`  new taints: ${report.newTaints.join(', ') || 'none'}; clean: ${report.clean}`)

chapter('A module that is in use: tun, with an open device')
await kmod.load('tun')
const device = await open('/dev/net/tun')
const { references, users } = await refused(kmod.unload('tun'))
for (const { kind, release } of users) say(`    ${kind}: ${release.text}`)
say('  unload again, and wait up to 20 seconds; the device is closed after half a second:')
setTimeout(() => device.close(), 500)
await kmod.unload('tun', {
  wait: 20_000,
  onStep: ({ step, state }) => say(`    ${step.module}: ${state}`),
})
say(`  the open device held ${references} references; now /sys/module/tun ${inSys('tun')}`)

chapter('A module with reference count 0 that is needed: dummy, with the default route')
await kmod.load('dummy')
execFileSync('ip', ['link', 'add', 'walk0', 'type', 'dummy'])
execFileSync('ip', ['link', 'set', 'walk0', 'up'])
const metric = ['metric', '4242'] // lower priority than any real default route
execFileSync('ip', ['route', 'add', 'default', 'dev', 'walk0', ...metric])
say(`  its reference count: ${(await kmod.find('dummy')).refCount}; modprobe -r would remove it`)
await refused(kmod.unload('dummy'))
execFileSync('ip', ['route', 'del', 'default', 'dev', 'walk0', ...metric])
await kmod.unload('dummy')
say(`  unloaded after the route was deleted: /sys/module/dummy ${inSys('dummy')}`)

chapter('Explain why a module is in use: minix, with a mounted file system')
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
say(`  references: ${usage.refCount}, of which unexplained: ${usage.unexplained}`)
for (const { kind, release } of usage.users) {
  say(`    ${kind}: ${release.text}: ${release.command?.join(' ') ?? 'no single command'}`)
}
for (const { severity, message } of await kmod.impact('minix')) say(`    ${severity}: ${message}`)
await refused(kmod.unload('minix'))
const [command, ...args] = usage.users[0].release.command
execFileSync(command, args)
await kmod.unload('minix')
if (!hadLoop) await kmod.unload('loop', { wait: 5_000 })
rmSync(folder, { recursive: true })
say(`  unloaded after \`${command} ${args.join(' ')}\`: /sys/module/minix ${inSys('minix')}`)

chapter('A module that is compiled into the kernel: printk')
say(`  its status: ${await kmod.status('printk')}`)
await refused(kmod.remove('printk'))
