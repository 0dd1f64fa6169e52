/** Managed machines: guests with an ssh server, which a port of the host's loopback leads to. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { runInVm } from 'node-kmod/vm'
import { outcomeOf } from '../support/child'
import { output, PYTHON, type Controller } from './controller'

export interface Machine {
  name: string
  /** Runs a command of the shell there. Rejects if it fails. */
  ssh(command: string): Promise<string>
}

export interface Fleet {
  machines: Machine[]
  /** The file for `-i`. */
  inventory: string
  /** Ends the guests. */
  stop(): Promise<void>
}

/** Milliseconds for a guest, from its boot to its end. */
const DEADLINE = 600_000

/** Starts a guest for each name. The value is a shell script that runs there before ssh answers. */
export async function startFleet(
  controller: Controller,
  scripts: Readonly<Record<string, string>>,
): Promise<Fleet> {
  const { folder, executable, sshOptions } = controller
  const clientKey = join(folder, 'client-key')
  const hostKey = join(folder, 'host-key')
  output('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', clientKey])
  const described = output('dropbearkey', ['-t', 'ed25519', '-f', hostKey])
  const publicKey = /^ssh-ed25519 \S+/m.exec(described)![0]
  const names = Object.keys(scripts)
  const ports = await freePorts(names.length)
  const known = ports.map((port) => `[127.0.0.1]:${port} ${publicKey}\n`).join('')
  writeFileSync(join(folder, 'known_hosts'), known)
  const hosts = Object.fromEntries(names.map((name, i) => [name, { ansible_port: ports[i] }]))
  const inventory = join(folder, 'inventory.json')
  const vars = {
    ansible_host: '127.0.0.1',
    ansible_user: 'root',
    ansible_ssh_private_key_file: clientKey,
    ansible_python_interpreter: PYTHON,
    kmod_executable: executable,
  }
  writeFileSync(inventory, JSON.stringify({ all: { hosts, vars } }))
  const machines = names.map((name, i): Machine => {
    const target = ['-i', clientKey, '-p', String(ports[i]), 'root@127.0.0.1']
    return {
      name,
      async ssh(command) {
        const child = spawn('ssh', [...sshOptions, ...target, command])
        child.stdin.end()
        const { code, stdout, stderr } = await outcomeOf(child)
        if (code !== 0) throw new Error(`ssh ${name} ${command}: exit ${code}\n${stderr}`)
        return stdout
      },
    }
  })
  const guests = names.map((name, i) =>
    runInVm({
      kernel: '6.12',
      command: ['sh', '-c', serve(scripts[name]!, `${clientKey}.pub`, hostKey)],
      nic: true,
      forward: { host: ports[i]!, guest: 22 },
      processors: names.length === 1 ? undefined : 1,
      timeout: DEADLINE,
    }),
  )
  const ended = Promise.all(guests)
  // stop() awaits it. A guest that dies before is no unhandled rejection, but an error of the ssh there.
  ended.catch(() => undefined)
  // A guest that ends early is an error of what waits for it.
  await Promise.race([
    Promise.all(machines.map(answers)),
    ended.then((results) => {
      throw new Error(
        `A machine ended at once:\n${results.map((one) => one.stdout + one.stderr).join('\n')}`,
      )
    }),
  ])
  return {
    machines,
    inventory,
    async stop() {
      await Promise.all(machines.map((one) => one.ssh('kill $(cat /run/dropbear.pid)')))
      await ended
    },
  }
}

/** The script of a guest. It ends when its ssh server is killed, and the guest with it. */
function serve(script: string, clientKey: string, hostKey: string): string {
  return `set -e
modprobe e1000
ip link set eth0 up
ip address add 10.0.2.15/24 dev eth0
ip route add default via 10.0.2.2
# Not /root: QEMU may run as a user who cannot read it, and the checkout may be below it.
mkdir -p /run/home/.ssh
cat '${clientKey}' > /run/home/.ssh/authorized_keys
chmod -R go= /run/home
sed -i 's|^root:.*|root:x:0:0:root:/run/home:/bin/sh|' /etc/passwd
${script}
exec dropbear -F -E -s -r '${hostKey}' -P /run/dropbear.pid
`
}

async function answers(machine: Machine): Promise<void> {
  const end = Date.now() + DEADLINE / 2
  for (;;) {
    try {
      await machine.ssh('true')
      return
    } catch (error) {
      if (Date.now() > end) throw error
      await delay(500)
    }
  }
}

/** All at the same time, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const open = servers.map(
    (server) =>
      new Promise<number>((resolve, reject) => {
        server.once('error', reject)
        server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
      }),
  )
  const ports = await Promise.all(open)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
