import type { Explainer } from './explainer'

/**
 * The devices that the module's drivers are bound to. None takes a reference: to remove a driver
 * unbinds it. Source: driver_detach() in drivers/base/dd.c.
 */
export const deviceUsers: Explainer = ({ name }, { devices }) =>
  devices
    .filter(({ module }) => module === name)
    .map(({ bus, device, driver }) => ({
      kind: 'device',
      module: name,
      bus,
      device,
      driver,
      references: 0,
      release: {
        text: `unbind ${device} from driver ${driver}: write its name to /sys/bus/${bus}/drivers/${driver}/unbind`,
        command: null,
      },
    }))
