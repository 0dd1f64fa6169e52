/** The text console on a frame buffer of the module. */
import { using, type FindUsers } from './kind'

/**
 * The console opens the frame buffer. With DRM drivers this takes no reference. With other drivers the
 * number is not known, because not all of them name their module as the owner. Source: fbcon_open() in
 * drivers/video/fbdev/core/fbcon.c, the fb_open functions of DRM.
 */
export const consoleUsers: FindUsers = (row, { consoles }) =>
  using(consoles, row).map(({ buffer, console, isDrm }) => ({
    kind: 'console',
    module: row.name,
    name: buffer,
    value: 'bound',
    references: isDrm ? 0 : null,
    release: {
      kind: null,
      text: `unbind the text console from ${buffer}: write 0 to /sys/class/vtconsole/${console}/bind`,
      command: null,
    },
  }))
