/** The kernels that the tests boot, with the misbehaving test modules where these can be built. */
import { join } from 'node:path'
import { withExtraModules } from '../../tools/vm/extra-modules'
import { prepareKernel, type GuestKernel, type KernelName } from '../../tools/vm/kernels'

const TEST_MODULES = join(__dirname, 'modules')

/** Downloads the kernel and builds the test modules, as far as the cache does not have them yet. */
export function prepareTestKernel(name: KernelName): GuestKernel {
  const kernel = prepareKernel(name)
  return kernel.headers === null ? kernel : withExtraModules(kernel, TEST_MODULES)
}
