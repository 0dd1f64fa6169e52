# A FUSE file system whose server stops to answer: fuse.pl FOLDER USER
# Mounts it as fusermount does for a user, holds the file FOLDER/held open, and prints the numbers of the
# process that holds the file and of the server.
use strict;
use warnings;
use POSIX ();

my ($folder, $user) = @ARGV;
my ($LOOKUP, $OPEN, $INIT, $SYS_mount) = (1, 14, 26, 165);
sysopen(my $device, '/dev/fuse', POSIX::O_RDWR) or die $!;
my $options = sprintf('fd=%d,rootmode=40000,user_id=%d,group_id=%d,allow_other', fileno($device), $user, $user);
my @strings = map { "$_\0" } ('kmodtest', $folder, 'fuse', $options);
syscall($SYS_mount, @strings[0 .. 2], 0, $strings[3]) == 0 or die "mount: $!";

# A reply of the server: its length, no error, the number of the request, and what the request asks for.
sub answer {
  my ($unique, $payload) = @_;
  syswrite($device, pack('LlQ', 16 + length $payload, 0, $unique) . $payload) or die $!;
}

# struct fuse_attr in include/uapi/linux/fuse.h, of an empty file that everybody may read.
my $attributes = pack('Q6L10', 2, 0, 0, 0, 0, 0, 0, 0, 0, 0100444, 1, 0, 0, 0, 512, 0);
my %answers = (
  $INIT => pack('L4S2L2S2L8', 7, 31, 0, 0, 1, 1, 4096, 1, 0, 0, (0) x 8),
  $LOOKUP => pack('Q4L2', 2, 0, 0, 0, 0, 0) . $attributes,
  $OPEN => pack('QLL', 1, 0, 0),
);

my $server = fork // die $!;
if ($server == 0) {
  POSIX::setuid($user);
  # Whoever reads the standard output must not wait for this process.
  close STDOUT;
  while (sysread($device, my $request, 65536)) {
    my (undef, $operation, $unique) = unpack('LLQ', $request);
    answer($unique, $answers{$operation}) if exists $answers{$operation};
    last if $operation == $OPEN;
  }
  sleep 1000;
  exit;
}
close $device;
POSIX::setuid($user);
# open() of Perl also asks for the size of the file.
defined POSIX::open("$folder/held", POSIX::O_RDONLY) or die "open: $!";
$| = 1;
print "$$ $server\n";
sleep 1000;
