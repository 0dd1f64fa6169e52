/** The rolling update of the collection over three machines at once: one goes, one is busy, one refuses. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openController, PYTHON, type Controller, type Result } from '../controller'
import { startFleet, type Fleet, type Machine } from '../machines'

jest.setTimeout(600_000)

const BOTH = 'modprobe tun; modprobe dummy numdummies=0'

let controller: Controller
let fleet: Fleet
beforeAll(async () => {
  controller = await openController()
  fleet = await startFleet(controller, {
    idle: BOTH,
    busy: `${BOTH}
(while [ ! -e /run/let-go ]; do sleep 0.2; done) 3<>/dev/net/tun > /dev/null 2>&1 &`,
    refuses: `${BOTH}
ip link add dummy0 type dummy
ip address add 192.0.2.1/24 dev dummy0
ip link set dummy0 up
ip route add default via 192.0.2.2 metric 1000`,
  })
})
afterAll(async () => {
  await (fleet as Fleet | undefined)?.stop()
  ;(controller as Controller | undefined)?.close()
})

const machine = (name: string): Machine => fleet.machines.find((one) => one.name === name)!

/** What the update registered for a machine that goes; the installation of the test writes it. */
const resultsOf = (name: string): Record<'plan' | 'unloaded', Result> =>
  JSON.parse(readFileSync(join(controller.folder, `${name}.json`), 'utf8')) as Record<
    'plan' | 'unloaded',
    Result
  >

/** The variables of the update. */
function variables(): string {
  const tasks = join(controller.folder, 'install.yml')
  const install = [
    { 'ansible.builtin.command': 'cp /proc/modules /run/between' },
    {
      'ansible.builtin.copy': {
        content: '{{ {"plan": kmod_plan, "unloaded": kmod_unloaded} | to_json }}',
        dest: `${controller.folder}/{{ inventory_hostname }}.json`,
      },
      delegate_to: 'localhost',
      vars: { ansible_connection: 'local', ansible_python_interpreter: PYTHON },
    },
  ]
  writeFileSync(tasks, JSON.stringify(install))
  return JSON.stringify({
    kmod_modules: ['tun', 'dummy'],
    kmod_update_tasks: tasks,
    kmod_wait: '2m',
    kmod_serial: 2,
  })
}

test('one goes, one goes when it is free, and the guard of one refuses', async () => {
  let text = ''
  let letGo: Promise<unknown> | undefined
  const update = ['-i', fleet.inventory, 'node_kmod.kmod.update_driver', '-e', variables()]
  const end = await controller.run('ansible-playbook', update, {
    env: { ANSIBLE_RETRY_FILES_ENABLED: '1', ANSIBLE_RETRY_FILES_SAVE_PATH: controller.folder },
    onText(piece) {
      text += piece
      // The busy machine becomes free when every machine was asked, some time after its unload began. The
      // brackets keep pgrep from finding the shell that runs it.
      if (text.includes('TASK [Unload the old driver]')) {
        letGo ??= machine('busy').ssh(
          'for try in $(seq 300); do pgrep -f "[m]ain.js --json .*unload" && break; sleep 0.2; done; sleep 5; touch /run/let-go',
        )
      }
    },
  })
  await letGo
  expect(end.stderr + end.stdout).toMatch(/idle +: ok=\d+ +changed=\d+ +unreachable=0 +failed=0/)
  expect(end.stdout).toMatch(/busy +: ok=\d+ +changed=\d+ +unreachable=0 +failed=0/)
  expect(end.stdout).toMatch(/refuses +: ok=\d+ +changed=0 +unreachable=0 +failed=1/)
  expect(end.code).toBe(2)
  // For the next run with --limit.
  expect(readFileSync(join(controller.folder, 'update_driver.retry'), 'utf8')).toBe('refuses\n')

  expect(resultsOf('idle')).toMatchObject({
    plan: { removed: expect.arrayContaining(['tun', 'dummy']) as object, blockers: [] },
    unloaded: { changed: true },
  })
  expect(resultsOf('busy')).toMatchObject({
    plan: { blockers: [{ code: 'ERR_KMOD_IN_USE', module: 'tun' }] },
    unloaded: { changed: true },
  })
  const [, reason] = /^fatal: \[refuses\]: FAILED! => (.*)$/m.exec(end.stdout)!
  expect(reason).toMatch(/dummy0.*Remedies: allow: .*default-route:dummy0/)

  for (const name of ['idle', 'busy']) {
    expect((resultsOf(name).unloaded.removed as string[]).sort()).toEqual(['dummy', 'tun'])
    expect(await machine(name).ssh('cat /run/between')).not.toMatch(/^(tun|dummy) /m)
    const after = await machine(name).ssh('cat /proc/modules')
    expect(after).toMatch(/^tun /m)
    expect(after).toMatch(/^dummy /m)
  }
  // Nothing happened there: the interface of the old module is still up.
  expect(await machine('refuses').ssh('ls /run')).not.toContain('between')
  expect(await machine('refuses').ssh('cat /sys/class/net/dummy0/flags')).toMatch(/3\n$/)
})
