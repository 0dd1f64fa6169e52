/** Modules that carry a disk and show in no driver link: of hosts that are no hardware. */
import { normalize } from '../../contract/names'
import type { Sysfs } from './sysfs'

export async function diskTransport(folder: string, sysfs: Sysfs): Promise<string[]> {
  const found = await Promise.all([ofScsiHost(folder, sysfs), ofFabric(folder, sysfs)])
  return found.filter((module) => module !== null)
}

/**
 * iSCSI and the like. `proc_name` is the host driver's name, for most that of its module; taken where
 * there is such a module. Source: show_proc_name() in drivers/scsi/scsi_sysfs.c.
 */
async function ofScsiHost(folder: string, sysfs: Sysfs): Promise<string | null> {
  const host = /\/(host\d+)\/(?:session|target|rport|port|end_device)/.exec(folder)?.[1]
  if (host === undefined) return null
  const name = await sysfs.text(`/sys/class/scsi_host/${host}/proc_name`)
  if (name === null || !/^[\w-]+$/.test(name)) return null
  const module = normalize(name)
  return (await sysfs.text(`/sys/module/${module}/initstate`)) === null ? null : module
}

/** NVMe over a network. Source: nvmf_transport_ops in drivers/nvme/host. */
async function ofFabric(folder: string, sysfs: Sysfs): Promise<string | null> {
  const controller = /^.*\/nvme-fabrics\/ctl\/nvme\d+(?=\/|$)/.exec(folder)?.[0]
  if (controller === undefined) return null
  const transport = await sysfs.text(`${controller}/transport`)
  return transport !== null && /^\w+$/.test(transport) ? `nvme_${transport}` : null
}
