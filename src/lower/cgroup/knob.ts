import type { Int64 } from '../../base/int64.js'
import type { Resources } from '../../spec/types.gen.js'

/** A driver that has nothing for a field: the user is told, with the reason. */
export interface Nothing {
  readonly none: string
}

/** A field that another row writes, or that is no setting of a cgroup: nothing is to be told. */
export interface Elsewhere {
  readonly elsewhere: string
}

/** A file of a cgroup. */
export interface KnobFile<V> {
  readonly controller: string
  readonly file: string
  /** What is written, each string by a write of its own; undefined: nothing. May throw ConfigError. */
  text(value: V, resources: Resources, field: string): string | readonly string[] | undefined
  /** Errnos that do not matter for what is written: the kernel does what was asked without the file. */
  tolerate?(text: string): readonly string[]
  /** Another file of the same controller, for kernels that lack the first, with its own units. */
  readonly otherwise?: { readonly file: string; text(value: V): string | readonly string[] }
}

/** A list of device nodes with a number each: a(st). */
export type DeviceValues = readonly (readonly [node: string, value: Int64])[]

/** A property of a systemd unit, systemd.resource-control(5), with its D-Bus value; undefined: it is not set. */
export interface UnitValue<V> {
  readonly property: string
  value(value: V, resources: Resources): Int64 | Uint8Array | DeviceValues | undefined
}

/**
 * What systemd is told on cgroup v2; the file is written as well, for what systemd rounds and for the kernel's own errors. On v1 it is
 * the same, which systemd converts, or what `v1` says: there systemd writes its own values again at every daemon-reload, so it has
 * to know them exactly.
 */
export interface KnobProperty<V> extends UnitValue<V> {
  readonly v1?: UnitValue<NoInfer<V>> | Nothing
}

/** One setting, with an answer for every driver: the type lets no driver be forgotten. Rows stand in the order of writing. */
export interface Knob<V = unknown> {
  /** JSON pointer of the config field. */
  readonly field: string
  /** Its value, undefined where it is not set (for many fields 0 says so too). */
  get(resources: Resources): V | undefined
  readonly v1: KnobFile<NoInfer<V>> | Nothing | Elsewhere
  readonly v2: KnobFile<NoInfer<V>> | Nothing | Elsewhere
  readonly systemd: KnobProperty<NoInfer<V>> | Nothing | Elsewhere
  /**
   * `join`: before a process joins, because the kernel wants it so. `setup`: when the container is set up, before its
   * hooks run; what the set-up takes is not to be throttled, refused or killed by the container's own limits.
   */
  readonly when: 'join' | 'setup'
}

/** Infers the type of a row's value. */
export function knob<V>(row: Knob<V>): Knob {
  return row
}
