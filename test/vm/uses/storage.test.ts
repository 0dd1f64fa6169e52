/** The table of uses: mounts, swap, block devices and flash. */
import { testUses, type Use } from '../use-table'

const IMAGE = '/tmp/uses.image'
const FOLDER = '/tmp/uses.mount'
const OTHER = '/tmp/uses.other'
const LOOP = '/dev/loop7'
/** An empty image: what another row has written must not be found. */
const attach = `modprobe loop; rm -f ${IMAGE}; truncate -s 16M ${IMAGE}; losetup ${LOOP} ${IMAGE}`
const format = `${attach}; mkfs.ext4 -q ${LOOP}; mkdir -p ${FOLDER} ${OTHER}`
const mount = `${format}; mount ${LOOP} ${FOLDER}`
const end = `umount ${OTHER} ${FOLDER}; umount ${FOLDER}; losetup -d ${LOOP}`
const NFS = '/proc/fs/nfsd'
/** Without the older versions, which need rpcbind; newer kernels start only with a socket. */
const startNfs =
  `ip link set lo up; mount -t nfsd nfsd ${NFS}; ` +
  `echo '-2 -3 +4' >${NFS}/versions; echo 'tcp 2049' >${NFS}/portlist; echo 2 >${NFS}/threads`
const endNfs = `umount ${NFS}`
const onFolder = `critical filesystem:${FOLDER}`

