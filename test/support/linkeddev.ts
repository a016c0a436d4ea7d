/** The attack of CVE-2026-41579: /dev of the image is a link, and nothing is mounted over it. */
import type { Test } from 'tap'
import type { Mended } from './advisories.js'
import { mounts } from './config.js'
import { container } from './container.js'
import { canary, linkTo, runOnTerminal, verdict } from './hostile.js'
import type { Runtime } from './runtime.js'

/** Where the link leads, from the canary's path. */
const targets = (up: string, absolute: string): Readonly<Record<string, string>> => ({
  'up and out': up,
  'an absolute path': absolute,
  'up, into a directory that is not there': `${up}/new/dev`,
})

/** Devices, links and terminals go nowhere but into the rootfs. */
export const devOfImageIsLink = async (
  t: Test,
  rt: Runtime,
  mended: Mended,
  terminal: boolean,
): Promise<void> => {
  for (const withDevpts of [false, true]) {
    const host = canary(t)
    for (const [what, target] of Object.entries(targets(host.up, host.path))) {
      const list = mounts.filter(
        ({ destination }) => destination === '/proc' || (withDevpts && destination === '/dev/pts'),
      )
      const c = container(t, rt, { mounts: list, process: { terminal } })
      linkTo(c, 'dev', target)
      const before = host.snapshot()
      if (terminal) await runOnTerminal(c)
      else c.run()
      verdict(
        t,
        rt,
        what.endsWith('not there') ? {} : withDevpts ? { ...mended, crun: '0' } : mended,
        host.snapshot() !== before,
        `/dev leads ${what}${withDevpts ? ', with devpts' : ''}`,
      )
    }
  }
}
