/** Processor architectures, and what each is called. */
export interface Architecture {
  /** In Node.js: process.arch. */
  node: string
  /** In Debian. */
  debian: string
  /** In the names of compilers and of folders of libraries. */
  target: string
  /** In the names of QEMU. */
  qemu: string
  /** The device of the first serial port, for the kernel command line. */
  console: string
}

export const X64: Architecture = {
  node: 'x64',
  debian: 'amd64',
  target: 'x86_64-linux-gnu',
  qemu: 'x86_64',
  console: 'ttyS0',
}

export const ARM64: Architecture = {
  node: 'arm64',
  debian: 'arm64',
  target: 'aarch64-linux-gnu',
  qemu: 'aarch64',
  console: 'ttyAMA0',
}