testUses([
  {
    module: 'loop',
    what: 'a file',
    begin: attach,
    end,
    user: { kind: 'block', path: LOOP, usedBy: [IMAGE], references: 1 },
    effects: [`disruptive storage:${LOOP}`],
  },
  {
    module: 'loop',
    what: 'a mount',
    begin: mount,
    end,
    user: { kind: 'block', path: LOOP, usedBy: [IMAGE, FOLDER], references: 2 },
    effects: [onFolder],
    command: false,
  },
  {
    module: 'loop',
    what: 'a mapping',
    begin: `${attach}; dmsetup create uses --table '0 8192 linear ${LOOP} 0'`,
    end: `dmsetup remove uses; ${end}`,
    user: { kind: 'block', path: LOOP, references: 2 },
    effects: [`disruptive storage:${LOOP}`, 'disruptive storage:/dev/dm-0'],
    command: false,
  },
  {
    module: 'loop',
    what: 'swap',
    begin: `${attach}; mkswap -q ${LOOP}; swapon ${LOOP}`,
    end: `swapoff ${LOOP}; ${end}`,
    user: { kind: 'block', path: LOOP, references: 1 },
    effects: [`critical swap:${LOOP}`],
    command: false,
  },
  {
    module: 'ext4',
    what: 'a mount',
    begin: mount,
    end,
    user: { kind: 'mount', path: FOLDER, source: LOOP, references: 1 },
    effects: [onFolder],
  },
  {
    module: 'ext4',
    what: 'a mount in two places',
    begin: `${mount}; mount --bind ${FOLDER} ${OTHER}`,
    end,
    user: { kind: 'mount', path: FOLDER, references: 1 },
    effects: [onFolder],
  },
  {
    module: 'ext4',
    what: 'a mount in another namespace',
    begin: format,
    process: [
      ...['unshare', '-m', 'bash', '-c'],
      `mount ${LOOP} ${FOLDER}; echo $$; exec sleep infinity`,
    ],
    end,
    user: { kind: 'mount', path: FOLDER, references: 1 },
    effects: [onFolder],
  },
  {
    module: 'ext4',
    what: 'a mount below another mount',
    begin: `${mount}; mkdir ${FOLDER}/sub; mount -t tmpfs none ${FOLDER}/sub`,
    end: `umount ${FOLDER}/sub; ${end}`,
    user: { kind: 'mount', path: FOLDER, references: 1 },
    effects: [onFolder],
    command: false,
  },
  {
    module: 'ext4',
    what: 'a mount that another one hides',
    begin: `mkdir -p ${FOLDER}/sub; ${attach}; mkfs.ext4 -q ${LOOP}; mount ${LOOP} ${FOLDER}/sub; mount -t tmpfs none ${FOLDER}`,
    end: `umount ${FOLDER}; umount ${FOLDER}/sub; losetup -d ${LOOP}`,
    user: { kind: 'mount', path: `${FOLDER}/sub`, references: 1 },
    effects: [`critical filesystem:${FOLDER}/sub`],
    command: false,
  },
  {
    module: 'ext4',
    what: 'a mount with a swap file',
    begin: `${mount}; dd if=/dev/zero of=${FOLDER}/swap bs=1M count=4 status=none; chmod 600 ${FOLDER}/swap; mkswap -q ${FOLDER}/swap; swapon ${FOLDER}/swap`,
    end: `swapoff ${FOLDER}/swap; ${end}`,
    user: { kind: 'mount', path: FOLDER, references: 1 },
    effects: [onFolder, `critical swap:${FOLDER}/swap`],
    command: false,
  },
  {
    module: 'ext4',
    what: 'a mount with the file of a loop device',
    begin: `${mount}; truncate -s 1M ${FOLDER}/inner; losetup /dev/loop6 ${FOLDER}/inner`,
    end: `losetup -d /dev/loop6; ${end}`,
    user: { kind: 'mount', path: FOLDER, references: 1 },
    effects: [onFolder, 'disruptive storage:/dev/loop6'],
    command: false,
  },
  {
    module: 'configfs',
    what: 'a mount',
    begin: 'mount -t configfs none /sys/kernel/config',
    end: 'umount /sys/kernel/config',
    user: { kind: 'mount', path: '/sys/kernel/config', references: 1 },
    effects: ['critical filesystem:/sys/kernel/config'],
  },
  {
    module: 'nfsd',
    what: 'an NFS server, which ends with its control files',
    begin: startNfs,
    end: endNfs,
    user: { kind: 'mount', path: NFS, references: 1 },
    effects: [`critical filesystem:${NFS}`],
  },
  {
    module: 'sunrpc',
    what: 'the sockets of an NFS server, which nothing shows',
    load: ['nfsd'],
    begin: startNfs,
    end: endNfs,
    user: { kind: 'module', name: 'nfsd', references: 1 },
    command: false,
    // Two for each: one socket is of IPv4, one of IPv6.
    unexplained: 4,
  },
  {
    module: 'zram',
    what: 'a disk in memory',
    begin: 'echo 16M > /sys/block/zram0/disksize',
    end: 'swapoff /dev/zram0; zramctl --reset /dev/zram0',
    user: { kind: 'block', path: '/dev/zram0', references: 0 },
    effects: ['disruptive storage:/dev/zram0'],
  },
  {
    module: 'zram',
    what: 'swap',
    begin: 'echo 16M > /sys/block/zram0/disksize; mkswap -q /dev/zram0; swapon /dev/zram0',
    end: 'swapoff /dev/zram0; zramctl --reset /dev/zram0',
    user: { kind: 'swap', path: '/dev/zram0' },
    effects: ['critical swap:/dev/zram0'],
  },
  {
    module: 'brd',
    what: 'contents',
    load: ['brd', 'rd_nr=1', 'rd_size=8192'],
    begin: 'dd if=/dev/urandom of=/dev/ram0 bs=4096 count=1 status=none',
    end: 'true',
    user: { kind: 'block', path: '/dev/ram0', references: 0 },
    effects: ['disruptive storage:/dev/ram0'],
    command: false,
  },
  {
    module: 'brd',
    what: 'a mount',
    load: ['brd', 'rd_nr=1', 'rd_size=8192'],
    begin: `mkfs.ext4 -q /dev/ram0; mkdir -p ${FOLDER}; mount /dev/ram0 ${FOLDER}`,
    end: `umount ${FOLDER}`,
    user: { kind: 'block', path: '/dev/ram0', usedBy: [FOLDER], references: 1 },
    effects: [onFolder],
    command: false,
  },
])

