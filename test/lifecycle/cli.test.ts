/** The command line as a process, on a captured system: output, exit status, pipes, signals. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kmod } from 'node-kmod'
import { toDot, toMermaid } from 'node-kmod/graph'
import { CapturedSystem } from '../support/captured-system'
import { ROOT } from '../support/child'
import { COMMAND, json, nodeKmod } from '../support/cli'
import { fillLaptop } from '../support/laptop'

jest.setTimeout(60_000)

let system: CapturedSystem
let kmod: Kmod
beforeAll(() => {
  system = new CapturedSystem()
  fillLaptop(system)
  kmod = new Kmod({ root: system.root })
})
afterAll(() => system.remove())

const onLaptop = (...args: string[]) => nodeKmod('--root', system.root, ...args)
const jsonOnLaptop = (...args: string[]) => json('--root', system.root, ...args)
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown

test('--json prints what the call resolves with', async () => {
  const calls: [string[], () => Promise<unknown>][] = [
    [['list'], () => kmod.list()],
    [['find', 'snd-hda-intel'], () => kmod.find('snd_hda_intel')],
    [['find', 'nothing'], () => Promise.resolve(null)],
    [['status', 'tun'], () => kmod.status('tun')],
    [['info', 'ext4'], () => kmod.info('ext4')],
    [['holders', 'snd'], () => kmod.holders('snd')],
    [['resolve', 'fs-ext2'], () => kmod.resolve('fs-ext2')],
    [['preflight'], () => kmod.preflight()],
    [['explain', 'tun'], () => kmod.explain('tun')],
    [['why', 'tun'], () => kmod.explain('tun')],
    [['impact', 'nvme', 'e1000e'], () => kmod.impact(['nvme', 'e1000e'])],
    [['graph'], () => kmod.graph()],
    [['graph', 'tun', '--users'], () => kmod.graph('tun', { users: true })],
    [
      ['graph', 'snd', '--plan', '--holders', 'remove'],
      async () => kmod.graph('snd', { plan: await kmod.plan('snd', { holders: 'remove' }) }),
    ],
  ]
  await Promise.all(
    calls.map(async ([args, call]) =>
      expect(await jsonOnLaptop(...args)).toEqual({ status: 0, document: plain(await call()) }),
    ),
  )
})

test.each([
  ['0: nothing blocks', ['n_gsm'], 0],
  ['5: the guard', ['bridge', 'veth'], 5],
  ['6: there is no such module', ['no_such_module'], 6],
  ['75: in use', ['nvme'], 75],
  ['75: held by another module', ['snd'], 75],
])('plan ends with the status of the first blocker, %s', async (_, names, status) => {
  expect(await jsonOnLaptop('plan', ...names)).toEqual({
    status,
    document: plain(await kmod.plan(names)),
  })
  expect(await jsonOnLaptop('unload', ...names, '--dry-run')).toMatchObject({ status })
})

test('the options of a plan reach the call', async () => {
  const options = ['--holders', 'remove', '--guard', 'strict', '--allow', 'swap,default-route:br0']
  const { document } = await jsonOnLaptop('plan', 'snd', ...options, '--no-soft-dependencies')
  expect(document).toMatchObject({
    options: {
      holders: 'remove',
      guard: 'strict',
      allow: ['swap', 'default-route:br0'],
      softDependencies: false,
    },
  })
})

test('why: who, how many references, and the command that releases each', async () => {
  const { code, stdout, stderr } = await onLaptop('why', 'tun')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const { users } = await kmod.explain('tun')
  expect(stdout).toContain('tun: live, reference count 2\n')
  expect(users.length).toBeGreaterThan(0)
  for (const { release } of users) {
    expect(stdout).toContain(release.text)
    expect(stdout).toContain(`$ ${release.command!.join(' ')}\n`)
  }
})

test('graph: the ending of the file chooses the format; without a file, DOT is printed', async () => {
  const picture = await kmod.graph('bridge')
  const folder = mkdtempSync(join(tmpdir(), 'kmod-pictures-'))
  try {
    expect((await onLaptop('graph', 'bridge')).stdout.trimEnd()).toBe(toDot(picture).trimEnd())
    const expected: Record<string, (written: string) => void> = {
      dot: (written) => expect(written).toBe(toDot(picture)),
      mmd: (written) => expect(written).toBe(toMermaid(picture)),
      json: (written) => expect(JSON.parse(written)).toEqual(picture),
      svg: (written) => expect(written).toMatch(/^<svg[^]*bridge[^]*<\/svg>\s*$/),
      html: (written) => expect(written).toMatch(/^<!doctype html>[^]*bridge/),
    }
    for (const [ending, check] of Object.entries(expected)) {
      const file = join(folder, `bridge.${ending}`)
      expect(await onLaptop('graph', 'bridge', '-o', file)).toEqual({
        ...{ code: 0, signal: null, stderr: '' },
        stdout: `Wrote a graph of ${picture.nodes.length} nodes to ${file}.\n`,
      })
      check(readFileSync(file, 'utf8'))
    }
    const wrong = await onLaptop('graph', '-o', join(folder, 'bridge.png'))
    expect(wrong).toMatchObject({ code: 2, stdout: '' })
    expect(wrong.stderr).toContain('.dot, .mmd, .svg, .html, .json')
    const nothing = await onLaptop('graph', '--plan')
    expect(nothing).toMatchObject({ code: 2, stdout: '' })
    expect(nothing.stderr).toContain('--plan needs the names of the modules')
    const lost = await onLaptop('graph', '-o', join(folder, 'missing', 'bridge.dot'))
    expect(lost).toMatchObject({ code: 1, stdout: '' })
    expect(lost.stderr).toContain(join(folder, 'missing', 'bridge.dot'))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('capture: the copy answers as the system; a folder that is not empty is refused', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kmod-capture-'))
  try {
    const copy = join(folder, 'copy')
    const { code, stdout, stderr } = await onLaptop('capture', copy)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(new RegExp(`^Wrote \\d+ files, \\d.*, to ${copy}\\.\n`))
    const { document } = await json('--root', copy, 'explain', 'tun')
    expect(document).toEqual(plain(await kmod.explain('tun')))
    const again = await onLaptop('capture', copy)
    expect(again).toMatchObject({ code: 1, stdout: '' })
    expect(again.stderr).toContain('the folder is not empty')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('an error: on stderr for people, on stdout with --json', async () => {
  const { code, stdout, stderr } = await onLaptop('unload', 'n_gsm')
  expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
  expect(stderr).toMatch(/^node-kmod: With --root, a system can only be inspected\. Omit --root /)
  expect(await jsonOnLaptop('unload', 'n_gsm')).toMatchObject({
    status: 4,
    document: { error: { name: 'KmodError', code: 'ERR_KMOD_READ_ONLY' } },
  })
})

test('wrong usage is 2, and says what was meant', async () => {
  const wrong = await onLaptop('plan', 'tun', '--holders', 'removed')
  expect(wrong).toMatchObject({ code: 2, stdout: '' })
  expect(wrong.stderr).toMatch(/--holders .*Did you mean "remove"\?/)
  expect(await nodeKmod('plan')).toMatchObject({ code: 2, stdout: '' })
  expect(await nodeKmod()).toMatchObject({ code: 2 })
  expect(await json('unlod', 'tun')).toMatchObject({
    status: 2,
    document: { error: { message: expect.stringContaining('unload') as unknown } },
  })
  expect(await nodeKmod('load', 'dummy', 'numdummies')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('NAME=VALUE') as unknown,
  })
})

test('--help and --version are on stdout', async () => {
  expect(await nodeKmod('unload', '--help')).toMatchObject({
    ...{ code: 0, stderr: '' },
    stdout: expect.stringContaining('node-kmod unload nvme --dry-run') as unknown,
  })
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    version: string
  }
  expect(await nodeKmod('--version')).toMatchObject({ code: 0, stdout: `${version}\n` })
})

test('colours only for a terminal, or when asked for', () => {
  const colours = (environment: string): boolean =>
    execFileSync('bash', ['-c', `${environment} ${COMMAND} --root "$ROOT" plan tun || true`], {
      encoding: 'utf8',
      env: { ...process.env, ROOT: system.root },
    }).includes('\u001b[')
  expect(colours('FORCE_COLOR= NO_COLOR= env -u FORCE_COLOR')).toBe(false)
  expect(colours('FORCE_COLOR=1')).toBe(true)
  expect(colours('NO_COLOR=1 env -u FORCE_COLOR')).toBe(false)
})

test('a reader that ends early is no error', () => {
  const script = `set -o pipefail; for i in 1 2 3; do ${COMMAND} --root "$ROOT" list | head -1; done; echo "\${PIPESTATUS[0]}"`
  const output = execFileSync('bash', ['-c', script], {
    encoding: 'utf8',
    env: { ...process.env, ROOT: system.root },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  expect(output).toMatch(/^(MODULE .*\n){3}0\n$/)
})
