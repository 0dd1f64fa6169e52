/** The table of uses: sockets that a process has open. */
import { perl, testUses, type Use } from '../use-table'

/** A process that has a socket open: `numbers` are the family, the type and the protocol. */
function socket(module: string, numbers: string, protocol: string, references = 2): Use {
  return {
    module,
    what: `a socket of ${protocol}`,
    process: perl(`socket(S, ${numbers}) or die $!`),
    user: { kind: 'socket', protocol, references },
  }
}

/** A protocol that newer kernels do not have, or not as a module. */
function notOnNewest(use: Use): Use {
  return { ...use, notOn: ['newest'] }
}

/** SOCK_STREAM and others have these numbers in every family. */
const [STREAM, DGRAM, RAW, RDM, SEQPACKET] = [1, 2, 3, 4, 5]

describe('families of sockets', () => {
  testUses([
    socket('can_raw', `29, ${RAW}, 1`, 'CAN_RAW', 1),
    socket('can_bcm', `29, ${DGRAM}, 2`, 'CAN_BCM', 1),
    socket('can_isotp', `29, ${DGRAM}, 6`, 'CAN_ISOTP', 1),
    socket('can_j1939', `29, ${DGRAM}, 7`, 'CAN_J1939', 1),
    { ...socket('vsock', `40, ${STREAM}, 0`, 'AF_VSOCK'), load: ['vsock_loopback'] },
    socket('tipc', `30, ${RDM}, 0`, 'TIPC'),
    socket('rds', `21, ${SEQPACKET}, 0`, 'RDS'),
    socket('af_alg', `38, ${SEQPACKET}, 0`, 'ALG'),
    socket('l2tp_ip', `2, ${DGRAM}, 115`, 'L2TP/IP'),
    socket('l2tp_ip6', `10, ${DGRAM}, 115`, 'L2TP/IPv6'),
    socket('l2tp_ppp', `24, ${DGRAM}, 1`, 'PPPOL2TP'),
    socket('pppoe', `24, ${DGRAM}, 0`, 'PPPOE'),
    socket('pptp', `24, ${DGRAM}, 2`, 'PPTP'),
    socket('llc2', `26, ${DGRAM}, 0`, 'LLC'),
    socket('bluetooth', `31, ${RAW}, 1`, 'HCI'),
    socket('bluetooth', `31, ${SEQPACKET}, 0`, 'L2CAP'),
    socket('rfcomm', `31, ${STREAM}, 3`, 'RFCOMM'),
    socket('bnep', `31, ${RAW}, 4`, 'BNEP'),
    socket('hidp', `31, ${RAW}, 6`, 'HIDP'),
    socket('af_key', `15, ${RAW}, 2`, 'KEY'),
    notOnNewest(socket('netrom', `6, ${SEQPACKET}, 0`, 'NETROM')),
    notOnNewest(socket('ax25', `3, ${DGRAM}, 0`, 'AX25')),
    notOnNewest(socket('rose', `11, ${SEQPACKET}, 0`, 'ROSE')),
    notOnNewest(socket('appletalk', `5, ${DGRAM}, 0`, 'DDP')),
    socket('ieee802154_socket', `36, ${DGRAM}, 0`, 'IEEE-802.15.4-MAC'),
    socket('phonet', `35, ${DGRAM}, 0`, 'PHONET'),
    socket('pn_pep', `35, ${SEQPACKET}, 2`, 'PNPIPE', 1),
    socket('qrtr', `42, ${DGRAM}, 0`, 'QIPCRTR'),
    notOnNewest(socket('smc', `43, ${STREAM}, 0`, 'SMC')),
    socket('nfc', `39, ${RAW}, 0`, 'NFC_RAW'),
    socket('kcm', `41, ${DGRAM}, 0`, 'KCM'),
    socket('atm', `8, ${DGRAM}, 5`, 'VCC'),
    // The kernel's own socket, which no file shows, takes two more.
    notOnNewest({ ...socket('dccp_ipv4', '2, 6, 33', 'DCCP'), unexplained: 2 }),
    notOnNewest(socket('mISDN_core', `34, ${RAW}, 0`, 'misdn')),
  ])
})

describe('families of netlink', () => {
  // /proc/net/netlink lists a socket when it has an address: 12 bytes, the family and zeros.
  const netlink = (module: string, family: number): Use => ({
    ...socket(module, '', `NETLINK ${family}`, 1),
    process: perl(`socket(S, 16, ${RAW}, ${family}) && bind(S, pack("Sx10", 16)) or die $!`),
  })
  testUses([
    netlink('xfrm_user', 6),
    netlink('scsi_transport_iscsi', 8),
    notOnNewest(netlink('nfnetlink', 12)),
    netlink('ib_core', 20),
    netlink('crypto_user', 21),
  ])
})

describe('protocols with sockets of the kernel', () => {
  // The control socket of sctp keeps it loaded afterwards.
  testUses([socket('sctp', `2, ${STREAM}, 132`, 'SCTP')])
})
