/**
 * Annotations `run.oci.*`: crun's, which podman and its users write. Each honoured one is read where its effect is lowered; this is the list
 * of them, and of what a reader of crun's manual may expect of the others.
 */
import type { Spec } from './types.gen.js'

export const OCI_RUN = 'run.oci.'

/** README says what they do. */
export const honoured = [
  'run.oci.keep_original_groups',
  'run.oci.hooks.stdout',
  'run.oci.hooks.stderr',
  'run.oci.mount_context_type',
  'run.oci.seccomp.receiver',
  'run.oci.seccomp_fail_unknown_syscall',
  'run.oci.pidfd_receiver',
] as const

/** Those without effect here, and why; of them as of unknown ones a warning tells, an error with `--strict`. */
export const ignored: { readonly [name: string]: string } = {
  'run.oci.seccomp.plugins':
    'nothing of tsrun stays beside a container that could call plugins: give run.oci.seccomp.receiver the socket of a process that does',
  'run.oci.seccomp_bpf_data':
    'who may write annotations could take away the filter of the config: write it as a profile',
  'run.oci.systemd.force_cgroup_v1':
    'systemd knows cgroup v2 since version 226: mount what an older one needs by an entry of mounts',
  'run.oci.systemd.subgroup':
    'limits are set on the scope itself, which is delegated: a container with a cgroup namespace makes its own cgroups below',
  'run.oci.delegate-cgroup':
    'the cgroup of a container with a cgroup namespace is delegated: it makes its own cgroups below',
}

export type HonouredAnnotation = (typeof honoured)[number]

/** The value of an annotation that is honoured. */
export function annotated(
  { annotations }: Pick<Spec, 'annotations'>,
  name: HonouredAnnotation,
): string | undefined {
  return annotations?.[name]
}

/** The value says yes. crun takes anything but `0` for that. */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== '0'
}

/** Where the listener of a seccomp profile is sent, with the place in the config that says so. */
export function seccompListener(spec: Spec): { readonly path: string; readonly at: string } | undefined {
  const own = spec.linux?.seccomp?.listenerPath
  if (own !== undefined && own !== '') return { path: own, at: '/linux/seccomp/listenerPath' }
  const path = annotated(spec, 'run.oci.seccomp.receiver')
  return path === undefined || path === '' ? undefined : { path, at: '/annotations/run.oci.seccomp.receiver' }
}
