// A daemon that removes modules which nobody has used for a while. Give it patterns of the modules that it
// may remove; run it with --dry-run first.
//
//   sudo node examples/reap.mjs [--dry-run] [--interval SECONDS] [--passes COUNT] PATTERN...
//
// As a service of systemd (/etc/systemd/system/kmod-reap.service):
//
//   [Service]
//   ExecStart=/usr/bin/node /opt/reap/reap.mjs 'nf_*' 'xt_*' 'snd_*'
//   CapabilityBoundingSet=CAP_SYS_MODULE CAP_SYS_ADMIN CAP_SYS_PTRACE CAP_SYS_CHROOT CAP_DAC_READ_SEARCH CAP_SYSLOG CAP_NET_ADMIN
//   NoNewPrivileges=yes
//   ProtectSystem=strict
//   ProtectHome=yes
//   PrivateTmp=yes
//   RestrictAddressFamilies=AF_UNIX AF_NETLINK
//   Restart=on-failure
//
//   [Install]
//   WantedBy=multi-user.target
import { parseArgs } from 'node:util'
import { IdleReaper } from 'node-kmod'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'dry-run': { type: 'boolean', default: false },
    interval: { type: 'string', default: '180' },
    passes: { type: 'string' },
  },
})
const reaper = new IdleReaper({
  candidates: positionals,
  interval: Number(values.interval) * 1000,
  dryRun: values['dry-run'],
})
const would = values['dry-run'] ? 'would be ' : ''
reaper.on('tagged', (module) => console.log(`${module}: idle`))
reaper.on('spared', (module, reason) => console.log(`${module}: stays (${reason})`))
reaper.on('removed', (module) => console.log(`${module}: ${would}removed`))
reaper.on('blocked', (blocker) => console.error(blocker.message))
reaper.on('error', (error) => console.error(error.message))

let passes = 0
reaper.on('pass', () => {
  if (++passes === Number(values.passes)) void reaper.stop()
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void reaper.stop())
reaper.start()
