import { execFile } from 'node:child_process'
import { basename } from 'node:path'
import { promisify } from 'node:util'

export interface Running {
  readonly pid: number
  readonly parent: number
  /** The process group: that of the command line which it descends from, for it and its tools make no other. */
  readonly group: number
  readonly command: string
}

/** Every process of the machine but the ones that have ended and only wait for their parent to notice. */
export async function processes(): Promise<readonly Running[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-ww', '-o', 'pid=,ppid=,pgid=,stat=,args='])
  return stdout.split('\n').flatMap(line => {
    const [, pid, parent, group, state, command] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? []
    if (command === undefined || state?.startsWith('Z')) return []
    return [{ pid: Number(pid), parent: Number(parent), group: Number(group), command }]
  })
}

/** What runs in a process group, its first process included. */
export async function groupOf(group: number): Promise<readonly Running[]> {
  return (await processes()).filter(running => running.group === group)
}

/** The children of a process that run a program of this name. */
export async function childrenNamed(parent: number, program: string): Promise<readonly Running[]> {
  const named = ({ command }: Running) => basename(command.split(' ', 1)[0] ?? '') === program
  return (await processes()).filter(running => running.parent === parent && named(running))
}
