import { type Document, tested } from './sentence.js'

export const features: Document = {
  file: 'features.md',
  prefix: 'FT',
  count: 10,
  sections: [
    ['Features Structure', { 'FT-001': tested('features', 'nothing is null where it should be empty') }],
    [
      'Specification version',
      {
        'FT-002': tested('features', 'ociVersionMin is there'),
        'FT-003': tested('features', 'a config of ociVersionMin is accepted'),
        'FT-004': tested('features', 'ociVersionMax is there'),
        'FT-005': tested('features', 'a config of ociVersionMax is accepted'),
        'FT-006': tested('features', 'ociVersionMax is not below ociVersionMin'),
        'FT-007': tested('features', 'no property that this version does not define'),
      },
    ],
    ['Hooks', { 'FT-008': tested('features', 'every hook of the list is supported') }],
    [
      'Mount Options',
      {
        'FT-009': tested('features', 'every mount option of the list is recognized', {
          runc: ['find', 'lists defaults and hands it to the file system, which refuses it'],
        }),
      },
    ],
    ['Annotations', { 'FT-010': tested('features', 'annotations are strings by non-empty names') }],
  ],
}

export const featuresLinux: Document = {
  file: 'features-linux.md',
  prefix: 'FL',
  count: 10,
  sections: [
    ['Namespaces', { 'FL-001': tested('features', 'every namespace of the list is recognized') }],
    ['Capabilities', { 'FL-002': tested('features', 'every capability of the list is recognized') }],
    [
      'Seccomp',
      {
        'FL-003': tested('features', 'every seccomp action of the list is recognized'),
        'FL-004': tested('features', 'every seccomp operator of the list is recognized'),
        'FL-005': tested('features', 'every seccomp architecture of the list is recognized', {
          runc: ['find', 'lists big-endian architectures, which its library refuses on this machine'],
        }),
        'FL-006': tested('features', 'every known seccomp flag is recognized', {
          runc: ['newer', 'does not tell of flags'],
        }),
        'FL-007': tested('features', 'every supported seccomp flag works', {
          runc: ['newer', 'does not tell of flags'],
        }),
      },
    ],
    [
      'MemoryPolicy',
      {
        'FL-008': tested('features', 'every memory policy of the list is recognized', {
          runc: ['newer', 'does not tell of memory policies'],
        }),
        'FL-009': tested('features', 'every flag of memory policies is recognized', {
          runc: ['newer', 'does not tell of memory policies'],
        }),
      },
    ],
    [
      'MountExtensions',
      {
        'FL-010': tested('features', 'idmap is true, as uidMappings of mounts are used', {
          runc: ['newer', 'does not tell of idmap'],
        }),
      },
    ],
  ],
}
