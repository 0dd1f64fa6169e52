/** Devices that are bound to a driver of the module. */
import { using, type FindUsers } from './kind'

/**
 * A bound device takes no reference: the device is unbound when the driver is removed. Source:
 * driver_detach() in drivers/base/dd.c.
 */
export const deviceUsers: FindUsers = (row, { boundDevices }) =>
  using(boundDevices, row).map(({ bus, device, driver }) => ({
    kind: 'device',
    module: row.name,
    bus,
    device,
    driver,
    references: 0,
    release: {
      kind: 'device',
      text: `unbind ${device} from driver ${driver}: write ${device} to /sys/bus/${bus}/drivers/${driver}/unbind`,
      command: null,
    },
  }))
