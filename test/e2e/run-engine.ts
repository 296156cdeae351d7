import { homedir } from 'node:os';
import { createInterface } from 'node:readline';
import {
  applyPlan,
  openTransport,
  planHost,
  recoverHost,
  systemDeps,
  type ApplyOptions,
  type ApplyResult,
  type ProgressLine,
  type Transport,
} from '../../lib/engine/index.js';
import { CitadelError, targetSchema, validateManifest } from '../../lib/manifest/index.js';

/**
 * The engine in a process of its own, on the operator's side: plans and applies what it is told, one job a line of
 * standard input, and says what happens, one JSON value a line. Tests kill it, cut its connections, and give the
 * transaction another text.
 */
export interface EngineJob {
  readonly host: string;
  readonly target: unknown;
  readonly manifest: unknown;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly transactionScript?: string;
  readonly options?: Partial<
    Pick<ApplyOptions, 'who' | 'waitSec' | 'applyTimeoutSec' | 'confirmTimeoutSec' | 'reconnectSec'>
  >;
}

export type EngineSays =
  | { readonly planned: { readonly changes: number; readonly risky: boolean; readonly recovered: boolean } }
  | { readonly progress: ProgressLine }
  | { readonly result: ApplyResult }
  | { readonly error: string };

function say(words: EngineSays): void {
  process.stdout.write(`${JSON.stringify(words)}\n`);
}

async function planned(transport: Transport, job: EngineJob): Promise<Awaited<ReturnType<typeof planHost>>> {
  return planHost(transport, validateManifest(job.manifest), {
    resolve: (name) => Promise.resolve(job.secrets?.[name] ?? ''),
  });
}

async function work(job: EngineJob): Promise<ApplyResult> {
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  process.on('SIGINT', stop);
  const deps = { host: job.host, home: homedir(), agentSocket: undefined };
  const transport = await openTransport(targetSchema.parse(job.target), deps);
  try {
    let plan = await planned(transport, job);
    const recovered = await recoverHost(transport, plan.observed);
    if (recovered) plan = await planned(transport, job);
    say({ planned: { changes: plan.changes.length, risky: plan.risky, recovered } });
    return await applyPlan(
      transport,
      plan,
      {
        who: 'tester@operator',
        settleSec: (job.target as { settleSec?: number }).settleSec ?? 0.2,
        ...job.options,
        signal: abort.signal,
        onProgress: (progress) => {
          say({ progress });
        },
      },
      {
        ...systemDeps,
        ...(job.transactionScript === undefined ? {} : { transactionScript: job.transactionScript }),
      },
    );
  } finally {
    process.off('SIGINT', stop);
    await transport.close();
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    say({ result: await work(JSON.parse(line) as EngineJob) });
  } catch (error) {
    say({
      error:
        error instanceof CitadelError ? error.message : String(error instanceof Error ? error.stack : error),
    });
  }
}
