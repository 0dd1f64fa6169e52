/** The kernels that the tests boot, with the misbehaving test modules where these can be built. */
import { join } from 'node:path'
import type { KernelName, VmOptions } from '../../lib/vm'

const TEST_MODULES = join(__dirname, 'modules')

/** The headers of the newest kernel need a newer Debian than the host may be. */
export function testKernel(kernel: KernelName): Pick<VmOptions, 'kernel' | 'modules'> {
  return kernel === 'newest' ? { kernel } : { kernel, modules: TEST_MODULES }
}
