/** What is said to people about the rows of `commands.ts`. A row without a text does not compile. */
import type { CommandName, commands, globalOptions } from '../commands.js'

/** A text, or for options with a value its name and a text. */
type OptionText = string | readonly [value: string, text: string]
type OptionNames<N extends CommandName> = keyof (typeof commands)[N]['options']
type AnyOption = { [N in CommandName]: OptionNames<N> }[CommandName]

interface CommandText<N extends CommandName> {
  /** For the list of commands. */
  readonly summary: string
  readonly about: string
  /** Where an option means something else than for other commands. */
  readonly options?: { readonly [O in OptionNames<N>]?: OptionText }
  readonly examples: readonly (readonly [line: string, text: string])[]
}

export const globalTexts: Readonly<Record<keyof typeof globalOptions, OptionText>> = {
  root: [
    'DIR',
    "Directory of the containers' states; /run/tsrun for root, $XDG_RUNTIME_DIR/tsrun for others",
  ],
  log: ['FILE', 'Append messages to this file instead of writing them to standard error'],
  'log-format': ['FORMAT', 'Format of log lines: text or json; text when not given'],
  'log-level': [
    'LEVEL',
    'Least important messages to log: error, warning, info or debug; info when not given',
  ],
  debug: 'The same as --log-level debug',
  'systemd-cgroup': 'The same as --cgroup-manager systemd',
  'cgroup-manager': ['NAME', 'Who makes cgroups: cgroupfs, systemd or disabled; cgroupfs when not given'],
  rootless: ['WHEN', 'Tolerate cgroups that may not be written: true, false or auto; auto when not given'],
  strict: 'Refuse a config or an update with fields that have no effect here, instead of warning',
  criu: ['PATH', 'Accepted for old callers and ignored'],
  version: 'Show the version',
  help: 'Show this help, or that of a command',
}

