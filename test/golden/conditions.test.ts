/**
 * What runc's validator refuses, condition by condition, and what crun adds: each has a file of bad-configs/, or depends on the machine and
 * has a test elsewhere. Nothing that other runtimes notice may pass here.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { repository } from '../support/payload.js'

/** Files of bad-configs/ without their ending; `test:FILE` is a test that has the machine, with a word that it must hold. */
const conditions: Readonly<Record<string, readonly string[]>> = {
  'no root, or no path in it': ['root-missing', 'root-path-empty', 'root-path-missing'],
  'a rootfs that is not there, or no directory': ['test:conformance/required.test.ts#aFileForRoot'],
  'an unknown or a duplicated namespace': ['namespace-unknown', 'namespace-twice'],
  'an unknown propagation of the root': ['propagation-unknown'],
  'network devices without a network namespace': ['net-device-no-namespace'],
  'a bad name of a network device': [
    'net-device-host-name',
    'net-device-long',
    'net-device-name',
    'net-device-slash',
  ],
  'hostname or domainname without a UTS namespace': ['hostname-no-uts', 'domainname-no-uts'],
  'masked or read-only paths without a mount namespace': ['masked-no-mountns', 'readonly-no-mountns'],
  'a label of SELinux where it is off': ['test:integration/idmap.test.ts#selinuxLabel'],
  'a user namespace without path and mappings': ['userns-no-maps', 'userns-no-uid-map', 'userns-no-gid-map'],
  'mappings without a user namespace': ['maps-no-userns'],
  'mappings that are not those of the namespace to join': ['test:integration/userns.test.ts#other maps'],
  'time offsets with a path, or without a time namespace': ['time-joined', 'time-no-namespace'],
  'a sysctl of the host’s ipc namespace': ['sysctl-host-ipc', 'sysctl-slashes-ipc', 'sysctl-mqueue'],
  'a sysctl of the host’s network': [
    'sysctl-host-net',
    'test:integration/namespaces.test.ts#joined by path, keep',
  ],
  'a sysctl beside hostname or domainname': [
    'sysctl-hostname',
    'sysctl-slashes-hostname',
    'sysctl-domainname',
  ],
  'a sysctl of user namespaces without one': ['sysctl-user'],
  'a sysctl of the whole machine': ['sysctl-not-namespaced', 'sysctl-slashes-host', 'sysctl-dots'],
  'resctrl that is not there': ['test:conformance/intelrdt.test.ts#LX-053'],
  'a bad closID': ['rdt-group', 'rdt-reserved'],
  'a schema that the hardware lacks': ['test:unit/resctrl.test.ts#refuses'],
  'a path for systemd that is no slice:prefix:name': [
    'systemd-path',
    'systemd-path-two',
    'cgroups-path-colons',
  ],
  'device rules without access, or of another type': [
    'device-rule-no-access',
    'device-rule-access',
    'device-rule-type',
  ],
  'data for a bind, with --strict': ['strict-bind-data'],
  'idmap without both mappings': ['idmap-no-uid-map', 'idmap-no-gid-map', 'idmap-no-maps'],
  'idmap of what cannot have it': ['idmap-cgroup', 'idmap-cgroup-remount'],
  'a NUL in a mount': ['mount-source-nul', 'mount-type-nul', 'env-nul'],
  'a scheduler without or with an unknown policy': [
    'scheduler-no-policy',
    'scheduler-policy',
    'scheduler-iso',
  ],
  'nice out of range or of another policy': ['scheduler-nice-range', 'scheduler-nice-policy'],
  'a priority of another policy': [
    'scheduler-priority-policy',
    'scheduler-priority-range',
    'scheduler-priority-missing',
  ],
  'fields of SCHED_DEADLINE elsewhere': ['scheduler-deadline-policy', 'scheduler-deadline-order'],
  'an unknown scheduler flag': ['scheduler-flag'],
  'an I/O priority or class that is not there': [
    'io-priority-range',
    'io-priority-class',
    'io-priority-no-class',
  ],
  'a bad mode, node list or flag of memoryPolicy': [
    'memory-policy-mode',
    'memory-policy-nodes-syntax',
    'memory-policy-flag-unknown',
    'memory-policy-flags',
  ],
  'nodes for MPOL_DEFAULT or MPOL_LOCAL': ['memory-policy-default-nodes', 'memory-policy-nodes-refused'],
  'no nodes where they are needed': [
    'memory-policy-bind-nodes',
    'memory-policy-nodes-needed',
    'memory-policy-preferred-many',
    'memory-policy-weighted',
  ],
  'rootless without a user namespace': ['test:integration/rootless.test.ts#rootless container requires'],
  'uid= or gid= of a mount that is not mapped': ['mount-uid-unmapped', 'mount-gid-unmapped'],
  'a systemd property of a bad name': [
    'systemd-property-short',
    'systemd-property-letters',
    'systemd-property-unsafe',
  ],
  'a systemd property of a bad value': ['systemd-property-value', 'systemd-property-seconds'],
  'an unknown limit': ['rlimit-unknown'],
  'tmpcopyup of what is no tmpfs, or on /': [
    'mount-copy-up-bind',
    'mount-copy-up-proc',
    'mount-copy-up-root',
  ],
  'swap without or below the limit of memory': ['swap-no-limit', 'swap-below-limit'],
  'a sub-cgroup that leads out': ['test:integration/exec.test.ts#\\.\\.'],
}

t.test('every condition has its golden', async t => {
  const missing: string[] = []
  for (const [condition, files] of Object.entries(conditions)) {
    t.ok(files.length > 0, condition)
    for (const file of files) {
      if (!file.startsWith('test:')) {
        if (!existsSync(join(repository, 'test/golden/bad-configs', `${file}.json`))) missing.push(file)
        continue
      }
      const [path = '', word = ''] = file.slice('test:'.length).split('#')
      if (!new RegExp(word).test(readFileSync(join(repository, 'test', path), 'utf8'))) missing.push(file)
    }
  }
  t.same(missing, [])
})
