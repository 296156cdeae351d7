/** Observes hosts, compares them with their manifests, and makes them equal. `docs/engine.md` tells how. */
export { applyPlan, type ApplyDeps, type ApplyOptions } from './apply/apply-plan.js';
export { pinGeneration } from './apply/pin-generation.js';
export type { Retention } from './apply/payload.js';
export { retentionOf } from './apply/retention.js';
export { acceptLeft, readLeft } from './apply/resolve-host.js';
export { recoverHost } from './apply/recover-host.js';
export type { ProgressLine } from './apply/progress.js';
export type {
  ApplyFailure,
  ApplyOutcome,
  ApplyResult,
  Change,
  ChangeAction,
  ChangeCause,
  GenerationRecord,
  HostPlan,
  LeftItem,
  LeftPlace,
  ObservedHost,
  ObservedMount,
  ObservedPath,
  ObservedUnit,
  ObservedUser,
  OpenTransaction,
  UnitAction,
} from './model.js';
export { fetchContents } from './observe/fetch-contents.js';
export { readHistory, readManifest } from './observe/history.js';
export { observeHost, type ReadOptions } from './observe/observe-host.js';
export { formatUnifiedDiff, type DiffNames } from './diff/unified.js';
export { planHost } from './plan/plan-host.js';
export { createSecretResolver, type SecretDeps } from './secrets/sources.js';
export { maskDesired, maskLive, type PastSecrets, type SecretContext } from './secrets/mask.js';
export { resolveSecrets, type SecretResolver } from './secrets/resolver.js';
export { commitOf } from './repository.js';
export { systemDeps } from './system.js';
export { isConnectionLost, openTransport, SshPool, type TargetDeps } from './targets/index.js';
export type { ReadTransport, Transport } from './transport.js';
