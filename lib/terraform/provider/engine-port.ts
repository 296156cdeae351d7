import type { ApplyResult, HostPlan } from '../../engine/model.js';
import type { ReadTransport, Transport } from '../../engine/transport.js';
import type { HostManifest } from '../../manifest/schema.js';
import type { SecretSources, Target } from '../../manifest/target.js';

/** What the provider's block says of one host. */
export interface HostConnection {
  /** Name of the host, as its document says it. */
  readonly host: string;
  /** Path of the document's file; absent where the block names none. */
  readonly document?: string;
  readonly target: Target;
  readonly secrets: SecretSources;
}

/** What the provider tells the engine about an apply. */
export interface ApplyOptions {
  /** Who asks, for the lock and the history: `ada@laptop (terraform)`. */
  readonly who: string;
  /** One line of progress. */
  readonly onProgress: (line: string) => void;
}

/**
 * What the provider needs of the engine and of the manifest's schema. `engine.ts` is the real one and is loaded
 * when the first call needs it; tests bring doubles. Everything here throws `CitadelError` for what a person can
 * fix.
 */
export interface EnginePort {
  /** Checks a document's shape and rules, all problems at once. */
  parseManifest(document: unknown): HostManifest;
  /** Checks the shape of a document that a state has: newer rules must not make it unreadable. */
  parseRecorded(document: unknown): HostManifest;
  /** @param host named in the problems */
  parseTarget(target: unknown, host: string): Target;
  parseSecrets(sources: unknown, host: string): SecretSources;

  openTransport(target: Target, host: string): Promise<Transport>;
  planHost(transport: ReadTransport, manifest: HostManifest, connection: HostConnection): Promise<HostPlan>;
  /** Ends what a dead transaction left open; true when the host has to be looked at again. */
  recoverHost(transport: Transport, plan: HostPlan): Promise<boolean>;
  applyPlan(
    transport: Transport,
    plan: HostPlan,
    connection: HostConnection,
    options: ApplyOptions,
  ): Promise<ApplyResult>;
  /** The manifest of the current generation; `null` on a host that has none. */
  readCurrentManifest(transport: ReadTransport, connection: HostConnection): Promise<HostManifest | null>;
}
