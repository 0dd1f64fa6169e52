/** Firewalls, which no reference count shows; and reading the system, which must not load modules. */
import { readFileSync } from 'node:fs'
import { kmod } from '../../../lib'
import type { Effect } from '../../../lib/contract/types'
import { attempt, removeModules, isInKernel, lsmod, modprobe, rejection, run } from '../support'

const countOf = (name: string): number | undefined =>
  lsmod().find((row) => row.name === name)?.count

async function firewallsOf(module: string): Promise<string[]> {
  const effects = await kmod.impact(module)
  return effects.filter(({ kind }) => kind === 'firewall').map(({ subject }) => subject)
}

/** Newer kernels can be built without the tables of iptables. */
const testWith = (module: string): typeof test =>
  attempt('modinfo', [module]).status === 0 ? test : test.skip

/** What is asked in every survey, and what each question could load. */
const ASKED = ['nfnetlink', 'nf_tables', 'ip_set', 'xfrm_user', 'ip_tables', 'ip6_tables', 'ip_vs']
const OTHERS = [
  'arp_tables',
  'ebtables',
  'dm_mod',
  'inet_diag',
  'wireguard',
  'af_key',
  'nf_conntrack',
]

describe('a question', () => {
  const table = (): string[] =>
    readFileSync('/proc/modules', 'utf8')
      .split('\n')
      .map((row) => row.split(' ')[0]!)
  const ask = async (): Promise<void> => {
    await kmod.plan(['dummy', 'loop'], { holders: 'remove' })
    await kmod.impact(['dummy', 'loop'])
    await kmod.explain('dummy')
    await kmod.explain('loop')
  }
  beforeAll(async () => {
    for (const name of ['dummy', 'loop']) modprobe(name)
    // The first calls load the package, which takes longer on a slow guest than a test may take.
    await ask()
  }, 300_000)
  afterAll(() => removeModules('dummy', 'loop'))

  test('loads no module if none of the modules that can answer is loaded', async () => {
    const loaded = [...OTHERS, ...ASKED].filter(isInKernel)
    if (loaded.length > 0) attempt('modprobe', ['-r', ...loaded])
    for (const name of ASKED) expect([name, isInKernel(name)]).toEqual([name, false])
    const before = table()
    await ask()
    expect(table()).toEqual(before)
  })

  test('loads no other module if the modules that can answer are loaded', async () => {
    attempt('modprobe', ['-a', ...ASKED, ...OTHERS])
    const before = table()
    expect(before).toContain('nf_tables')
    await ask()
    expect(table()).toEqual(before)
    attempt('modprobe', ['-r', ...OTHERS, ...ASKED])
  })
})

describe('nftables', () => {
  afterAll(() => {
    attempt('nft', ['delete', 'table', 'inet', 'kmodfw'])
    removeModules('nft_masq', 'nft_chain_nat', 'nf_nat', 'nf_tables')
  })

  test('keep nf_tables at reference count 0, unless that is allowed', async () => {
    run('nft', ['add table inet kmodfw'])
    expect(await firewallsOf('nf_tables')).toEqual([])
    run('nft', ['add chain inet kmodfw f { type filter hook forward priority 0 ; policy drop ; }'])
    modprobe('nft_masq')
    const plan = await kmod.plan('nft_masq')
    expect(plan.kept).toContainEqual({ module: 'nf_tables', reason: 'effect' })
    const report = await kmod.unload('nft_masq')
    expect(report.removed).not.toContain('nf_tables')
    expect(countOf('nf_tables')).toBe(0)
    expect(run('nft', ['list', 'ruleset'])).toContain('policy drop')

    const error = await rejection(kmod.unload('nf_tables'))
    expect(error).toMatchObject({
      code: 'ERR_KMOD_CRITICAL',
      effect: { kind: 'firewall', severity: 'critical', subject: 'inet kmodfw' },
    })
    await kmod.unload('nf_tables', { allow: ['firewall'] })
    expect(isInKernel('nf_tables')).toBe(false)
  })

  test('of another namespace count, too', async () => {
    run('ip', ['netns', 'add', 'kmodfw'])
    try {
      const chain = 'add chain ip far c { type filter hook input priority 0 ; }'
      run('ip', ['netns', 'exec', 'kmodfw', 'nft', `add table ip far; ${chain}`])
      expect(await firewallsOf('nf_tables')).toEqual([expect.stringMatching(/\/kmodfw\/ip far$/)])
    } finally {
      run('ip', ['netns', 'del', 'kmodfw'])
    }
  })
})

