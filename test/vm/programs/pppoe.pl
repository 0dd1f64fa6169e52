# Opens a PPPoE session on a network interface, with a PPP interface over it, and keeps both until it is
# killed. No peer is needed: the kernel takes the numbers of the session from connect(2).
use strict;
use warnings;

my ($device) = @ARGV;
my ($AF_PPPOX, $SOCK_STREAM, $PX_PROTO_OE) = (24, 1, 0);
my ($PPPIOCGCHAN, $PPPIOCATTCHAN, $PPPIOCNEWUNIT, $PPPIOCCONNECT) =
  (0x80047437, 0x40047438, 0xc004743e, 0x4004743a);

# struct sockaddr_pppox in include/uapi/linux/if_pppox.h: family, protocol, session, peer, interface.
my $address = pack('S L n a6 a16', $AF_PPPOX, $PX_PROTO_OE, 17, "\x02\0\0\0\0\x07", $device);
socket(my $session, $AF_PPPOX, $SOCK_STREAM, $PX_PROTO_OE) or die "socket: $!";
connect($session, $address) or die "connect: $!";
my $number = pack('i', 0);
ioctl($session, $PPPIOCGCHAN, $number) or die "PPPIOCGCHAN: $!";
open(my $channel, '+<', '/dev/ppp') or die "open: $!";
ioctl($channel, $PPPIOCATTCHAN, $number) or die "PPPIOCATTCHAN: $!";
open(my $unit, '+<', '/dev/ppp') or die "open: $!";
my $name = pack('i', -1);
ioctl($unit, $PPPIOCNEWUNIT, $name) or die "PPPIOCNEWUNIT: $!";
ioctl($channel, $PPPIOCCONNECT, $name) or die "PPPIOCCONNECT: $!";
$| = 1;
print 'ppp', unpack('i', $name), "\n";
sleep;
