/** The config that `tsrun spec` writes: `sh` on a terminal, as little privilege as a shell needs. */
import { SPEC_VERSION } from './statedoc.js'
import type { Mount, Spec } from './types.gen.js'

/** Who the template is for. */
export interface TemplateOptions {
  /** Present: a user namespace whose root is this user, and nothing that only real root can do. */
  readonly rootless?: { readonly uid: number; readonly gid: number }
}

const capabilities = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']

export function template({ rootless }: TemplateOptions = {}): Spec {
  return {
    ociVersion: SPEC_VERSION,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'tsrun',
    mounts: mounts(rootless !== undefined),
    linux: {
      ...(rootless === undefined
        ? { resources: { devices: [{ allow: false, access: 'rwm' }] } }
        : {
            uidMappings: [{ containerID: 0, hostID: rootless.uid, size: 1 }],
            gidMappings: [{ containerID: 0, hostID: rootless.gid, size: 1 }],
          }),
      namespaces: [
        { type: 'pid' },
        // An ordinary user could do nothing with an empty network.
        ...(rootless === undefined ? [{ type: 'network' as const }] : []),
        { type: 'ipc' },
        { type: 'uts' },
        { type: 'mount' },
        { type: 'cgroup' },
        ...(rootless === undefined ? [] : [{ type: 'user' as const }]),
      ],
      maskedPaths: [
        '/proc/acpi',
        '/proc/asound',
        '/proc/interrupts',
        '/proc/kcore',
        '/proc/keys',
        '/proc/latency_stats',
        '/proc/timer_list',
        '/proc/timer_stats',
        '/proc/sched_debug',
        '/proc/scsi',
        '/sys/firmware',
        '/sys/devices/virtual/powercap',
      ],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  }
}

function mounts(rootless: boolean): Mount[] {
  const safe = ['nosuid', 'noexec', 'nodev']
  // Group 5 (tty) is not mapped for an ordinary user.
  const terminals = ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620']
  return [
    { destination: '/proc', type: 'proc', source: 'proc' },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: rootless ? terminals : [...terminals, 'gid=5'],
    },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: [...safe, 'mode=1777', 'size=65536k'],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: safe },
    // sysfs shows the devices of a network namespace and can be mounted only by its owner.
    rootless
      ? { destination: '/sys', type: 'none', source: '/sys', options: ['rbind', ...safe, 'ro'] }
      : { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...safe, 'ro'] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...safe, 'relatime', 'ro'] },
  ]
}
