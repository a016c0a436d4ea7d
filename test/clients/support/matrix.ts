/** The table of test/clients/README.md: how many checks each engine has for what, and why some have none. */
import { catalog, checksOf, type EngineName } from './catalog.js'

const NO_WORD = 'it has no such command or option'
const NO_SERVICE = 'a service is asked for tasks, which are docker’s containers'
const BUILD = 'a step of a build is one command in the foreground'
const NO_CGROUPS =
  'a user has no cgroups without a systemd of their own: systemduser.test.ts, in make check-vm'

interface Topic {
  readonly name: string
  /** the names of the checks that are about it */
  readonly checks: RegExp
  /** why engines have none */
  readonly none?: Readonly<Partial<Record<EngineName, string>>>
}

const cri = (reason: string) => ({ cri: reason, crio: reason })

const topics: readonly Topic[] = [
  { name: 'run, standard streams', checks: /\brun\b|^bud|input|output|exit status|scales out/ },
  {
    name: 'exit codes, signals',
    checks: /exit status|program|signal|statuses|^kill|step that fails|stop asks/,
  },
  { name: 'terminal, resize', checks: /terminal/ },
  { name: 'detached, wait', checks: /detached|exit status and log|three nodes|scales out/ },
  { name: 'logs', checks: /log/ },
  { name: 'exec: user, env, terminal, parallel', checks: /^exec/ },
  {
    name: 'attach',
    checks: /attach/,
  },
  {
    name: 'stop, kill, restart, rm -f',
    checks: /^stop|^kill|^restart|^start again|^rm|^delete|ended by|dies is replaced|paused, stopped/,
  },
  { name: 'pause, unpause', checks: /pause/, none: { rootless: NO_CGROUPS, ...cri(NO_WORD) } },
  {
    name: 'limits: memory, cpu, pids, cpuset',
    checks: /^(run: limits of )?memory|^cpus?( |$)|^cpuset|pids(,|$)|^pids|out of memory|rolls through/,
    none: { rootless: NO_CGROUPS },
  },
  {
    name: 'update',
    checks: /^update|rolls through/,
    none: { rootless: NO_CGROUPS, containerd: NO_WORD },
  },
  { name: 'stats, top', checks: /^stats|^top|^ps$|^metrics|paused, stopped/ },
  { name: 'volumes, propagation, tmpfs', checks: /volume|mount|tmpfs/ },
  { name: 'env, hostname, user, workdir', checks: /env|hostname|host name|user by|user, |workdir/ },
  { name: 'read-only root', checks: /read-only root/ },
  { name: 'capabilities, privileged', checks: /cap-|capabilities|privileged$/ },
  {
    name: 'no new privileges',
    checks: /new.privileges/,
    none: { buildah: 'buildah 1.28 refuses the option' },
  },
  { name: 'seccomp: default, file, none', checks: /seccomp/ },
  { name: 'devices', checks: /device/ },
  { name: 'sysctl', checks: /sysctl/ },
  { name: 'ulimit', checks: /ulimit/, none: cri(NO_WORD) },
  {
    name: 'networks: none, host, bridge, container',
    checks: /network|bridge|DNS|overlay/,
  },
  {
    name: 'published ports',
    checks: /published/,
    none: { containerd: NO_WORD },
  },
  {
    name: 'pods',
    checks: /\bpods?\b/,
    none: { docker: NO_WORD, containerd: NO_WORD, nerdctl: NO_WORD },
  },
  {
    name: 'user namespaces',
    checks: /user namespace/,
    none: {
      docker: 'that is a setting of the daemon: remapped',
      buildah: 'no runtime gets into its store as another id',
      nerdctl: 'nerdctl 1.7 has no word for it',
      ...cri('CRI of Kubernetes 1.26 has none'),
    },
  },
  {
    name: 'health check',
    checks: /health/,
    none: {
      containerd: NO_WORD,
      nerdctl: NO_WORD,
      ...cri('kubelet does it, by exec'),
    },
  },
  { name: '--init', checks: /--init/, none: { containerd: NO_WORD, ...cri(NO_WORD) } },
  {
    name: 'commit, cp, diff, build',
    checks: /commit|^cp |^build$|^bud/,
    none: { containerd: NO_WORD, ...cri(NO_WORD) },
  },
  {
    name: 'checkpoint',
    checks: /checkpoint/,
    none: {
      rootless: 'criu wants root',
      nerdctl: NO_WORD,
      cri: 'containerd 1.6 does not implement it',
    },
  },
  { name: 'many at once', checks: /at once/ },
  {
    name: 'the engine or its monitor is killed',
    checks: /(conmon|shim|containerd|dockerd|CRI-O|buildah).*(killed|ends)|node is drained/,
  },
  { name: 'the runtime is killed', checks: /runtime is killed/ },
  { name: 'README’s lines', checks: /line of README|default runtime|as default|handler/ },
]

/** Engines that are asked for little: why they have none of the rest. */
const narrow: Readonly<Partial<Record<EngineName, string>>> = {
  buildah: BUILD,
  swarm: NO_SERVICE,
  remapped: 'as docker',
}
/** What takes its lines from README without a check of that name. */
const configured: readonly EngineName[] = ['rootless', 'buildah']

const names = Object.keys(catalog) as EngineName[]
const count = (name: EngineName, topic: Topic): number =>
  checksOf(name).filter(check => topic.checks.test(check.name)).length

const reasonOf = (name: EngineName, topic: Topic): string | undefined =>
  topic.none?.[name] ??
  narrow[name] ??
  (configured.includes(name) ? 'its configuration is README’s' : undefined)

/** Empty cells of the table without a reason, and reasons of cells that are not empty. */
export const unnamed = (): string[] =>
  topics.flatMap(topic =>
    names
      .filter(name => (count(name, topic) === 0) === (reasonOf(name, topic) === undefined))
      .filter(name => count(name, topic) === 0 || topic.none?.[name] !== undefined)
      .map(name => `${name}: ${topic.name}`),
  )

/** The table in Markdown, and below it the reasons. */
export const matrix = (): string => {
  const rows = topics.map(topic => [topic.name, ...names.map(name => count(name, topic) || '–')])
  const table = [
    ['', ...names],
    ['---', ...names.map(() => '---')],
    ...rows,
    ['all', ...names.map(it => checksOf(it).length)],
  ]
  const reasons = new Map<string, string[]>()
  for (const topic of topics)
    for (const name of names)
      if (count(name, topic) === 0) {
        const reason = reasonOf(name, topic) ?? ''
        const which = narrow[name] === reason ? name : `${name} (${topic.name})`
        const list = reasons.get(reason) ?? []
        if (!list.includes(which)) list.push(which)
        reasons.set(reason, list)
      }
  const why = [...reasons].map(([reason, which]) => `- ${which.join(', ')}: ${reason}.`)
  return `${table.map(row => `| ${row.join(' | ')} |`).join('\n')}\n\nWhere there is none:\n\n${why.join('\n')}\n`
}
