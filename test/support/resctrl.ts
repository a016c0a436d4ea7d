/** A resctrl in memory: few machines have one. */
import type { Tree } from '../../src/launch/resctrl.js'
import type { HostPath, OpOf } from '../../src/plan/op.js'

export const root = '/sys/fs/resctrl' as HostPath

/** As the kernel does: a directory comes with its files, and a wrong line is refused. */
export const fake = (mounted = true) => {
  const files = new Map<string, string>([
    [`${root}/schemata`, '    L3:0=fffff;1=fffff\n    MB:0=100;1=100\n'],
    [`${root}/info/last_cmd_status`, 'ok\n'],
  ])
  const dirs = new Set<string>([root])
  const log: string[] = []
  const tree: Tree = {
    isResctrl: path => mounted && path === root,
    exists: path => dirs.has(path),
    mkdir(path) {
      dirs.add(path)
      files.set(`${path}/schemata`, files.get(`${root}/schemata`) ?? '')
      log.push(`mkdir ${path}`)
    },
    rmdir(path) {
      dirs.delete(path)
      log.push(`rmdir ${path}`)
    },
    read: path => files.get(path),
    write(path, text) {
      if (text.includes('L9')) {
        files.set(`${root}/info/last_cmd_status`, 'Unknown or unsupported resource name L9\n')
        throw new Error('write: EINVAL')
      }
      files.set(path, text)
      log.push(`write ${path} ${text.trim()}`)
    },
  }
  return { tree, log, files }
}

/** The op of a container `box`. */
export const create = (patch: Partial<OpOf<'resctrl_create'>> = {}): OpOf<'resctrl_create'> => ({
  op: 'resctrl_create',
  by: 'runtime',
  at: '/linux/intelRdt',
  mount: root,
  group: `${root}/box` as HostPath,
  compare: '',
  schemata: '',
  mustExist: false,
  keep: false,
  ...patch,
})
