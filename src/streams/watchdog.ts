const looks = 10

/**
 * Calls `onStall` once when `bytes` has not grown for `limitMs` (a connection that died without a word does not end a
 * stream). Looks ten times in that span. Returns what ends the watch.
 */
export function watchdog(bytes: () => number, limitMs: number, onStall: () => void): () => void {
  let last = bytes()
  let still = 0
  const timer = setInterval(() => {
    const now = bytes()
    still = now === last ? still + 1 : 0
    last = now
    if (still < looks) return
    clearInterval(timer)
    onStall()
  }, limitMs / looks)
  return () => clearInterval(timer)
}
