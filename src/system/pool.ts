/** Runs `work` on every item, `size` at a time. Settles when all work has ended, with the first rejection if any. */
export async function inPool<T>(items: readonly T[], size: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  }
  // Nobody may clean up behind work that still runs.
  const outcomes = await Promise.allSettled(Array.from({ length: Math.min(size, items.length) }, worker))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}
