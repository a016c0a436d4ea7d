/** Network devices of the host that can be given to containers, as `ip` makes and shows them. */
import { spawnSync } from 'node:child_process'
import type { Test } from 'tap'
import type { Container } from './container.js'

export const ip = (...args: readonly string[]) => spawnSync('ip', args, { encoding: 'utf8' })
let counter = 0

/**
 * One end of a new cable; the other is NAMEp, and up. Its mtu is 1400. It has an address of each family, one of its link alone, and one
 * that goes away by itself, which no container is to get.
 *
 * @param up whether it is up, too
 */
export const device = (t: Test, up: boolean): string => {
  const name = `tst${process.pid % 100000}x${counter++}`
  const made = ip('link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}p`)
  if (made.status !== 0) throw new Error(made.stderr)
  t.teardown(() => void ip('link', 'del', `${name}p`))
  ip('link', 'set', `${name}p`, 'up')
  ip('link', 'set', name, 'mtu', '1400', up ? 'up' : 'down')
  ip('addr', 'add', '10.77.0.5/24', 'brd', '+', 'dev', name)
  ip('addr', 'add', '169.254.3.4/16', 'scope', 'link', 'dev', name)
  ip('-6', 'addr', 'add', 'fd77::5/64', 'nodad', 'dev', name)
  ip('addr', 'add', '10.78.0.5/24', 'valid_lft', '1000', 'preferred_lft', '500', 'dev', name)
  return name
}

/** A device as `ip -json` shows it. */
export interface Device {
  readonly ifname: string
  readonly mtu: number
  readonly flags: readonly string[]
  readonly addr_info: readonly {
    readonly local: string
    readonly scope: string
    readonly prefixlen: number
  }[]
}

/** `ip` in the network namespace of a container. */
export const ipIn = (c: Container, ...args: readonly string[]) =>
  spawnSync('nsenter', ['-t', String(c.state().pid), '-n', 'ip', ...args], { encoding: 'utf8' })

/** The devices in the network namespace of a container. */
export const devicesIn = (c: Container): Device[] => JSON.parse(ipIn(c, '-json', 'addr').stdout) as Device[]
