'use strict'
/**
 * The system packages that development takes, by what takes them, under Debian's names. Node.js,
 * npm, python3, make and g++ are taken for granted.
 */
module.exports = {
  /** A virtual machine with a Debian kernel, and the tools that are its oracles. */
  vm: [
    'arptables',
    'busybox-static',
    'cpio',
    'dmsetup',
    'e2fsprogs',
    'ebtables',
    'iproute2',
    'ipset',
    'iptables',
    'ipvsadm',
    'kmod',
    'libcap2-bin',
    'mount',
    'nftables',
    'qemu-system-x86',
    'wireguard-tools',
    'xz-utils',
    'zstd',
  ],
  /** The kernel's own build, for the modules with bad manners. */
  modules: ['gcc', 'libelf1'],
  /** C++ unit tests, sanitizers and fuzzers. */
  native: ['clang', 'cmake', 'doctest-dev', 'libclang-rt-dev', 'pkg-config'],
  /** What is measured beside us. */
  bench: ['lsof'],
  /** Format and lint of C++. */
  lint: ['clang-format', 'clang-tidy'],
}
