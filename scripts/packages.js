'use strict'
/**
 * The Debian packages that development needs, grouped by purpose. Node.js, npm, python3, make and g++
 * must be installed already.
 */
module.exports = {
  /** The virtual machine, and the programs that its tests compare with or run. */
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
    'mdadm',
    'mount',
    'mtd-utils',
    'nbd-client',
    'nftables',
    'procps',
    'python3',
    'qemu-system-x86',
    'qemu-utils',
    'wireguard-tools',
    'xz-utils',
    'zstd',
  ],
  /** The virtual machine with another processor. */
  arm64: ['qemu-system-arm'],
  /** The build system of the kernel, for the misbehaving test modules. */
  modules: ['gcc', 'libelf1'],
  /** C++ unit tests, sanitizers and fuzzers. libkmod-dev: a test compares its header with ours. */
  native: ['clang', 'cmake', 'doctest-dev', 'libclang-rt-dev', 'libkmod-dev', 'pkg-config'],
  /** The binaries that the package brings. */
  prebuild: ['clang', 'lld', 'llvm'],
  /** What the benchmarks compare with. */
  bench: ['lsof'],
  /** Format and lint of the C++ sources. */
  lint: ['clang-format', 'clang-tidy'],
}
