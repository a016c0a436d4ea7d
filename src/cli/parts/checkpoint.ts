/** `checkpoint` and `restore`: the part with criu in it. */
import { UsageError } from '../../base/errors.js'
import { checkpointContainer } from '../../container/checkpoint.js'
import type { CheckpointOptions, CriuChoices } from '../../container/options.js'
import { restoreContainer } from '../../container/restore.js'
import type { CommandOptions } from '../commands.js'
import { againOf, commonOf, outputOf } from '../common.js'
import type { Request } from './part.js'

export const handlers = {
  checkpoint(request: Request<'checkpoint'>): number {
    const { options, positionals } = request
    const { 'status-fd': statusFd, 'network-lock': networkLock } = options
    checkpointContainer({
      ...choicesOf(options),
      common: commonOf(request),
      id: positionals[0] as string,
      ...(options['parent-path'] && { parentPath: options['parent-path'] }),
      leaveRunning: options['leave-running'] === true,
      preDump: options['pre-dump'] === true,
      tcpSkipInFlight: options['tcp-skip-in-flight'] === true,
      linkRemap: options['link-remap'] === true,
      ...(options['page-server'] && { pageServer: pageServerOf(options['page-server']) }),
      ...(statusFd !== undefined && { statusFd }),
      ...(networkLock !== undefined && { networkLock }),
    })
    return 0
  },
  restore(request: Request<'restore'>): number {
    const { options, positionals } = request
    return restoreContainer({
      ...choicesOf(options),
      common: commonOf(request),
      id: positionals[0] as string,
      bundle: options.bundle || '.',
      detach: options.detach === true,
      noSubreaper: options['no-subreaper'] === true,
      ...(options['console-socket'] && { consoleSocket: options['console-socket'] }),
      ...(options['pid-file'] && { pidFile: options['pid-file'] }),
      tcpClose: options['tcp-close'] === true,
      ...(options['lsm-profile'] && { lsmProfile: options['lsm-profile'] }),
      ...(options['lsm-mount-context'] && { lsmMountContext: options['lsm-mount-context'] }),
      ...(options.output !== undefined && { output: outputOf(options.output) }),
      again: againOf(request),
    })
  },
}

/** What both commands take. An empty path is none, as in runc. */
function choicesOf(options: CommandOptions<'checkpoint'> | CommandOptions<'restore'>): CriuChoices {
  for (const type of options['empty-ns'] ?? [])
    if (type !== 'network')
      throw new UsageError(`namespace "${type}" is not supported: --empty-ns network is`)
  const manageCgroups = options['manage-cgroups-mode']
  return {
    imagePath: options['image-path'] || 'checkpoint',
    ...(options['work-path'] && { workPath: options['work-path'] }),
    tcpEstablished: options['tcp-established'] === true,
    externalUnixSockets: options['ext-unix-sk'] === true,
    shellJob: options['shell-job'] === true,
    fileLocks: options['file-locks'] === true,
    lazyPages: options['lazy-pages'] === true,
    autoDedup: options['auto-dedup'] === true,
    ...(manageCgroups !== undefined && { manageCgroups }),
  }
}

/** `ADDRESS:PORT`, an IPv6 address in brackets. */
function pageServerOf(text: string): NonNullable<CheckpointOptions['pageServer']> {
  const colon = text.lastIndexOf(':')
  let address = text.slice(0, Math.max(colon, 0))
  if (address.startsWith('[') && address.endsWith(']')) address = address.slice(1, -1)
  else if (address.includes(':')) address = ''
  const digits = text.slice(colon + 1)
  let port = digits === '' ? Number.NaN : 0
  for (const digit of digits) port = digit >= '0' && digit <= '9' ? port * 10 + Number(digit) : Number.NaN
  if (address === '' || !(port > 0 && port < 65536))
    throw new UsageError(`invalid --page-server "${text}": use ADDRESS:PORT`)
  return { address, port }
}
