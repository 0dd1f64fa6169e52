'use strict'
/**
 * The system packages that development takes, by what takes them, under Debian's names. Node.js,
 * npm, python3, make and g++ are taken for granted.
 */
module.exports = {
  /** A virtual machine with a Debian kernel, and the tools that are its oracles. */
  vm: [
    'busybox-static',
    'cpio',
    'dmsetup',
    'e2fsprogs',
    'iproute2',
    'kmod',
    'libcap2-bin',
    'mount',
    'nftables',
    'qemu-system-x86',
    'xz-utils',
    'zstd',
  ],
  /** The kernel's own build, for the modules with bad manners. */
  modules: ['gcc', 'libelf1'],
  /** C++ unit tests, sanitizers and fuzzers. libkmod-dev: a test compares its header with ours. */
  native: ['clang', 'cmake', 'doctest-dev', 'libclang-rt-dev', 'libkmod-dev', 'pkg-config'],
  /** What is measured beside us. */
  bench: ['lsof'],
  /** Format and lint of C++. */
  lint: ['clang-format', 'clang-tidy'],
}
