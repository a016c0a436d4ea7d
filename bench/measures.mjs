// What `make bench` measures: for each row the words for bench/side, and what is needed around it.

/**
 * `against` is whom a row is compared with, where it is not crun; `able` tells which runtimes have the command at all.
 * @param tools how bench.mjs calls a runtime: words for bench/side, a call that leaves a process behind, and one that does not
 */
export function measuresOf({ side, leave, call, bundles }) {
  /** Around a measure of a container that sleeps. */
  const beside = steps => ({
    before: rt => {
      for (const step of steps)
        leave(rt, step, ...(step === 'create' ? ['--bundle', bundles.sleep] : []), rt.id)
    },
    after: rt => call(rt, 'delete', '--force', rt.id),
  })

  return {
    'run /bin/true': { words: rt => side(rt, 'run', '--bundle', bundles.plain, rt.id) },
    "run /bin/true, Docker's seccomp profile": {
      words: rt => side(rt, 'run', '--bundle', bundles.seccomp, rt.id),
    },
    'create + start + state + kill + delete': {
      words: rt => [
        ...[...side(rt, 'create', '--bundle', bundles.sleep, rt.id), '+', ...side(rt, 'start', rt.id), '+'],
        ...[
          ...side(rt, 'state', rt.id),
          '+',
          ...side(rt, 'kill', rt.id, 'KILL'),
          '~',
          ...side(rt, 'delete', rt.id),
        ],
      ],
    },
    state: { ...beside(['create']), words: rt => side(rt, 'state', rt.id) },
    'exec /bin/true': {
      ...beside(['create', 'start']),
      words: rt => side(rt, 'exec', rt.id, '/bin/true'),
    },
    'pause + resume': {
      ...beside(['create', 'start']),
      against: 'runc',
      words: rt => [...side(rt, 'pause', rt.id), '+', ...side(rt, 'resume', rt.id)],
    },
    'events --stats': {
      ...beside(['create', 'start']),
      against: 'runc',
      able: ({ name }) => /^(tsrun|runc)/.test(name),
      words: rt => side(rt, 'events', '--stats', rt.id),
    },
    '--version': { words: rt => [...(rt.variables ?? []), ...rt.argv, '--version'] },
  }
}
