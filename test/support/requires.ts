/** What a test needs of the machine, in words: `{ skip: requires('root', 'cgroup1') }`. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'

const has = (command: string): boolean => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8').trim() : '')
const root = (): boolean => process.getuid?.() === 0

const capSysResource = 24
const effectiveCapabilities = (): bigint =>
  BigInt(`0x${/CapEff:\s*(\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`)

/** Each need: whether this machine has it, and what to say when it has not. */
const built = new URL('../../build/tsrun', import.meta.url)
const payload = new URL('../../build/test/payload', import.meta.url)

const needs = {
  root: [root, 'needs root'],
  cgroup1: [() => existsSync('/sys/fs/cgroup/memory/cgroup.procs'), 'needs controllers on cgroup v1'],
  cgroup2: [() => existsSync('/sys/fs/cgroup/cgroup.controllers'), 'needs a unified cgroup v2 host'],
  cgroups: [
    () =>
      existsSync('/sys/fs/cgroup/memory/cgroup.procs') ||
      (existsSync('/sys/fs/cgroup/cgroup.controllers') && existsSync('/run/systemd/private')),
    'needs controllers on cgroup v1, or cgroup v2 and systemd',
  ],
  rdma: [
    () => existsSync('/sys/class/infiniband') && readdirSync('/sys/class/infiniband').length > 0,
    'needs a device of RDMA, and the cgroup controller for it',
  ],
  systemd: [
    () => existsSync('/run/systemd/private') && existsSync('/run/dbus/system_bus_socket'),
    'needs systemd as pid 1, with a bus',
  ],
  user: [
    () =>
      process.getuid?.() !== 0 &&
      existsSync('/sys/fs/cgroup/cgroup.controllers') &&
      existsSync(`${process.env.XDG_RUNTIME_DIR}/bus`),
    'needs an ordinary user with delegated cgroups (v2) and a systemd of their own',
  ],
  apparmor: [
    () => read('/sys/module/apparmor/parameters/enabled') === 'Y' && has('apparmor_parser'),
    'needs a kernel with AppArmor on: make check-vm',
  ],
  selinux: [
    () => /^[01]/.test(read('/sys/fs/selinux/enforce')),
    'needs a kernel with SELinux on, and a policy',
  ],
  userns: [
    () => existsSync('/proc/self/ns/user') && spawnSync('unshare', ['-U', 'true']).status === 0,
    'needs user namespaces',
  ],
  uidmap: [() => has('newuidmap') && has('newgidmap'), 'needs newuidmap: apt-get install uidmap'],
  resource: [
    () => ((effectiveCapabilities() >> BigInt(capSysResource)) & 1n) === 1n,
    'needs CAP_SYS_RESOURCE (raising limits)',
  ],
  static: [() => existsSync(built) && has('make'), 'needs make, and the static form: make static'],
  runc: [() => has('runc'), 'needs runc: apt-get install runc'],
  podman: [() => has('podman'), 'needs podman: tools/deps.sh clients'],
  buildah: [() => has('buildah'), 'needs buildah: tools/deps.sh clients'],
  containerd: [() => has('containerd') && has('ctr'), 'needs containerd: tools/deps.sh clients'],
  docker: [() => has('dockerd') && has('docker'), 'needs docker: tools/deps.sh clients'],
  crictl: [() => has('crictl'), 'needs crictl: tools/goclients.sh, which needs go'],
  critest: [() => has('critest'), 'needs critest: tools/goclients.sh, which needs go'],
  crio: [
    () => has('crio') && has('pinns'),
    'needs crio and its pinns, of which neither Debian nor the Go proxy has one',
  ],
  nerdctl: [() => has('nerdctl'), 'needs nerdctl: tools/goclients.sh, which needs go'],
  cni: [() => existsSync('/usr/lib/cni/bridge'), 'needs CNI plugins: tools/deps.sh clients'],
  strace: [() => has('strace'), 'needs strace: apt-get install strace'],
  ip: [() => has('ip'), 'needs ip: apt-get install iproute2'],
  busybox: [() => existsSync('/bin/busybox'), 'needs busybox: apt-get install busybox-static'],
  // A payload that was built elsewhere (a tree shared with a virtual machine) is as good.
  cc: [
    () => existsSync(payload) || has('musl-gcc') || has('gcc'),
    'needs a C compiler: apt-get install musl-tools gcc',
  ],
  ia32: [() => process.arch === 'x64', 'needs an x86-64 kernel with 32-bit system calls'],
  schemas: [
    () => existsSync('/usr/share/gocode/src/github.com/opencontainers/runtime-spec/schema'),
    'needs the official schemas: apt-get install golang-github-opencontainers-specs-dev',
  ],
} as const satisfies Record<string, readonly [() => boolean, string]>

export type Need = keyof typeof needs

const known = new Map<Need, boolean>()

/**
 * False when the machine has all that is named, otherwise the reason to skip.
 * A need that the environment's TSRUN_MUST (a list with commas) names is not skipped: it throws.
 */
export const requires = (...names: readonly Need[]): false | string => {
  const must = (process.env.TSRUN_MUST ?? '').split(',')
  for (const name of names) {
    const [check, reason] = needs[name]
    const met = known.get(name) ?? check()
    known.set(name, met)
    if (met) continue
    if (must.includes(name)) throw new Error(`TSRUN_MUST names ${name}, but this machine ${reason}`)
    return reason
  }
  return false
}
