import type { Explainer } from './explainer'

/**
 * The swap areas. Each keeps its block device open, which is one reference of the module that provides
 * the device (two in older kernels, which open it once more); what lies below has its own way of being
 * held. A swap file's file system is held by its mount already. Source: claim_swapfile() in mm/swapfile.c.
 */
export const swapUsers: Explainer = ({ name }, { swaps }) =>
  swaps
    .filter(({ below }) => below.includes(name))
    .map(({ path, below }) => ({
      kind: 'swap',
      module: name,
      path,
      references: path.startsWith('/dev/') ? (below[0] === name ? 1 : null) : 0,
      release: { text: `turn swapping to ${path} off`, command: ['swapoff', path] },
    }))
