import type { ApplyResult, HostPlan } from '../../engine/model.js';
import type { Transport } from '../../engine/transport.js';
import type { HostManifest } from '../../manifest/schema.js';
import { canonicalJson } from '../../manifest/canonical.js';
import type { ApplyOptions, EnginePort, HostConnection } from './engine-port.js';

/**
 * The dealings with one host: one connection, opened when first needed, used by one call at a time. What
 * was planned for a document is kept, so that a read and a plan of the same document look at the host once.
 */
export class Session {
  private transport: Promise<Transport> | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private lastPlan: { readonly document: string; readonly plan: HostPlan } | undefined;

  constructor(
    private readonly engine: EnginePort,
    readonly connection: HostConnection,
  ) {}

  get host(): string {
    return this.connection.host;
  }

  plan(manifest: HostManifest): Promise<HostPlan> {
    return this.exclusively(async () => {
      const document = canonicalJson(manifest);
      if (this.lastPlan?.document === document) return this.lastPlan.plan;
      const plan = await this.engine.planHost(await this.open(), manifest, this.connection);
      this.lastPlan = { document, plan };
      return plan;
    });
  }

  /** Ends what a dead transaction left open; true when the host has to be looked at again. */
  recover(plan: HostPlan): Promise<boolean> {
    return this.exclusively(async () => {
      this.lastPlan = undefined;
      return this.engine.recoverHost(await this.open(), plan);
    });
  }

  apply(plan: HostPlan, options: ApplyOptions): Promise<ApplyResult> {
    return this.exclusively(async () => {
      // Whatever comes of it, the host is no longer what was looked at.
      this.lastPlan = undefined;
      return this.engine.applyPlan(await this.open(), plan, this.connection, options);
    });
  }

  currentManifest(): Promise<HostManifest | null> {
    return this.exclusively(async () => this.engine.readCurrentManifest(await this.open(), this.connection));
  }

  async close(): Promise<void> {
    const { transport } = this;
    this.transport = undefined;
    if (transport === undefined) return;
    await transport.then((open) => open.close()).catch(() => undefined);
  }

  private open(): Promise<Transport> {
    this.transport ??= this.engine
      .openTransport(this.connection.target, this.host)
      .catch((error: unknown) => {
        this.transport = undefined;
        throw error;
      });
    return this.transport;
  }

  private exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.queue.then(work);
    this.queue = result.catch(() => undefined);
    return result;
  }
}
