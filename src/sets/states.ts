import type { Manifest } from './manifest.ts'

/** What a listing alone can tell of a set; `committed` has a manifest, which says whether it is complete. */
export type ListedState = 'committed' | 'unfinished' | 'removing' | 'legacy'

/**
 * What a set is: `docs/architecture.md` says what becomes of each. `unreadable` is a committed set whose manifest
 * cannot be read: it may hold good dumps, and nothing removes or restores it by itself.
 */
export type State = 'complete' | 'partial' | 'unreadable' | Exclude<ListedState, 'committed'>

export function stateOf(manifest: Pick<Manifest, 'failed'>): 'complete' | 'partial' {
  return manifest.failed.length === 0 ? 'complete' : 'partial'
}
