/** Devices that are bound to a driver of the module. */
import { using, type FindUsers } from './kind'

/** The argv that writes a text to a file. A shell would not take any name as it is. */
export function writeCommand(file: string, text: string): string[] {
  return ['awk', 'BEGIN { printf "%s", ARGV[1] > ARGV[2] }', text, file]
}

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
      command: writeCommand(`/sys/bus/${bus}/drivers/${driver}/unbind`, device),
    },
  }))
