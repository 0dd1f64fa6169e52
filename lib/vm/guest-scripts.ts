/** The two scripts that run in a guest, and the files through which they and the host communicate. */
import { SEARCH_PATH } from './programs'

/** Files in the folder that the guest mounts at /results. */
export const RESULTS = {
  /** For the guest: the path of its system's root on the host. */
  systemRoot: 'system-root',
  /** For the guest: the path of the kernel's root on the host. */
  kernelRoot: 'kernel-root',
  /** For the guest: the path of the kernel's configuration on the host; empty: there is none. */
  kernelConfig: 'kernel-config',
  /** For the guest: what process 1 runs after it has booted. */
  script: 'script',
  /** For a guest with systemd: what its only service runs. */
  service: 'service',
  /** From the guest: what the command printed. */
  stdout: 'stdout',
  stderr: 'stderr',
  /** From the guest: the exit status of the command. */
  status: 'status',
  /** From the guest: a folder in which the command leaves files. */
  files: 'files',
} as const

/** On the kernel command line: boot, print PROBE_ANSWER on the console and power off. */
export const PROBE_WORD = 'kmod_probe'
export const PROBE_ANSWER = 'guest: probe'

/** The init of the first file system: mounts the host's root and continues there. */
export const INIT = `#!/bin/busybox sh
# After an error, the guest prints it on the console and powers off.
b=/bin/busybox
fail() { echo "guest: $*"; $b poweroff -f; }
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs devtmpfs /dev
if $b grep -q ${PROBE_WORD} /proc/cmdline; then echo "${PROBE_ANSWER}"; $b poweroff -f; fi

while read -r module; do
  $b insmod "/modules/$module" || fail "insmod $module"
done < /modules/order

# cache=loose: the host's root is expected not to change while the guest runs.
$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 root /host \\
  || fail "the host's root cannot be mounted"
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 results /results \\
  || fail "the folder for results cannot be mounted"
system=/host$($b cat /results/${RESULTS.systemRoot})
$b mount -t tmpfs -o size=75% tmpfs /memory
$b mkdir /memory/upper /memory/work /memory/modules-upper /memory/modules-work
$b mount -t overlay -o lowerdir=$system,upperdir=/memory/upper,workdir=/memory/work overlay /root \\
  || fail "the overlay on the system's root cannot be mounted"
for place in boot dev proc results sys tmp; do $b mkdir -p /root/$place; done

release=$($b uname -r)
kernel=/host$($b cat /results/${RESULTS.kernelRoot})
$b mkdir -p "/root/lib/modules/$release"
$b mount -t overlay \\
  -o "lowerdir=$kernel/lib/modules/$release,upperdir=/memory/modules-upper,workdir=/memory/modules-work" \\
  overlay "/root/lib/modules/$release" || fail "the kernel's modules cannot be mounted"
config=$($b cat /results/${RESULTS.kernelConfig})
if [ -n "$config" ]; then $b mkdir -p /root/boot; $b cp "/host$config" "/root/boot/config-$release"; fi
$b mount --move /results /root/results
if [ "$system" != /host/ ]; then $b mkdir /root/host; $b mount --move /host /root/host; fi
for place in proc sys dev; do $b mount --move /$place /root/$place; done
$b mkdir -p /root/dev/pts /root/dev/shm
$b mount -t devpts devpts /root/dev/pts
$b mount -t tmpfs tmpfs /root/dev/shm
$b mount -t securityfs securityfs /root/sys/kernel/security
$b mount -t tracefs tracefs /root/sys/kernel/tracing
$b ifconfig lo 127.0.0.1 up

# Not chroot: a process in a chroot cannot create user namespaces. The script below runs as process 1.
exec $b switch_root /root /bin/sh /results/${RESULTS.script}
`

/** Where the command leaves its files; the environment variable RESULTS has it. */
const FILES = `/results/${RESULTS.files}`

/** The script for the shared root: runs the command and powers off. */
export function commandScript(
  command: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): string {
  const variables = { PATH: SEARCH_PATH, HOME: '/root', TERM: 'dumb', RESULTS: FILES, ...env }
  return `${Object.entries(variables)
    .map(([name, value]) => `export ${name}=${quote(value)}\n`)
    .join('')}exec < /dev/null > /results/${RESULTS.stdout} 2> /results/${RESULTS.stderr}
cd ${quote(cwd)} && ${command.map(quote).join(' ')}
echo $? > /results/${RESULTS.status}
sync
busybox poweroff -f
`
}

/** The unit that systemd starts, and with it nothing else: a whole boot takes 30 s when emulated. */
const UNIT = `[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/bin/sh /results/${RESULTS.service}
`

/** The script for the shared root, where systemd becomes process 1. */
export const SYSTEMD_SCRIPT = `mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
cat > /run/systemd/system/guest.service << 'END'
${UNIT}END
exec /lib/systemd/systemd --unit=guest.service
`

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