describe('iptables', () => {
  const TABLES = [
    ['iptables-legacy', 'iptable_filter', 'ip filter'],
    ['ip6tables-legacy', 'ip6table_filter', 'ip6 filter'],
  ] as const

  for (const [tool, module, subject] of TABLES) {
    testWith(module)(`a policy of ${tool} keeps ${module}, and so does a rule`, async () => {
      modprobe(module)
      try {
        expect(await firewallsOf(module)).toEqual([])
        run(tool, ['-P', 'FORWARD', 'DROP'])
        expect(countOf(module)).toBe(0)
        expect(await rejection(kmod.unload(module))).toMatchObject({
          code: 'ERR_KMOD_CRITICAL',
          effect: { kind: 'firewall', subject },
        })
        run(tool, ['-P', 'FORWARD', 'ACCEPT'])
        expect(await firewallsOf(module)).toEqual([])
        run(tool, ['-A', 'FORWARD', '-j', 'DROP'])
        expect(await firewallsOf(module)).toEqual([subject])
        // For rules, the kernel itself takes a reference.
        expect(countOf(module)).toBe(1)
        run(tool, ['-F'])
        run(tool, ['-P', 'FORWARD', 'DROP'])
        const report = await kmod.unload(module, { allow: [`firewall:${subject}`] })
        expect(report.removed[0]).toBe(module)
      } finally {
        removeModules(module)
      }
    })
  }

  testWith('arptable_filter')('a rule of arptables keeps arptable_filter', async () => {
    modprobe('arptable_filter')
    try {
      run('arptables-legacy', ['-A', 'INPUT', '-j', 'DROP'])
      expect(await firewallsOf('arptable_filter')).toEqual(['arp filter'])
      expect(await firewallsOf('arp_tables')).toEqual(['arp filter'])
    } finally {
      run('arptables-legacy', ['-F'])
      removeModules('arptable_filter', 'arp_tables')
    }
  })

  testWith('ebtable_filter')('a policy of ebtables keeps ebtable_filter', async () => {
    modprobe('ebtable_filter')
    run('ip', ['link', 'add', 'kmodfwbr', 'type', 'bridge'])
    try {
      expect(await firewallsOf('ebtable_filter')).toEqual([])
      run('ebtables-legacy', ['-P', 'FORWARD', 'DROP'])
      expect(countOf('ebtable_filter')).toBe(0)
      expect(await firewallsOf('ebtable_filter')).toEqual(['bridge filter'])
      run('ebtables-legacy', ['-P', 'FORWARD', 'ACCEPT'])
      run('ebtables-legacy', ['-A', 'FORWARD', '-j', 'DROP'])
      expect(await firewallsOf('ebtable_filter')).toEqual(['bridge filter'])
    } finally {
      run('ip', ['link', 'del', 'kmodfwbr'])
      removeModules('ebtable_filter', 'ebtables')
    }
  })
})

test('sets of ipset', async () => {
  run('ipset', ['create', 'kmodset', 'hash:ip'])
  try {
    expect(await firewallsOf('ip_set_hash_ip')).toEqual(['ipset kmodset'])
    expect(await firewallsOf('ip_set')).toEqual(['ipset kmodset'])
  } finally {
    run('ipset', ['destroy', 'kmodset'])
    removeModules('ip_set_hash_ip', 'ip_set')
  }
})

test('services of IPVS', async () => {
  modprobe('ip_vs')
  try {
    expect(await firewallsOf('ip_vs')).toEqual([])
    run('ipvsadm', ['-A', '-t', '192.0.2.1:80', '-s', 'rr'])
    expect(await firewallsOf('ip_vs')).toEqual(['ipvs'])
    expect(await firewallsOf('ip_vs_rr')).toEqual(['ipvs'])
  } finally {
    attempt('ipvsadm', ['-C'])
    removeModules('ip_vs_rr', 'ip_vs')
  }
})

describe('IPsec', () => {
  afterAll(() => {
    attempt('ip', ['xfrm', 'state', 'flush'])
    attempt('ip', ['xfrm', 'policy', 'flush'])
    removeModules('esp4', 'xfrm_user', 'xfrm_algo')
  })

  test('is an effect because of its states and policies, whose keys are not read', async () => {
    modprobe('xfrm_user')
    const effects = (module: string): Promise<Effect[]> => kmod.impact(module)
    expect(await effects('xfrm_user')).toEqual([])
    const policy = ['src', '192.0.2.0/24', 'dst', '198.51.100.0/24', 'dir', 'out']
    const ends = ['src', '192.0.2.1', 'dst', '198.51.100.1']
    const template = ['tmpl', ...ends, 'proto', 'esp', 'mode', 'tunnel']
    run('ip', ['xfrm', 'policy', 'add', ...policy, ...template])
    expect(await firewallsOf('xfrm_user')).toEqual(['xfrm'])
    const key = `0x${'00'.repeat(16)}`
    const algorithms = ['enc', 'cbc(aes)', key, 'auth', 'hmac(sha256)', key]
    const state = [...ends, 'proto', 'esp', 'spi', '1', 'mode', 'tunnel', ...algorithms]
    run('ip', ['xfrm', 'state', 'add', ...state])
    expect(await effects('esp4')).toMatchObject([
      {
        kind: 'firewall',
        severity: 'critical',
        message: expect.stringContaining('1 state') as string,
      },
    ])
  })

  test('is in `unreadable` if the module that shows it is missing', async () => {
    run('ip', ['xfrm', 'state', 'flush'])
    run('ip', ['xfrm', 'policy', 'flush'])
    modprobe('esp4')
    run('rmmod', ['xfrm_user'])
    const { unreadable } = await kmod.explain('esp4')
    expect(unreadable).toContainEqual(expect.stringContaining('xfrm_user'))
    expect(isInKernel('xfrm_user')).toBe(false)
  })
})
