import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'

/**
 * Copies every chunk of `source` to both branches, at the pace of the slower one. Rejects as soon as one of the three
 * fails or is closed early, and then destroys all of them: a branch that died (a checker that found damage, a store
 * that is full) ends the source instead of waiting for a `drain` that never comes.
 */
export async function tee(source: Readable, branches: readonly [Writable, Writable]): Promise<void> {
  const broken = new AbortController()
  broken.signal.addEventListener('abort', () => source.destroy(broken.signal.reason))
  const watchers = branches.map(branch => {
    const onClose = () => {
      if (!branch.writableFinished) broken.abort(branch.errored ?? new Error('a branch of the stream was closed early'))
    }
    // Without a listener an error on a branch would end the process.
    branch.on('error', onClose).once('close', onClose)
    // One that was closed before says so no more.
    if (branch.destroyed) onClose()
    return () => branch.off('close', onClose)
  })
  try {
    for await (const chunk of source) {
      const full = branches.filter(branch => !branch.write(chunk))
      if (full.length > 0) await Promise.all(full.map(branch => once(branch, 'drain', { signal: broken.signal })))
      broken.signal.throwIfAborted()
    }
    for (const branch of branches) branch.end()
  } catch (error) {
    const reason = broken.signal.aborted ? broken.signal.reason : error
    source.destroy()
    for (const branch of branches) branch.destroy(reason)
    throw reason
  } finally {
    for (const unwatch of watchers) unwatch()
  }
}
