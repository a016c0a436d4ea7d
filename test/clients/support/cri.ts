/** containerd's CRI plugin, as Kubernetes uses it, and its clients crictl and critest. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../../support/payload.js'
import { type Box, openBox } from './box.js'
import type { Engine } from './check.js'
import { faultyRuntime } from './faults.js'
import { type Image, imageLayout } from './image.js'
import { readmeBlock, readmeWords } from './readme.js'
import { managed } from './systemd.js'

/** An option of each runtime. */
const driver = managed ? readmeWords('SystemdCgroup') : ''

/** Restricted: a root without CAP_SYS_RESOURCE cannot lower what the kernel would kill last. */
const config = (box: Box): string => `
version = 2
root = "${box.dir}/root"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:3.9"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${box.dir}/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "${box.dir}/certs.d"
${readmeBlock('BinaryName', box.runtime)}${driver}
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.faulty]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.faulty.options]
  BinaryName = "${faultyRuntime(box)}"
  ${driver}
`

const network = {
  cniVersion: '0.4.0',
  name: 'box',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipMasq: true,
      hairpinMode: true,
      ipam: { type: 'host-local', ranges: [[{ subnet: '10.214.0.0/16' }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
    { type: 'loopback' },
  ],
}

/** Each registry that is asked is the one of the box. */
const mirror = `
[host."http://127.0.0.1:5000"]
  capabilities = ["pull", "resolve"]
`

const tools = 'gcr.io/k8s-staging-cri-tools'
const server = { Entrypoint: ['/bin/nginx', 'nginx: master process'] }
const groups = 'root:x:0:\nuser:x:1000:\ngroup-defined-in-image:x:50000:user\n'

/** What critest pulls, under the names that it knows. */
const images: readonly Image[] = [
  { names: ['registry.k8s.io/pause:3.9'], config: { Entrypoint: ['/bin/payload', 'sleep', '1000000'] } },
  {
    names: ['docker.io/library/box:latest', 'registry.k8s.io/e2e-test-images/busybox:1.29-2'],
    config: { Cmd: ['sh'] },
  },
  { names: ['registry.k8s.io/e2e-test-images/nginx:1.14-2'], config: server },
  {
    names: ['registry.k8s.io/e2e-test-images/httpd:2.4.39-4'],
    config: { Entrypoint: ['/bin/nginx', 'httpd -D FOREGROUND'] },
  },
  {
    names: ['registry.k8s.io/e2e-test-images/nonewprivs:1.3'],
    config: { Entrypoint: ['/bin/setuid-payload', 'euid'] },
  },
  { names: [`${tools}/hostnet-nginx-amd64:latest`], config: { ...server, Env: ['PATH=/bin', 'PORT=12003'] } },
  { names: [`${tools}/test-image-user-uid:latest`], config: { User: '1002' } },
  { names: [`${tools}/test-image-user-username:latest`], config: { User: 'www-data' } },
  { names: [`${tools}/test-image-user-uid-group:latest`], config: { User: '1003:users' } },
  { names: [`${tools}/test-image-user-username-group:latest`], config: { User: 'www-data:www-data' } },
  {
    names: [`${tools}/test-image-predefined-group:latest`],
    config: { User: '1000' },
    files: { 'etc/group': groups },
  },
  { names: [`${tools}/test-image-latest:latest`], config: { Labels: { of: 'latest' } } },
  {
    names: [`${tools}/test-image-tag:test`, `${tools}/test-image-tag:all`],
    config: { Labels: { of: 'tag' } },
  },
  ...[1, 2, 3].map(n => ({ names: [`${tools}/test-image-${n}:latest`], config: { Labels: { of: `${n}` } } })),
  { names: [1, 2, 3].map(n => `${tools}/test-image-tags:${n}`), config: { Labels: { of: 'tags' } } },
]

/** Pods of critest name no parent of their cgroups, so they land below that of containerd. */
const inCgroup = managed
  ? ''
  : `for d in /sys/fs/cgroup/*/; do
  [ -e $d/cgroup.procs ] || continue
  mkdir -p $d/$TAG
  for f in cpuset.cpus cpuset.mems; do [ ! -e $d/$f ] || cat $d/$f > $d/$TAG/$f; done
  echo $$ > $d/$TAG/cgroup.procs
done`

/** CRI-O's words for the registry of the box, and for itself. */
const registriesConf = ['docker.io', 'registry.k8s.io', 'gcr.io']
  .map(host => `[[registry]]\nprefix = "${host}"\nlocation = "127.0.0.1:5000/${host}"\ninsecure = true\n`)
  .join('')

const crioConf = (box: Box): string => `
[crio]
root = "${box.dir}/store"
runroot = "/run/crio-store"
storage_driver = "overlay"
log_dir = "${box.dir}/pods"
version_file = "/run/crio/version"
clean_shutdown_file = "${box.dir}/clean.shutdown"
[crio.api]
listen = "/run/crio/crio.sock"
[crio.image]
pause_image = "registry.k8s.io/pause:3.9"
pause_command = ""
[crio.network]
network_dir = "${box.dir}/cni"
plugin_dirs = ["/usr/lib/cni"]
[crio.runtime]
apparmor_profile = "unconfined"
enable_criu_support = true
namespaces_dir = "/run/crio-namespaces"
[crio.runtime.runtimes.faulty]
runtime_path = "${faultyRuntime(box)}"
`

const prepare = (box: Box): void => {
  const { dir } = box
  mkdirSync(join(dir, 'cni'))
  writeFileSync(join(dir, 'cni', '10-box.conflist'), JSON.stringify(network))
  const registry = join(repository, 'test/clients/support/registry.mjs')
  box.daemon(
    'registry',
    `${process.execPath} ${registry} ${imageLayout(dir, images)} 5000`,
    'busybox wget -q -O /dev/null http://127.0.0.1:5000/v2/',
  )
}

const write = (box: Box, name: string, script: string): void =>
  writeFileSync(join(box.dir, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })

const cleanUp = 'e rmp -fa > /dev/null'

export const crio = (): Engine => {
  const box = openBox('crio')
  const { dir } = box
  const policy = { default: [{ type: 'insecureAcceptAnything' }] }
  writeFileSync(join(dir, 'policy.json'), JSON.stringify(policy))
  writeFileSync(
    join(dir, 'registries.conf'),
    `unqualified-search-registries = ["docker.io"]\n${registriesConf}`,
  )
  write(box, 'e', 'exec crictl --timeout 30s -r unix:///run/crio/crio.sock "$@"')
  write(
    box,
    'crio-in-cgroup',
    `${inCgroup}\nmount --bind ${dir}/registries.conf /etc/containers/registries.conf || exit 1
exec crio --config ${dir}/crio.conf --config-dir ${dir}/crio.conf.d --signature-policy ${dir}/policy.json`,
  )
  mkdirSync(join(dir, 'crio.conf.d'))
  writeFileSync(join(dir, 'crio.conf.d', '10-tsrun.conf'), readmeBlock('runtime_path', box.runtime))
  writeFileSync(join(dir, 'crio.conf'), crioConf(box))
  try {
    prepare(box)
    box.daemon('crio', 'crio-in-cgroup', 'e version && e pull box:latest')
  } catch (error) {
    box.close()
    throw error
  }
  // Asked to remove a pod it waits ten seconds for each container that ignores TERM.
  return { name: 'crio', box, cleanUp: `e ps -q | xargs -r e stop -t 0 > /dev/null; ${cleanUp}` }
}

export const cri = (): Engine => {
  const box = openBox('cri')
  const { dir } = box
  mkdirSync(join(dir, 'certs.d', '_default'), { recursive: true })
  writeFileSync(join(dir, 'certs.d', '_default', 'hosts.toml'), mirror)
  writeFileSync(join(dir, 'config.toml'), config(box))
  write(box, 'e', 'exec crictl --timeout 30s -r unix:///run/containerd/containerd.sock "$@"')
  write(box, 'containerd-in-cgroup', `${inCgroup}\nexec containerd -c ${dir}/config.toml`)
  try {
    prepare(box)
    box.daemon('containerd', 'containerd-in-cgroup', 'e version && e pull box:latest')
  } catch (error) {
    box.close()
    throw error
  }
  return { name: 'cri', box, cleanUp }
}
