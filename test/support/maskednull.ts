/** The attack of CVE-2025-31133: /dev/null of an image is something else, and masks are made of it. */
import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { advisories, type Mended } from './advisories.js'
import { mounts } from './config.js'
import { container } from './container.js'
import { canary, hardLinkTo, linkTo, strangers, verdict } from './hostile.js'
import { script } from './payload.js'
import type { Runtime } from './runtime.js'

const onlyProc = mounts.filter(({ destination }) => destination === '/proc')

/**
 * No /dev is mounted, so that of the image counts. A container that is made has no file of the host among its mounts
 * (the masks), and none of them can be written.
 */
export const masksWithNullOf = (
  t: Test,
  rt: Runtime,
  mended: Mended,
  what: 'link' | 'hard link' | 'link to procfs',
): void => {
  const host = canary(t)
  const c = container(t, rt, {
    mounts: onlyProc,
    process: { args: script(['wait']) },
    linux: { maskedPaths: ['/proc/keys', '/proc/timer_list', '/etc/masked', '/proc/kcore'] },
  })
  if (what === 'link') linkTo(c, 'dev/null', `${host.up}/null`)
  else if (what === 'link to procfs') linkTo(c, 'dev/null', '/proc/sys/kernel/core_pattern')
  else hardLinkTo(c, 'dev/null', `${host.path}/null`)
  const before = host.snapshot()
  const created = c.create()
  const wrong = created.status === 0 ? strangers(c, c.state().pid) : []
  const exposed = wrong.length > 0 || (created.status === 0 && masksAreWrong(c.state().pid))
  verdict(t, rt, mended, exposed, `/dev/null is a ${what}: ${created.stderr}`)
  // crun gives it another owner: CVE-2026-88265.
  if (!exposed)
    verdict(
      t,
      rt,
      what === 'hard link' ? advisories['CVE-2026-88265'].mended : {},
      host.snapshot() !== before,
      'the host',
    )
  c.del('--force')
}

/** A mask shows /null of devtmpfs or nothing; never what a file of procfs holds. */
const masksAreWrong = (pid: number): boolean =>
  readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .split('\n')
    .some(line => / \/sys\/kernel\/core_pattern \/proc\/(keys|kcore)/.test(line))
