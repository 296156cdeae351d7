import type { Retention } from '../engine/apply/payload.js';
import type { ProgressLine } from '../engine/apply/progress.js';
import type {
  ApplyResult,
  CommandAnswer,
  GenerationRecord,
  HostPlan,
  HostStatus,
  LeftPlace,
  ObservedHost,
  RunRecord,
} from '../engine/model.js';
import type { CommandRequest } from '../engine/run/run-command.js';
import type { AlertmanagerRequest } from '../engine/silence/ask-alertmanager.js';
import type { ReadTransport, Transport } from '../engine/transport.js';
import type { HostManifest, SecretSources, Target } from '../manifest/index.js';
import type { OfferedHostKey, SshPool } from '../ssh/index.js';
import type { RecoveryPort } from './rebuild/recovery-port.js';

export type { ProgressLine };

/** What the commands need of the engine. `engine.ts` is the real one; tests pass a double. */
export interface EnginePort {
  /** @param pool what connections of this command share */
  /** @param secrets for the passphrases and passwords that the target names */
  open(
    host: string,
    target: Target,
    signal: AbortSignal,
    secrets: SecretSources,
    options: ProjectOption & { readonly pool?: SshPool },
  ): Promise<Transport>;
  /** Reads the host and says what would be done to it; the transport has no way to write, and may still be opening. */
  plan(
    transport: Promise<ReadTransport>,
    manifest: HostManifest,
    secrets: SecretSources,
    options: ReadOptions & ProjectOption,
  ): Promise<HostPlan>;
  /**
   * Ends what a dead transaction left open. False when nothing was, when a living one is at work, or when the undo failed:
   * an apply says then what it finds.
   */
  recover(transport: Transport, observed: Pick<ObservedHost, 'open'>): Promise<boolean>;
  /** What an undo could not put back, path by path. */
  left(transport: ReadTransport, options: ReadOptions): Promise<LeftPlace[]>;
  /** Ends the transaction `id` with what is there now. Returns the folder that keeps the copies of before. */
  accept(transport: Transport, host: string, id: string): Promise<string>;
  apply(transport: Transport, plan: HostPlan, options: ApplyPortOptions): Promise<ApplyResult>;
  /** Marks a generation as never to be dropped, or takes the mark away. */
  pin(transport: Transport, generation: number, pinned: boolean, options: ReadOptions): Promise<void>;
  history(transport: ReadTransport, options: ReadOptions): Promise<GenerationRecord[]>;
  /** Runs a command of the operator's, which the host writes down before it begins. */
  command(transport: Transport, request: CommandRequest, signal: AbortSignal): Promise<CommandAnswer>;
  /** What a host knows of its own state, in one read. `textfiles`: directory of node exporter's on the host. */
  status(transport: ReadTransport, textfiles: string, options: ReadOptions): Promise<HostStatus>;
  /** The commands that were run on a host, oldest first. */
  runs(transport: ReadTransport, options: ReadOptions): Promise<RunRecord[]>;
  /** The document of a past generation. @throws CitadelError also when it is not the one that its digest names */
  manifestOf(
    transport: ReadTransport,
    generation: number,
    options: ReadOptions & DigestOption,
  ): Promise<HostManifest>;
  /** What a host remembers of earlier applies, whatever it should be now. */
  observe(transport: ReadTransport, host: string, options: ReadOptions): Promise<ObservedHost>;
  /** Values of all secrets that can be had, and names of those that cannot: to keep them out of what is written. */
  secrets(sources: SecretSources, options: ProjectOption): Promise<SecretValues>;
  /**
   * Reads the secrets of a document before anything is done for it. A later plan takes the values from here: a source that
   * asks a person asks once.
   *
   * @throws CitadelError with a problem for every secret that cannot be read; holds no value
   */
  requireSecrets(manifest: HostManifest, sources: SecretSources, options: ProjectOption): Promise<void>;
  /** The keys that an SSH server offers, for a person to compare; no more of them than to the first that is pinned. */
  scanHostKeys(
    host: string,
    address: string,
    port: number,
    deadlineSec: number,
    pins?: readonly string[],
  ): Promise<readonly OfferedHostKey[]>;
  /** What the Alertmanager on a host answers. @throws CitadelError where it does not, or refuses */
  askAlertmanager(transport: Transport, request: AlertmanagerRequest, options: ReadOptions): Promise<string>;
  /** What only a rebuild needs. */
  recovery(): Promise<RecoveryPort>;
}

export interface ProjectOption {
  /** Absolute path of the project's folder: relative paths of secrets start there. */
  readonly projectDir: string;
}

export interface DigestOption {
  /** Digest that the generation's record has. */
  readonly digest: string;
}

export interface SecretValues {
  readonly values: readonly Buffer[];
  readonly unknown: readonly string[];
}

export interface ReadOptions {
  readonly signal: AbortSignal;
  /** Seconds for one reading step. */
  readonly deadlineSec?: number;
}

export interface ApplyPortOptions {
  readonly who: string;
  /** Commit of the operator's repository. */
  readonly commit?: string;
  /** Version of this tool. */
  readonly tool: string;
  /** Seconds to wait for another run to end; 0: do not wait. */
  readonly waitSec: number;
  readonly applyTimeoutSec?: number;
  readonly confirmTimeoutSec?: number;
  readonly settleSec?: number;
  readonly retention?: Retention;
  readonly onProgress: (line: ProgressLine) => void;
  readonly signal: AbortSignal;
}
