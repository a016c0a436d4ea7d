import { consistsOf } from '../patterns.js'
import { show } from '../pointer.js'
import { broken, type ResourcesRule } from './rule.js'

/** -1 takes a limit away; other negative numbers mean nothing. */
export const memory: ResourcesRule = ({ memory }, at) => {
  if (memory === undefined) return undefined
  for (const field of ['limit', 'reservation', 'swap'] as const) {
    const value = memory[field]
    if (value !== undefined && value < -1) {
      return broken(`${at}/memory/${field}`, 'memory-negative', `must be -1 (no limit) or more, is ${value}`)
    }
  }
  return undefined
}

/** Bounds of the kernel's CFS bandwidth control (kernel/sched/core.c), whose error is a bare EINVAL. 0 is unset. */
export const cpu: ResourcesRule = ({ cpu }, at) => {
  if (cpu === undefined) return undefined
  const { period = 0, quota = 0, burst = 0 } = cpu
  if (period !== 0 && (period < 1000 || period > 1000000)) {
    return broken(
      `${at}/cpu/period`,
      'cpu-period-range',
      `must be 1000 to 1000000 (microseconds), is ${period}`,
    )
  }
  if (quota < -1 || (quota > 0 && quota < 1000)) {
    const text = `must be -1 (no limit) or at least 1000 (microseconds), is ${quota}`
    return broken(`${at}/cpu/quota`, 'cpu-quota-range', text)
  }
  if (quota > 0 && burst > quota) {
    return broken(`${at}/cpu/burst`, 'cpu-burst-quota', `must be at most the quota, ${quota}, is ${burst}`)
  }
  for (const field of ['cpus', 'mems'] as const) {
    const list = cpu[field]
    if (list !== undefined && !consistsOf(list, '0123456789,- \n')) {
      return broken(`${at}/cpu/${field}`, 'cpuset-list', `must be a list like 0-3,7, is ${show(list)}`)
    }
  }
  return undefined
}

/** A weight of 0 is unset, as engines write it. */
export const blockIO: ResourcesRule = ({ blockIO }, at) => {
  if (blockIO === undefined) return undefined
  const { weight = 0, leafWeight = 0, weightDevice = [] } = blockIO
  const here = `${at}/blockIO`
  const error = ioWeight(weight, `${here}/weight`) ?? ioWeight(leafWeight, `${here}/leafWeight`)
  if (error !== undefined) return error
  for (let i = 0; i < weightDevice.length; i++) {
    const { weight, leafWeight } = weightDevice[i] as (typeof weightDevice)[number]
    const device = `${here}/weightDevice/${i}`
    if (weight === undefined && leafWeight === undefined)
      return broken(device, 'block-io-device', 'needs weight or leafWeight, or both')
    const error =
      ioWeight(weight ?? 0, `${device}/weight`) ?? ioWeight(leafWeight ?? 0, `${device}/leafWeight`)
    if (error !== undefined) return error
  }
  for (const field of throttles) {
    const list = blockIO[field] ?? []
    for (let i = 0; i < list.length; i++) {
      if (list[i]?.rate === undefined)
        return broken(`${here}/${field}/${i}/rate`, 'block-io-device', 'is missing; 0 is no limit')
    }
  }
  return undefined
}

const throttles = [
  'throttleReadBpsDevice',
  'throttleWriteBpsDevice',
  'throttleReadIOPSDevice',
  'throttleWriteIOPSDevice',
] as const

const ioWeight = (weight: number, at: string) =>
  weight === 0 || (weight >= 10 && weight <= 1000)
    ? undefined
    : broken(at, 'block-io-weight', `must be 10 to 1000, or 0 for none, is ${weight}`)

export const hugepages: ResourcesRule = ({ hugepageLimits }, at) => {
  if (hugepageLimits === undefined) return undefined
  for (let i = 1; i < hugepageLimits.length; i++) {
    const size = hugepageLimits[i]?.pageSize
    if (hugepageLimits.findIndex(({ pageSize }) => pageSize === size) === i) continue
    return broken(`${at}/hugepageLimits/${i}/pageSize`, 'hugepages-twice', `${size} has a limit already`)
  }
  return undefined
}

/** Names become words of a line that the kernel splits at spaces, or files below the cgroup. */
export const namesOfFiles: ResourcesRule = ({ rdma, network, unified }, at) => {
  for (const name in rdma) {
    if (!isWord(name))
      return broken(`${at}/rdma`, 'device-name', `${show(name)} is no name of an RDMA device`)
    if (rdma[name]?.hcaHandles === undefined && rdma[name]?.hcaObjects === undefined)
      return broken(`${at}/rdma/${name}`, 'rdma-limit', 'needs hcaHandles or hcaObjects, or both')
  }
  const priorities = network?.priorities ?? []
  for (let i = 0; i < priorities.length; i++) {
    const { name } = priorities[i] as (typeof priorities)[number]
    if (isWord(name)) continue
    const text = `${show(name)} is no name of a network interface`
    return broken(`${at}/network/priorities/${i}/name`, 'device-name', text)
  }
  for (const file in unified) {
    const dot = file.indexOf('.')
    if (dot > 0 && !file.includes('/')) continue
    const text = `unified resource ${show(file)} must be a file name like memory.high (CONTROLLER.PARAMETER)`
    return broken(`${at}/unified`, 'unified-name', text)
  }
  return undefined
}

const isWord = (name: string): boolean =>
  name !== '' && !name.includes(' ') && !name.includes('\n') && !name.includes('/')
