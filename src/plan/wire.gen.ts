// Written by tools/ops.mjs from src/plan/opcodes.ts and src/plan/flags.ts (make gen). Do not edit.
import { attribute, create, domain, ioClass, links, memoryFlags, memoryMode, mountAttr, namespaces, nodeType, propagation, schedFlags, schedPolicy, seccompFlags, treeFlags } from './flags.js'
import type { ShimOp } from './op.js'
import type { OpName } from './opcodes.js'
import * as w from './writer.js'

/** FNV-1a of the opcode table: the shim refuses a plan with another one. */
export const buildId = 0x963ef0e3

/** How many fields an op has. */
export const fieldCounts: Readonly<Record<OpName, number>> = {
  barrier: 1,
  ready: 0,
  open_namespace: 3,
  setns: 2,
  unshare: 1,
  set_dumpable: 1,
  become_root: 1,
  clone_init: 2,
  setsid: 0,
  join_session_keyring: 1,
  loopback_up: 0,
  join_cgroup: 1,
  open_path: 2,
  open_fd_directory: 1,
  open_procfs: 1,
  write_file: 3,
  set_propagation: 3,
  make_parent_private: 1,
  open_root: 2,
  fsmount: 5,
  open_tree: 4,
  mount_setattr: 5,
  move_mount: 5,
  copy_up: 3,
  open_target: 3,
  fspick: 2,
  mkdir: 3,
  mknod: 8,
  symlink: 3,
  mask_path: 2,
  readonly_path: 2,
  enter_root: 1,
  pivot_root: 1,
  move_root: 2,
  open_console: 5,
  use_console: 1,
  sethostname: 1,
  setdomainname: 1,
  umask: 1,
  set_no_new_privs: 0,
  drop_bounding: 2,
  keep_capabilities: 0,
  setgroups: 1,
  setresgid: 1,
  setresuid: 1,
  capset: 3,
  raise_ambient: 1,
  chown_stdio: 2,
  chdir: 2,
  check_cwd: 1,
  seccomp: 2,
  seccomp_listen: 3,
  find_home: 1,
  find_executable: 2,
  wait_start: 2,
  run_hook: 6,
  open_hook_output: 2,
  close_on_exec: 1,
  exec: 2,
  exit: 0,
  supervise: 2,
  release: 6,
  notify: 2,
  remove_cgroup: 1,
  remove_file: 1,
  remove_directory: 1,
  clean_up_after_failure: 2,
  clean_up: 2,
  stop_unit: 5,
  report_oom: 3,
  exit_like_init: 0,
  join_process: 2,
  release_exec: 6,
  sched_setattr: 7,
  ioprio_set: 2,
  set_mempolicy: 3,
  sched_setaffinity: 1,
  personality: 1,
  make_user_namespace: 3,
  idmap_mount: 3,
  set_label: 3,
  label_root: 2,
}