/** One for each kind of target; `loop` is the number of references below. */
const mapping = (
  module: string,
  what: string,
  tables: readonly string[],
  references: number,
  more: Partial<Use> = {},
): Use => ({
  module,
  what,
  begin: [attach, ...tables.map((table, i) => `dmsetup create uses${i} --table '${table}'`)].join(
    '; ',
  ),
  end: [
    ...tables.map((_, i) => `dmsetup remove uses${tables.length - 1 - i}`),
    `losetup -d ${LOOP}`,
  ].join('; '),
  user: { kind: 'block', path: `/dev/dm-${tables.length - 1}`, references },
  effects: ['disruptive storage:/dev/dm-0'],
  ...more,
})

describe('device-mapper', () => {
  const linear = `linear ${LOOP}`
  const upper = ['disruptive storage:/dev/dm-1']
  const both = ['disruptive storage:/dev/dm-0', ...upper]
  testUses([
    mapping('dm_mod', 'one segment', [`0 8192 ${linear} 0`], 2),
    mapping('dm_mod', 'two segments', [`0 4096 ${linear} 0\n4096 4096 ${linear} 4096`], 3),
    mapping('dm_mod', 'stripes', [`0 8192 striped 2 128 ${LOOP} 0 ${LOOP} 8192`], 2),
    mapping('dm_mod', 'errors, which have no owner', ['0 8192 error'], 1),
    mapping('dm_zero', 'zeros', ['0 8192 zero'], 1),
    mapping(
      'dm_mirror',
      'a mirror',
      [`0 8192 mirror core 2 64 nosync 2 ${LOOP} 0 ${LOOP} 8192`],
      1,
    ),
    mapping('dm_log', 'a mirror', [`0 8192 mirror core 2 64 nosync 2 ${LOOP} 0 ${LOOP} 8192`], 1, {
      load: ['dm_mirror'],
    }),
    mapping('dm_delay', 'a delay', [`0 8192 delay ${LOOP} 0 5`], 1),
    mapping(
      'dm_crypt',
      'encryption',
      [`0 8192 crypt aes-xts-plain64 ${'0'.repeat(64)} 0 ${LOOP} 0`],
      1,
    ),
    mapping(
      'dm_snapshot',
      'a snapshot and its origin',
      [`0 8192 ${linear} 0`, '0 8192 snapshot-origin 254:0'],
      1,
      { effects: upper },
    ),
    mapping(
      'dm_thin_pool',
      'a pool',
      [`0 1024 ${linear} 0`, `0 16384 thin-pool 254:0 ${LOOP} 128 0`],
      1,
      { effects: upper },
    ),
    {
      ...mapping('dm_mod', 'a table that is not active', [`0 8192 ${linear} 0`], 4),
      begin: `${attach}; dmsetup create uses0 --table '0 8192 ${linear} 0'; printf '0 4096 ${linear} 0\\n4096 4096 ${linear} 8192\\n' | dmsetup load uses0`,
    },
    {
      ...mapping('dm_mod', 'no table', [], 1),
      begin: `${attach}; dmsetup create uses0 --notable`,
      end: `dmsetup remove uses0; losetup -d ${LOOP}`,
      user: { kind: 'block', path: '/dev/dm-0', references: 1 },
    },
    {
      ...mapping(
        'dm_mod',
        'a mapping on a mapping',
        [`0 8192 ${linear} 0`, '0 4096 linear 254:0 0'],
        2,
      ),
      effects: both,
      // The lower one stays, with its own reference, that of its segment, and nothing else.
      user: { kind: 'block', path: '/dev/dm-0', references: 3 },
      command: false,
    },
  ])
})

