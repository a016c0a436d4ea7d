/** The attack of CVE-2019-19921 and of its returns: /proc or /sys of an image is a link. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { container } from './container.js'
import { canary } from './hostile.js'
import { nothing } from './leaks.js'
import type { Runtime } from './runtime.js'

/** Links in the place of `name` (proc, sys): what each leads to, by what it is. */
const targets = (host: string): Readonly<Record<string, string>> => ({
  'a directory of the image': 'bad-proc',
  'an absolute one': '/bad-proc',
  'a directory of the host': host,
  nothing: 'not-there',
  itself: 'LOOP',
  'through another link': 'second/bad-proc',
  'with a slash at its end': 'bad-proc/',
})

/** With each of them `create` is refused, nothing is left, and nothing on the host has changed. */
export const refusesLinkedProcfs = (t: Test, rt: Runtime, name: 'proc' | 'sys'): void => {
  const host = canary(t)
  for (const [what, target] of Object.entries(targets(host.up))) {
    const c = container(t, rt)
    mkdirSync(join(c.rootfs, 'bad-proc', 'self', 'attr'), { recursive: true })
    writeFileSync(join(c.rootfs, 'bad-proc', 'self', 'attr', 'exec'), '')
    symlinkSync('.', join(c.rootfs, 'second'))
    rmSync(join(c.rootfs, name), { recursive: true })
    symlinkSync(target.replace('LOOP', name), join(c.rootfs, name))
    const before = host.snapshot()
    const { status, stderr } = c.create()
    t.equal(status, 1, `/${name} is a link to ${what}`)
    t.match(stderr, new RegExp(`must be mounted on ordinary directory|/${name}`), what)
    t.equal(host.snapshot(), before)
    t.same(c.leaks(), nothing)
  }
}