/** Writes the record of an op: its head, then its fields in wire order. */
export function writeOp(op: ShimOp, index: number): void {
  switch (op.op) {
    case 'move_mount':
      w.head(op, index, 36, 5)
      w.slot(op.slot)
      w.slot(op.root)
      w.path(op.target)
      w.one(create, op.create)
      w.one(links, op.links)
      return
    case 'open_tree':
      w.head(op, index, 34, 4)
      w.newSlot(op.slot)
      w.path(op.path)
      w.flags(treeFlags, op.flags)
      w.number(op.nofollow)
      return
    case 'mount_setattr':
      w.head(op, index, 35, 5)
      w.slot(op.slot)
      w.flags(mountAttr, op.set)
      w.flags(mountAttr, op.clear)
      w.one(propagation, op.propagation)
      w.number(op.recursive)
      return
    case 'mask_path':
      w.head(op, index, 43, 2)
      w.slot(op.root)
      w.path(op.path)
      return
    case 'fsmount':
      w.head(op, index, 33, 5)
      w.newSlot(op.slot)
      w.text(op.type)
      if (op.source === undefined) w.absent()
      else w.text(op.source)
      w.texts(op.options)
      w.flags(mountAttr, op.attrs)
      return
    case 'symlink':
      w.head(op, index, 42, 3)
      w.slot(op.root)
      w.path(op.path)
      w.text(op.target)
      return
    case 'mknod':
      w.head(op, index, 41, 8)
      w.slot(op.root)
      w.path(op.path)
      w.one(nodeType, op.type)
      w.number(op.major)
      w.number(op.minor)
      w.number(op.mode)
      w.number(op.uid)
      w.number(op.gid)
      return
    case 'readonly_path':
      w.head(op, index, 44, 2)
      w.slot(op.root)
      w.path(op.path)
      return
    case 'barrier':
      w.head(op, index, 1, 1)
      w.number(op.n)
      return
    case 'ready':
      w.head(op, index, 2, 0)
      return
    case 'open_namespace':
      w.head(op, index, 10, 3)
      w.newSlot(op.slot)
      w.path(op.path)
      w.flags(namespaces, op.type)
      return
    case 'setns':
      w.head(op, index, 11, 2)
      w.slot(op.slot)
      w.flags(namespaces, op.type)
      return
    case 'unshare':
      w.head(op, index, 12, 1)
      w.flags(namespaces, op.namespaces)
      return
    case 'set_dumpable':
      w.head(op, index, 13, 1)
      w.number(op.value)
      return
    case 'become_root':
      w.head(op, index, 14, 1)
      if (op.keepGroups === undefined) w.absent()
      else w.number(op.keepGroups)
      return
    case 'clone_init':
      w.head(op, index, 15, 2)
      w.flags(namespaces, op.namespaces)
      if (op.cgroup === undefined) w.absent()
      else w.slot(op.cgroup)
      return
    case 'setsid':
      w.head(op, index, 16, 0)
      return
    case 'join_session_keyring':
      w.head(op, index, 17, 1)
      w.text(op.name)
      return
    case 'loopback_up':
      w.head(op, index, 18, 0)
      return
    case 'join_cgroup':
      w.head(op, index, 19, 1)
      w.path(op.path)
      return
    case 'open_path':
      w.head(op, index, 20, 2)
      w.newSlot(op.slot)
      w.path(op.path)
      return
    case 'open_fd_directory':
      w.head(op, index, 21, 1)
      w.newSlot(op.slot)
      return
    case 'open_procfs':
      w.head(op, index, 22, 1)
      w.newSlot(op.slot)
      return
    case 'write_file':
      w.head(op, index, 23, 3)
      w.slot(op.dir)
      w.text(op.path)
      w.text(op.value)
      return
    case 'set_propagation':
      w.head(op, index, 30, 3)
      w.path(op.path)
      w.one(propagation, op.propagation)
      w.number(op.recursive)
      return
    case 'make_parent_private':
      w.head(op, index, 31, 1)
      w.path(op.path)
      return
    case 'open_root':
      w.head(op, index, 32, 2)
      w.newSlot(op.slot)
      w.path(op.path)
      return
    case 'copy_up':
      w.head(op, index, 37, 3)
      w.slot(op.slot)
      w.slot(op.root)
      w.path(op.source)
      return
    case 'open_target':
      w.head(op, index, 38, 3)
      w.newSlot(op.slot)
      w.slot(op.root)
      w.path(op.path)
      return
    case 'fspick':
      w.head(op, index, 39, 2)
      w.slot(op.slot)
      w.texts(op.options)
      return
    case 'mkdir':
      w.head(op, index, 40, 3)
      w.slot(op.root)
      w.path(op.path)
      w.number(op.mode)
      return
    case 'enter_root':
      w.head(op, index, 150, 1)
      w.slot(op.root)
      return
    case 'pivot_root':
      w.head(op, index, 45, 1)
      w.slot(op.root)
      return
    case 'move_root':
      w.head(op, index, 46, 2)
      w.slot(op.root)
      w.path(op.path)
      return
    case 'open_console':
      w.head(op, index, 50, 5)
      w.newSlot(op.slot)
      w.slot(op.root)
      w.number(op.rows)
      w.number(op.columns)
      w.number(op.console)
      return
    case 'use_console':
      w.head(op, index, 51, 1)
      w.slot(op.slot)
      return
    case 'sethostname':
      w.head(op, index, 60, 1)
      w.text(op.name)
      return
    case 'setdomainname':
      w.head(op, index, 61, 1)
      w.text(op.name)
      return
    case 'umask':
      w.head(op, index, 62, 1)
      w.number(op.mask)
      return
    case 'set_no_new_privs':
      w.head(op, index, 63, 0)
      return
    case 'drop_bounding':
      w.head(op, index, 64, 2)
      w.u64(op.keep)
      w.number(op.last)
      return
    case 'keep_capabilities':
      w.head(op, index, 65, 0)
      return
    case 'setgroups':
      w.head(op, index, 66, 1)
      w.numbers(op.gids)
      return
    case 'setresgid':
      w.head(op, index, 67, 1)
      w.number(op.gid)
      return
    case 'setresuid':
      w.head(op, index, 68, 1)
      w.number(op.uid)
      return
    case 'capset':
      w.head(op, index, 69, 3)
      w.u64(op.effective)
      w.u64(op.permitted)
      w.u64(op.inheritable)
      return
    case 'raise_ambient':
      w.head(op, index, 70, 1)
      w.u64(op.mask)
      return
    case 'chown_stdio':
      w.head(op, index, 71, 2)
      w.number(op.uid)
      w.number(op.gid)
      return
    case 'chdir':
      w.head(op, index, 72, 2)
      w.text(op.path)
      w.number(op.retry)
      return
    case 'check_cwd':
      w.head(op, index, 73, 1)
      w.number(op.retry)
      return
    case 'seccomp':
      w.head(op, index, 74, 2)
      w.flags(seccompFlags, op.flags)
      w.bytes(op.program)
      return
    case 'seccomp_listen':
      w.head(op, index, 128, 3)
      w.newSlot(op.listener)
      w.flags(seccompFlags, op.flags)
      w.bytes(op.program)
      return
    case 'find_home':
      w.head(op, index, 75, 1)
      w.number(op.uid)
      return
    case 'find_executable':
      w.head(op, index, 76, 2)
      w.text(op.name)
      w.text(op.path)
      return
    case 'wait_start':
      w.head(op, index, 80, 2)
      w.slot(op.fifo)
      w.slot(op.fds)
      return
    case 'run_hook':
      w.head(op, index, 81, 6)
      w.text(op.path)
      w.texts(op.args)
      w.texts(op.env)
      w.number(op.timeout)
      w.text(op.before)
      w.text(op.after)
      return
    case 'open_hook_output':
      w.head(op, index, 152, 2)
      w.number(op.stream)
      w.path(op.path)
      return
    case 'close_on_exec':
      w.head(op, index, 82, 1)
      w.number(op.first)
      return
    case 'exec':
      w.head(op, index, 83, 2)
      w.texts(op.args)
      w.texts(op.env)
      return
    case 'exit':
      w.head(op, index, 140, 0)
      return
    case 'supervise':
      w.head(op, index, 90, 2)
      w.number(op.pid)
      if (op.console === undefined) w.absent()
      else w.number(op.console)
      return
    case 'release':
      w.head(op, index, 96, 6)
      w.number(op.pid)
      if (op.console === undefined) w.absent()
      else w.number(op.console)
      w.path(op.fifo)
      w.number(op.says)
      w.texts(op.args)
      w.texts(op.env)
      return
    case 'notify':
      w.head(op, index, 141, 2)
      w.number(op.listener)
      w.text(op.host)
      return
    case 'remove_cgroup':
      w.head(op, index, 91, 1)
      w.path(op.path)
      return
    case 'remove_file':
      w.head(op, index, 92, 1)
      w.path(op.path)
      return
    case 'remove_directory':
      w.head(op, index, 93, 1)
      w.path(op.path)
      return
    case 'clean_up_after_failure':
      w.head(op, index, 94, 2)
      w.texts(op.args)
      w.texts(op.env)
      return
    case 'clean_up':
      w.head(op, index, 130, 2)
      w.texts(op.args)
      w.texts(op.env)
      return
    case 'stop_unit':
      w.head(op, index, 153, 5)
      w.path(op.cgroup)
      w.path(op.socket)
      w.bytes(op.message)
      w.number(op.first)
      w.number(op.length)
      return
    case 'report_oom':
      w.head(op, index, 135, 3)
      w.path(op.file)
      w.texts(op.args)
      w.texts(op.env)
      return
    case 'exit_like_init':
      w.head(op, index, 95, 0)
      return
    case 'join_process':
      w.head(op, index, 100, 2)
      w.number(op.pid)
      w.flags(namespaces, op.namespaces)
      return
    case 'release_exec':
      w.head(op, index, 101, 6)
      w.number(op.pid)
      if (op.console === undefined) w.absent()
      else w.number(op.console)
      w.number(op.report)
      w.number(op.n)
      w.texts(op.args)
      w.texts(op.env)
      return
    case 'sched_setattr':
      w.head(op, index, 120, 7)
      w.one(schedPolicy, op.policy)
      w.signed(op.nice)
      w.number(op.priority)
      w.flags(schedFlags, op.flags)
      w.u64(op.runtime)
      w.u64(op.deadline)
      w.u64(op.period)
      return
    case 'ioprio_set':
      w.head(op, index, 121, 2)
      w.one(ioClass, op.class)
      w.number(op.priority)
      return
    case 'set_mempolicy':
      w.head(op, index, 122, 3)
      w.one(memoryMode, op.mode)
      w.flags(memoryFlags, op.flags)
      w.bytes(op.nodes)
      return
    case 'sched_setaffinity':
      w.head(op, index, 151, 1)
      w.bytes(op.cpus)
      return
    case 'personality':
      w.head(op, index, 123, 1)
      w.one(domain, op.domain)
      return
    case 'make_user_namespace':
      w.head(op, index, 126, 3)
      w.newSlot(op.slot)
      w.text(op.uid)
      w.text(op.gid)
      return
    case 'idmap_mount':
      w.head(op, index, 127, 3)
      w.slot(op.slot)
      w.slot(op.namespace)
      w.number(op.recursive)
      return
    case 'set_label':
      w.head(op, index, 124, 3)
      w.slot(op.proc)
      w.one(attribute, op.attribute)
      w.text(op.label)
      return
    case 'label_root':
      w.head(op, index, 125, 2)
      w.slot(op.slot)
      w.text(op.label)
      return
  }
}