describe('RAID and network block devices', () => {
  const SECOND = '/dev/loop6'
  const pair = `${attach}; truncate -s 16M ${IMAGE}2; losetup ${SECOND} ${IMAGE}2`
  testUses([
    {
      module: 'raid1',
      what: 'an array',
      begin: `${pair}; mdadm --create /dev/md7 --run --level=1 --raid-devices=2 --metadata=1.0 ${LOOP} ${SECOND}`,
      end: `mdadm --stop /dev/md7; losetup -d ${LOOP}; losetup -d ${SECOND}`,
      user: { kind: 'block', path: '/dev/md7', references: 1 },
      effects: ['disruptive storage:/dev/md7'],
    },
    {
      module: 'nbd',
      what: 'qemu-nbd',
      load: ['nbd', 'nbds_max=2'],
      begin: `truncate -s 4M ${IMAGE}; qemu-nbd --fork -f raw -c /dev/nbd0 ${IMAGE}; sleep 1`,
      end: 'qemu-nbd -d /dev/nbd0',
      user: { kind: 'block', path: '/dev/nbd0', references: 1 },
      effects: ['disruptive storage:/dev/nbd0'],
    },
    ...['', '-nonetlink'].map((option): Use => ({
      module: 'nbd',
      what: `nbd-client ${option}`,
      load: ['nbd', 'nbds_max=2'],
      begin: `truncate -s 4M ${IMAGE}; ip link set lo up; qemu-nbd --fork -f raw -p 10809 -t ${IMAGE}; nbd-client ${option} 127.0.0.1 10809 /dev/nbd1 -N ''; sleep 1`,
      end: 'nbd-client -d /dev/nbd1; kill $(pgrep qemu-nbd)',
      user: { kind: 'block', path: '/dev/nbd1', references: 1 },
      effects: ['disruptive storage:/dev/nbd1'],
    })),
  ])
})

describe('flash', () => {
  const attachUbi = 'ubiattach -m 0'
  const makeVolume = `${attachUbi}; ubimkvol /dev/ubi0 -N v -s 8MiB; mkdir -p ${FOLDER}; mount -t ubifs ubi0:v ${FOLDER}`
  testUses([
    {
      module: 'mtd',
      what: 'a device',
      load: ['mtdram'],
      end: 'true',
      user: { kind: 'block', path: '/dev/mtd0', references: 1 },
      effects: ['disruptive storage:/dev/mtd0'],
      command: false,
    },
    {
      module: 'jffs2',
      what: 'a mount',
      load: ['-a', 'mtdram', 'jffs2'],
      begin: `mkdir -p ${FOLDER}; mount -t jffs2 mtd0 ${FOLDER}`,
      end: `umount ${FOLDER}`,
      user: { kind: 'mount', path: FOLDER, references: 1 },
      effects: [onFolder],
    },
    {
      module: 'mtdram',
      what: 'a mount',
      load: ['-a', 'mtdram', 'jffs2'],
      begin: `mkdir -p ${FOLDER}; mount -t jffs2 mtd0 ${FOLDER}`,
      end: `umount ${FOLDER}`,
      user: { kind: 'block', path: '/dev/mtd0', usedBy: [FOLDER], references: 1 },
      effects: [onFolder],
      command: false,
    },
    {
      module: 'ubi',
      what: 'flash',
      load: ['-a', 'nandsim', 'ubi'],
      begin: attachUbi,
      end: 'ubidetach -p /dev/mtd0',
      user: { kind: 'block', path: '/dev/ubi0', references: 0 },
      effects: ['disruptive storage:/dev/ubi0'],
    },
    {
      module: 'nandsim',
      what: 'UBI',
      load: ['-a', 'nandsim', 'ubi'],
      begin: attachUbi,
      end: 'ubidetach -p /dev/mtd0',
      user: { kind: 'block', path: '/dev/mtd0', usedBy: ['/dev/ubi0'], references: 1 },
      effects: ['disruptive storage:/dev/mtd0', 'disruptive storage:/dev/ubi0'],
      command: false,
    },
    {
      module: 'ubi',
      what: 'a mount',
      load: ['-a', 'nandsim', 'ubi', 'ubifs'],
      begin: makeVolume,
      end: `umount ${FOLDER}; ubidetach -p /dev/mtd0`,
      user: { kind: 'block', path: '/dev/ubi0', usedBy: [FOLDER], references: 1 },
      effects: [onFolder],
      command: false,
    },
  ])
})