export const optionTexts: Readonly<Record<AnyOption, OptionText>> = {
  bundle: ['DIR', 'Directory with config.json in it; the current one when not given'],
  config: ['FILE', 'Read this file instead of config.json'],
  'console-socket': ['SOCKET', "Unix socket that receives the terminal's master side"],
  'pid-file': ['FILE', 'Write the process id of the container to this file'],
  'pidfd-socket': ['SOCKET', 'Unix socket that receives a pidfd of the container'],
  'preserve-fds': ['N', 'Pass N more file descriptors on, after stdio and those of LISTEN_FDS'],
  'no-pivot': 'Do without pivot_root, for hosts that run from a ramdisk; less safe',
  output: ['FILE', 'Append stdout and stderr of the container to this file, for "tsrun logs"'],
  follow: 'Go on until the container ends',
  tail: ['N', 'Begin with the last N lines'],
  'no-new-keyring': 'Keep the session keyring of the caller',
  'no-subreaper': 'Do not adopt orphaned processes of the container',
  detach: 'Leave the container in the background',
  keep: 'Keep the state of the container after it ended',
  all: 'Signal every process of the container; no error when it has stopped',
  process: [
    'FILE',
    'Read the process from this JSON file; the other options of the process do not count then',
  ],
  tty: 'Give the process a terminal',
  cwd: ['DIR', 'Working directory in the container'],
  env: ['NAME=VALUE', 'Set a variable; may be given again'],
  user: ['UID[:GID]', 'Run as this user, by number'],
  'additional-gids': ['GID', 'Add a supplementary group, by number; may be given again'],
  cap: ['NAME', 'Add a capability, as in CAP_NET_ADMIN; may be given again'],
  'no-new-privs': 'Never gain privileges by execve',
  'process-label': ['LABEL', 'SELinux label of the process'],
  apparmor: ['PROFILE', 'AppArmor profile of the process'],
  'ignore-paused': 'Enter a paused container, too; the process runs when it is resumed',
  cgroup: ['PATH', 'Run in this cgroup below that of the container; CONTROLLER:PATH on cgroup v1'],
  resources: [
    'FILE',
    'Read the limits from this JSON file, - for standard input; other options do not count then',
  ],
  memory: ['BYTES', 'Memory limit, as in 64m or 1.5g; -1 for none'],
  'memory-reservation': ['BYTES', 'Memory that is kept for the container when there is little'],
  'memory-swap': ['BYTES', 'Limit of memory and swap together; -1 for none'],
  'cpu-period': ['US', 'Length of a CPU period, microseconds'],
  'cpu-quota': ['US', 'CPU time in a period, microseconds; -1 for no limit'],
  'cpu-burst': ['US', 'CPU time that may be saved up, microseconds'],
  'cpu-share': ['N', 'Share of the CPUs beside others, from 2 to 262144'],
  'cpu-idle': ['N', '1: run only when nobody else wants the CPU; 0: as others'],
  'cpu-rt-period': ['US', 'Period of real-time CPU time, microseconds'],
  'cpu-rt-runtime': ['US', 'Real-time CPU time in that period, microseconds'],
  'cpuset-cpus': ['LIST', 'CPUs to run on, as in 0-2,7'],
  'cpuset-mems': ['LIST', 'Memory nodes to use, as in 0-1'],
  'pids-limit': ['N', 'Highest number of processes; -1 for no limit'],
  'blkio-weight': ['N', 'Share of block I/O beside others, from 10 to 1000'],
  'kernel-memory': ['BYTES', 'Accepted for old callers and ignored'],
  'kernel-memory-tcp': ['BYTES', 'Accepted for old callers and ignored'],
  'l3-cache-schema': ['SCHEMA', 'Intel RDT: parts of the L3 cache'],
  'mem-bw-schema': ['SCHEMA', 'Intel RDT: memory bandwidth'],
  interval: ['TIME', 'Time between statistics, as in 500ms, 10s or 1m; 5s when not given'],
  stats: 'Show the statistics once',
  'image-path': ['DIR', "Directory of criu's images; ./checkpoint when not given"],
  'work-path': ['DIR', "Directory of criu's log and statistics; that of the images when not given"],
  'tcp-established': 'Include open TCP connections',
  'ext-unix-sk': 'Include unix sockets that lead out of the container',
  'shell-job': 'Include a session or process group that begins outside',
  'file-locks': 'Include file locks',
  'lazy-pages': 'Move memory only when it is asked for, by userfaultfd',
  'manage-cgroups-mode': [
    'MODE',
    'How criu treats cgroups: soft, full, strict or ignore; soft when not given',
  ],
  'empty-ns': ['TYPE', 'Leave what is in this namespace out; network, which always is'],
  'auto-dedup': 'Keep each page of memory in one image only',
  'parent-path': ['DIR', 'Earlier images to build upon, relative to --image-path'],
  'leave-running': 'Let the container go on',
  'pre-dump': 'Write memory only, for a later checkpoint to build upon; the container goes on',
  'tcp-skip-in-flight': 'Leave out TCP connections that are about to be made',
  'link-remap': 'Make links to deleted files that are open',
  'page-server': ['ADDRESS:PORT', 'Page server that gets, or with --lazy-pages gives, the memory'],
  'status-fd': ['FD', 'Write a NUL to this descriptor when lazy pages can be asked for'],
  'network-lock': ['METHOD', 'How criu keeps packets away meanwhile: iptables, nftables or skip'],
  'tcp-close': 'Restore open TCP connections as closed ones',
  'lsm-profile': ['TYPE:NAME', 'Security profile of the restored processes, as in apparmor:web'],
  'lsm-mount-context': ['CONTEXT', 'SELinux context of restored mounts'],
  force: 'Kill the container first when it runs; no error when there is none',
  format: ['FORMAT', 'Output as table or json; table when not given'],
  quiet: 'Show ids only',
  rootless: 'Write one for an ordinary user, with a user namespace',
  json: 'Print JSON for machines',
  'show-env': 'Show the values of environment variables, which may be secrets',
}

