import { execFile } from 'node:child_process'

/** Runs a short command to its end and returns what it said; rejects when it cannot be started or does not end. */
export type Capture = (
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
) => Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>

// A folder of PATH may lie on a dead network disk, or a wrapper wait for something that never comes.
const timeoutMs = 10_000
const largestOutput = 1024 * 1024

/** `signal` ends the command too. */
export function captureUntil(signal?: AbortSignal): Capture {
  return (file, args, env) =>
    new Promise((resolve, reject) => {
      const limits = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: largestOutput } as const
      const child = execFile(file, args, { env, ...limits, ...(signal && { signal }) }, (error, stdout, stderr) => {
        if (error === null) resolve({ code: 0, stdout, stderr })
        else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr })
        else reject(error)
      })
      child.stdin?.on('error', () => {}).end()
    })
}
