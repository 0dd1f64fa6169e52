/** The collection without a machine: its documentation, its options, and Ansible's own checks. */
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SYSTEM_OPTIONS } from '../../lib/cli/options'
import { VERSION } from '../../lib/cli/program'
import type { Option } from '../../lib/cli/verb'
import { VERBS } from '../../lib/cli/verbs/table'
import { ROOT } from '../support/child'
import { openController, PYTHON, type Controller } from './controller'

jest.setTimeout(300_000)

const MODULES = ['kmod_info', 'kmod_load', 'kmod_unload'] as const
type ModuleName = (typeof MODULES)[number]

interface Documentation {
  doc: { options: Record<string, { choices?: string[]; default?: unknown; description: unknown }> }
  examples: string
  return: Record<string, { type: string; description: unknown }>
}

let controller: Controller
let documentation: Record<string, Documentation>
beforeAll(async () => {
  controller = await openController()
  const names = MODULES.map((name) => `node_kmod.kmod.${name}`)
  const { code, stdout, stderr } = await controller.run('ansible-doc', ['--json', ...names])
  if (code !== 0) throw new Error(stderr)
  documentation = JSON.parse(stdout) as Record<string, Documentation>
})
afterAll(() => (controller as Controller | undefined)?.close())

const of = (name: ModuleName): Documentation => documentation[`node_kmod.kmod.${name}`]!

test.each(MODULES)('ansible-doc shows %s with options, examples and results', async (name) => {
  const { code, stdout } = await controller.run('ansible-doc', [`node_kmod.kmod.${name}`])
  expect(code).toBe(0)
  expect(stdout).toMatch(/EXAMPLES:[^]*RETURN VALUES:/)
  expect(stdout).toContain('executable')
  expect(Object.keys(of(name).return)).toEqual(expect.arrayContaining(['code', 'error']))
})

const verb = (name: string) => VERBS.find((one) => one.name === name)!.options

const snake = ({ name }: Option): string => name.replace(/^no-/, '').replaceAll('-', '_')

test.each([
  // consent is --yes: as a key of YAML, yes would be the value true. Check mode is --dry-run.
  ['kmod_unload', verb('unload'), ['yes', 'dry_run'], ['name', 'consent']],
  ['kmod_load', verb('load'), [], ['name']],
] as const)('%s has the options of the command', (name, options, left, own) => {
  const expected = [...options, ...SYSTEM_OPTIONS]
    .map(snake)
    .filter((one) => !(left as readonly string[]).includes(one) && one !== 'root')
  expect(Object.keys(of(name).doc.options).sort()).toEqual(
    [...expected, ...own, 'executable'].sort(),
  )
})

test('the choices and defaults of kmod_unload are those of the command', () => {
  const { options } = of('kmod_unload').doc
  for (const option of [...verb('unload'), ...SYSTEM_OPTIONS]) {
    const mine = options[snake(option)]
    if (mine === undefined) continue
    // Of --allow, a shell offers the kinds; a subject can follow each.
    if (Array.isArray(option.words) && option.name !== 'allow') {
      expect([option.name, mine.choices]).toEqual([option.name, option.words])
    }
    const [, text] = /\(default: ([^\s)]+)\)/.exec(option.help) ?? []
    if (text === undefined) continue
    const value = Array.isArray(mine.default) ? mine.default.join(',') : mine.default
    expect([option.name, value]).toEqual([option.name, text])
  }
})

test('the version is that of the package', () => {
  const galaxy = readFileSync(join(ROOT, 'ansible', 'galaxy.yml'), 'utf8')
  expect(/^version: (.*)$/m.exec(galaxy)![1]).toBe(VERSION)
})

/** What these need, ansible-test would install from PyPI. */
const NEED_DOWNLOADS = [
  ...['ansible-doc', 'changelog', 'import', 'pep8', 'pslint', 'pylint', 'runtime-metadata'],
  ...['shellcheck', 'validate-modules', 'yamllint'],
]

describe('ansible-test', () => {
  const names = ['ansible_collections', 'node_kmod', 'kmod']

  /** A copy, because ansible-test writes into the collection. Its folders must have these names. */
  let collection: string
  beforeAll(() => {
    collection = join(controller.folder, 'sanity', ...names)
    cpSync(join(ROOT, 'ansible'), collection, { recursive: true })
  })

  test('its sanity tests that need no download pass', async () => {
    const options = ['--color', 'no', ...NEED_DOWNLOADS.flatMap((name) => ['--skip-test', name])]
    const end = await controller.run('ansible-test', ['sanity', ...options], { cwd: collection })
    expect(end).toMatchObject({ code: 0 })
  })

  test('the documentation of each module agrees with its arguments', async () => {
    // The sanity test validate-modules, with the package of Debian instead of that of PyPI.
    const packages = '/usr/lib/python3/dist-packages'
    const sanity = `${packages}/ansible_test/_util/controller/sanity/validate-modules`
    const { code, stdout, stderr } = await controller.run(
      PYTHON,
      [
        ...[join(sanity, 'validate.py'), '--format', 'json', '--arg-spec'],
        ...['--collection', join(...names), '--collection-version', VERSION],
        ...MODULES.map((name) => `plugins/modules/${name}.py`),
      ],
      { cwd: collection, env: { PYTHONPATH: join(controller.folder, 'sanity') } },
    )
    expect({ code, stderr }).toEqual({ code: expect.any(Number) as number, stderr: '' })
    const problems = JSON.parse(stdout) as Record<string, { errors: { code: string }[] }>
    expect(Object.keys(problems)).toHaveLength(MODULES.length)
    const found = Object.values(problems).flatMap(({ errors }) => errors)
    // The license is MIT: ansible/tests/sanity/ignore-2.14.txt and its like have this one, too.
    expect(found.filter((one) => one.code !== 'missing-gplv3-license')).toEqual([])
  })
})