export const commandTexts: { readonly [N in CommandName]: CommandText<N> } = {
  create: {
    summary: 'Make a container',
    about:
      'Makes a container from a bundle, up to the point where its program would start. The bundle is a directory with config.json and a root filesystem. "tsrun start" then starts the program, "tsrun delete" gives everything back.',
    examples: [
      ['tsrun create --bundle /srv/web web', 'Make container "web"'],
      ['tsrun create --console-socket /tmp/tty.sock web', 'Make one with a terminal'],
    ],
  },
  start: {
    summary: 'Start the program of a created container',
    about: 'Starts the program of a container that "tsrun create" made, and returns at once.',
    examples: [['tsrun start web', 'Start what waits in "web"']],
  },
  run: {
    summary: 'Make a container, start it and wait for it',
    about:
      'Does what create and start do. In the foreground it waits, passes signals on, deletes the container and ends with the exit code of its program, or 128 plus the signal that ended it.',
    examples: [
      ['tsrun run web', 'Run the bundle in the current directory'],
      ['tsrun run --detach --pid-file /run/web.pid web', 'Leave it in the background'],
    ],
  },
  state: {
    summary: 'Show the state of a container',
    about: 'Prints the state of a container as JSON, as the runtime specification defines it.',
    examples: [['tsrun state web', 'Show pid, status and bundle of "web"']],
  },
  kill: {
    summary: 'Send a signal to a container',
    about:
      'Sends a signal to the first process of a container. The signal is a number or a name, with or without SIG, in any case; TERM when not given.',
    examples: [
      ['tsrun kill web', 'Ask "web" to end'],
      ['tsrun kill web KILL', 'End it'],
      ['tsrun kill --all web 9', 'End every process in it'],
    ],
  },
  delete: {
    summary: 'Delete a container that has stopped',
    about:
      'Removes cgroups, state and all else that "tsrun create" made. A container that was created and not started is killed first; a running one only with --force.',
    examples: [
      ['tsrun delete web', 'Delete "web", which has stopped'],
      ['tsrun delete --force web', 'Delete it whatever it does'],
    ],
  },
  exec: {
    summary: 'Run one more process in a container',
    about:
      'Runs a program in the namespaces and cgroups of a container, as the user and with the limits of its config unless options or a process document say otherwise. It ends with the exit code of the program, 128 plus the signal that ended it, or 255 when it could not be started. Options stand before the container id.',
    options: {
      detach: 'Leave the process in the background',
      'pid-file': ['FILE', 'Write the id of the process to this file'],
      'pidfd-socket': ['SOCKET', 'Unix socket that receives a pidfd of the process'],
    },
    examples: [
      ['tsrun exec web ls -l /srv', 'Run ls, and see what it prints'],
      ['tsrun exec --tty web sh', 'A shell'],
      ['tsrun exec --user 1000:1000 --env LANG=C web id', 'As another user'],
      ['tsrun exec --detach --process process.json web', 'As engines do it'],
    ],
  },
  pause: {
    summary: 'Stop all processes of a container for a while',
    about: 'Freezes every process of a container where it stands, until "tsrun resume".',
    examples: [['tsrun pause web', 'Freeze "web"']],
  },
  resume: {
    summary: 'Let a paused container go on',
    about: 'Thaws the processes of a container that "tsrun pause" froze.',
    examples: [['tsrun resume web', 'Let "web" go on']],
  },
  ps: {
    summary: 'Show the processes of a container',
    about:
      'Shows the processes of a container as ps of the host does, or their ids as JSON. What follows the container id goes to ps, -ef when there is nothing; its output must have a column PID.',
    examples: [
      ['tsrun ps web', 'A table'],
      ['tsrun ps --format json web', 'Ids for machines'],
      ['tsrun ps web -o pid,rss,args', 'Columns of your own'],
    ],
  },
  update: {
    summary: 'Change the limits of a container',
    about:
      'Changes limits of a container while it runs: all that are asked for, or none when one is refused. What is not named stays as it is; devices are never touched.',
    examples: [
      ['tsrun update --memory 512m --pids-limit 100 web', 'New limits for "web"'],
      ['tsrun update --resources limits.json web', 'As linux.resources of a config.json has them'],
    ],
  },
  events: {
    summary: 'Show statistics of a container, and when its memory runs out',
    about:
      'Prints one line of JSON for each sample of statistics (CPU, memory, processes, block I/O), and for each time that the kernel killed a process of the container for memory, until the container ends.',
    examples: [
      ['tsrun events --stats web', 'One sample'],
      ['tsrun events --interval 1s web', 'One every second'],
    ],
  },
  logs: {
    summary: 'Show what a container has written',
    about:
      'Prints the output of a container that was created with --output. Without it the output goes where that of its creator went, and tsrun does not see it.',
    examples: [
      ['tsrun run --detach --output /var/log/web.log web', 'Keep the output of "web" in a file'],
      ['tsrun logs --tail 20 --follow web', 'Its last lines, and what comes until it ends'],
    ],
  },
  checkpoint: {
    summary: 'Write a running container to files',
    about:
      'Writes the processes of a container to files, by criu, which has to be installed. The container is deleted then, unless --leave-running is given; "tsrun restore" makes it again.',
    examples: [
      ['tsrun checkpoint --image-path /srv/images web', 'Write "web", and delete it'],
      ['tsrun checkpoint --leave-running web', 'Write it to ./checkpoint, and let it go on'],
      ['tsrun checkpoint --pre-dump --image-path /srv/first web', 'Most of its memory, while it goes on'],
      ['tsrun checkpoint --parent-path ../first --image-path /srv/last web', 'The rest, soon after'],
    ],
  },
  restore: {
    summary: 'Make a container of what checkpoint has written',
    about:
      'Makes a container of the files of "tsrun checkpoint", by criu, with the cgroups, mounts and hooks of its bundle. In the foreground it waits for it, as "tsrun run" does.',
    examples: [
      ['tsrun restore --image-path /srv/images --bundle /srv/web web', 'Wait for it'],
      ['tsrun restore --detach --pid-file /run/web.pid web', 'From ./checkpoint, in the background'],
    ],
  },
  list: {
    summary: 'List containers',
    about: 'Lists the containers of the state root.',
    examples: [
      ['tsrun list', 'A table'],
      ['tsrun list --format json', 'The same for machines'],
      ['tsrun --root /run/containerd/runc/moby list -q', 'Ids of another state root'],
    ],
  },
  spec: {
    summary: 'Write a config.json to begin with',
    about:
      'Writes a config.json that runs sh in the directory "rootfs" beside it. An existing file is left alone.',
    options: { bundle: ['DIR', 'Write it to this directory; the current one when not given'] },
    examples: [
      ['tsrun spec', 'Write ./config.json'],
      ['tsrun spec --rootless --bundle /home/me/web', 'One for an ordinary user'],
    ],
  },
  features: {
    summary: 'Show what this runtime can do',
    about:
      'Prints JSON as the runtime specification defines it: namespaces, mount options, capabilities, seccomp.',
    examples: [['tsrun features', 'Show all of it']],
  },
  plan: {
    summary: 'Show what create would do',
    about:
      'Compiles a bundle and prints every operation that create would perform, in order: who does it, what it is, and which field of config.json it comes from. Nothing is done, and root is not needed.',
    examples: [
      ['tsrun plan', 'The plan of the current directory'],
      ['tsrun plan --json --bundle /srv/web web', 'The same for machines'],
      ['tsrun plan | grep /mounts', 'What comes from the mounts'],
    ],
  },
  completion: {
    summary: 'Print a completion script for a shell',
    about: 'Prints a script for bash, zsh or fish that completes commands, options and container ids.',
    examples: [
      ['source <(tsrun completion bash)', 'In ~/.bashrc'],
      ['tsrun completion zsh > ~/.zfunc/_tsrun', 'Once, for zsh'],
      ['tsrun completion fish > ~/.config/fish/completions/tsrun.fish', 'Once, for fish'],
    ],
  },
  help: {
    summary: 'Show help',
    about: 'Shows the help of a command, or the list of commands.',
    examples: [['tsrun help run', 'The same as tsrun run --help']],
  },
}

/** The help of tsrun itself. */
export const programText = {
  about: 'tsrun runs containers from OCI bundles.',
  examples: [
    ['tsrun spec', 'Write a config.json'],
    ['tsrun plan', 'See what it means'],
    ['tsrun run web', 'Run it as container "web"'],
  ],
  epilogue: '"tsrun COMMAND --help" shows the options of a command.',
} as const
