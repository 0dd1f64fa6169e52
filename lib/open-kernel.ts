/**
 * Makes the kernel object for the options of a Kmod. Only this file imports both lib/live and
 * lib/captured.
 */
import { readdirSync } from 'node:fs'
import type { CapturedPlaces } from './captured/captured-index'
import { CapturedKernel } from './captured/captured-kernel'
import { RootView } from './captured/root-view'
import { invalidValue } from './contract/errors'
import {
  checkOptions,
  DEFAULT_TIMEOUT,
  folderName,
  listOf,
  path,
  timeLimit,
} from './contract/options'
import type { KmodOptions } from './contract/types'
import type { Kernel } from './kernel/kernel'
import { Helpers } from './live/helper/helpers'
import { LiveHost } from './live/host'
import { LiveKernel } from './live/live-kernel'

/**
 * Throws a TypeError for a wrong option, and if `root` has several kernel releases and none is given.
 */
export function openKernel(options?: KmodOptions): Kernel {
  const checked = checkOptions<KmodOptions>(options, {
    root: path,
    kernelRelease: folderName,
    moduleDirectory: path,
    configPaths: listOf(path),
    timeout: timeLimit,
  })
  const { timeout = DEFAULT_TIMEOUT } = checked
  const view = new RootView(checked.root ?? '/')
  if (view.root === '/') return LiveKernel.open(checked, timeout)
  const host = new LiveHost(new Helpers(timeout))
  return new CapturedKernel(view, findPlaces(view, checked), host)
}

function findPlaces(view: RootView, options: KmodOptions): CapturedPlaces {
  const { moduleDirectory, configPaths } = options
  const releases = options.kernelRelease === undefined ? readReleases(view) : []
  if (releases.length > 1 && moduleDirectory === undefined) {
    throw invalidValue(
      'options.kernelRelease',
      `given, because ${view.show('/lib/modules')} has several releases (${releases.join(', ')})`,
      undefined,
    )
  }
  const release = options.kernelRelease ?? (releases.length === 1 ? releases[0]! : '')
  return {
    release,
    moduleDirectory:
      moduleDirectory === undefined ? `/lib/modules/${release}` : view.inside(moduleDirectory),
    configPaths: configPaths?.map((one) => view.inside(one)) ?? null,
  }
}

function readReleases(view: RootView): string[] {
  try {
    const entries = readdirSync(view.resolveSync('/lib/modules'), { withFileTypes: true })
    return entries.filter((entry) => !entry.isFile()).map((entry) => entry.name)
  } catch {
    return []
  }
}
