import { type Document, tested } from './sentence.js'

export const runtime: Document = {
  file: 'runtime.md',
  prefix: 'RT',
  count: 56,
  sections: [
    [
      'Scope of a Container',
      { 'RT-001': tested('lifecycle', 'who created a container can use every operation on it') },
    ],
    [
      'State',
      {
        'RT-002': tested('state', 'the state has ociVersion'),
        'RT-003': tested('state', 'the state has the id'),
        'RT-004': tested('state', 'no two containers have one id'),
        'RT-005': tested('state', 'the state has a status'),
        'RT-006': tested('state', 'a status of our own (paused) is not one of the four by another name'),
        'RT-007': tested('state', 'the state has the pid while created and running'),
        'RT-008': tested('state', 'the state has the bundle as an absolute path'),
        'RT-009': tested('state', 'the JSON of the state fits its schema, in every status'),
      },
    ],
    [
      'Lifecycle',
      {
        'RT-010': tested('lifecycle', 'create makes the environment of config.json'),
        'RT-011': tested('lifecycle', 'an environment that cannot be made is an error'),
        'RT-012': tested('lifecycle', 'the resources are there after create'),
        'RT-013': tested('lifecycle', 'the program does not run at create'),
        'RT-014': tested('lifecycle', 'later changes of config.json have no effect'),
        'RT-015': tested('hooks', 'prestart hooks are run'),
        'RT-016': tested('hooks', 'a prestart hook that fails: error, no container, poststop'),
        'RT-017': tested('hooks', 'createRuntime hooks are run'),
        'RT-018': tested('hooks', 'a createRuntime hook that fails: error, no container, poststop'),
        'RT-019': tested('hooks', 'createContainer hooks are run'),
        'RT-020': tested('hooks', 'a createContainer hook that fails: error, no container, poststop'),
        'RT-021': tested('hooks', 'startContainer hooks are run'),
        'RT-022': tested('hooks', 'a startContainer hook that fails: error, the container stops', {
          runc: ['find', 'start succeeds'],
        }),
        'RT-023': tested('lifecycle', 'start runs the program'),
        'RT-024': tested('hooks', 'poststart hooks are run'),
        'RT-025': tested('hooks', 'a poststart hook that fails: error, the container stops', {
          runc: ['find', 'runs poststart hooks at create'],
        }),
        'RT-026': tested('lifecycle', 'delete undoes what create did'),
        'RT-027': tested('hooks', 'poststop hooks are run'),
        'RT-028': tested('hooks', 'a poststop hook that fails: a warning, and the next one runs', {
          runc: ['find', 'stops at the hook that fails'],
        }),
      },
    ],
    ['Errors', { 'RT-029': tested('lifecycle', 'an error leaves everything as it was') }],
    ['Warnings', { 'RT-030': tested('lifecycle', 'after a warning the operation goes on') }],
    ['Operations', { 'RT-031': tested('lifecycle', 'state, create, start, kill and delete are there') }],
    [
      'Query State',
      {
        'RT-032': tested('operations', 'state without an id is an error'),
        'RT-033': tested('operations', 'state of an unknown id is an error'),
        'RT-034': tested('state', 'state prints the state'),
      },
    ],
    [
      'Create',
      {
        'RT-035': tested('operations', 'create without bundle or id is an error'),
        'RT-036': tested('operations', 'an id that is taken or no id at all is an error'),
        'RT-037': tested('operations', 'and makes no container'),
        'RT-038': tested('operations', 'create makes a container'),
        'RT-039': tested('lifecycle', 'create applies all properties but process'),
        'RT-040': tested('lifecycle', 'process.args wait for start'),
        'RT-041': tested('operations', 'a property that cannot be applied is an error'),
        'RT-042': tested('operations', 'and makes no container'),
      },
    ],
    [
      'Start',
      {
        'RT-043': tested('operations', 'start without an id is an error'),
        'RT-044': tested('operations', 'start of what is not created has no effect'),
        'RT-045': tested('operations', 'and is an error'),
        'RT-046': tested('lifecycle', 'start runs the program of process, as process says'),
        'RT-047': tested('operations', 'start without a process is an error'),
      },
    ],
    [
      'Kill',
      {
        'RT-048': tested('operations', 'kill without an id is an error'),
        'RT-049': tested('operations', 'kill of what is neither created nor running has no effect'),
        'RT-050': tested('operations', 'and is an error'),
        'RT-051': tested('operations', 'kill sends the signal'),
      },
    ],
    [
      'Delete',
      {
        'RT-052': tested('operations', 'delete without an id is an error'),
        'RT-053': tested('operations', 'delete of what is not stopped has no effect'),
        'RT-054': tested('operations', 'and is an error'),
        'RT-055': tested('operations', 'delete removes what create made'),
        'RT-056': tested('operations', 'and nothing else'),
      },
    ],
  ],
}
