import { statfsType } from './files.js'

const SELINUX_MAGIC = 0xf97cff8c

/** Whether SELinux is on: its file system is there. */
export const hasSelinux = (): boolean => statfsType('/sys/fs/selinux') === SELINUX_MAGIC
