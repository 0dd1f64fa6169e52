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
    'lvm2',
    'mdadm',
    'mount',
    'mtd-utils',
    'nbd-client',
    'nftables',
    'procps',
    'python3',
    'qemu-system-x86',
    'qemu-utils',
    'systemd',
    'tmux',
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
  /** Tests read the completion scripts in these shells. */
  shells: ['fish', 'zsh'],
  /** Shows the page of toHtml() and the documentation in tests. */
  browser: ['chromium'],
  /**
   * The Ansible collection and its tests. dropbear-bin is an ssh server for the guests: openssh-server would
   * start one on this system too.
   */
  fleet: ['ansible-core', 'dropbear-bin', 'openssh-client', 'python3-voluptuous'],
  /** The binaries that the package brings. */
  prebuild: ['clang', 'lld', 'llvm'],
  /** What the benchmarks compare with. */
  bench: ['lsof'],
  /** Format and lint of the C++ sources. */
  lint: ['clang-format', 'clang-tidy'],
}
