import type { SettingsOf } from '../settings/table.ts'
import type { Deps } from '../system/deps.ts'
import { localStore } from './local.ts'
import type { Store } from './store.ts'

type StoreSettings = Pick<SettingsOf<'list'>, 'storage' | 'localDir'>

/** Every store, one line each, by the value of `storage` that chooses it. */
const stores = {
  local: ({ localDir }, deps) => localStore(localDir, deps),
} satisfies Record<string, (settings: StoreSettings, deps: Deps) => Store>

export function openStore(settings: StoreSettings, deps: Deps): Store {
  return stores[settings.storage](settings, deps)
}
