import type { Deps } from '../system/deps.ts'
import type { Engine } from './engine.ts'
import { mongo } from './mongo/index.ts'
import { postgres } from './postgres/index.ts'

/** Every engine, one line each. */
export function engines(deps: Deps): readonly Engine[] {
  return [mongo(deps), postgres(deps)]
}
