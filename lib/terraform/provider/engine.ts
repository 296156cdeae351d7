import { homedir } from 'node:os';
import {
  applyPlan,
  commitOf,
  createSecretResolver,
  openTransport,
  planHost,
  readManifest,
  recoverHost,
  retentionOf,
  SshPool,
  systemDeps,
  type ProgressLine,
  type Retention,
} from '../../engine/index.js';
import { CitadelError } from '../../manifest/problem.js';
import { recordedManifest, validateManifest } from '../../manifest/validate.js';
import type { Target } from '../../manifest/target.js';
import type { EnginePort } from './engine-port.js';
import { parseSecrets, parseTarget } from './parse.js';
import { toolVersion } from '../../text/tool-version.js';

/** So that sshd and jump hosts are not asked for more log-ins at a time than they take. */
const pool = new SshPool();

/** The real engine, as the provider uses it. */
export const enginePort: EnginePort = {
  parseManifest: validateManifest,
  parseRecorded: recordedManifest,
  parseTarget,
  parseSecrets,
  openTransport: (target, host) =>
    openTransport(target, { host, home: homedir(), agentSocket: process.env['SSH_AUTH_SOCK'], pool }),
  planHost: (transport, manifest, connection) =>
    planHost(transport, manifest, createSecretResolver(connection.secrets), readOptions(connection.target)),
  recoverHost: (transport, plan) => recoverHost(transport, plan.observed),
  applyPlan: async (transport, plan, connection, options) => {
    // The provider runs in the project's folder.
    const commit = await commitOf(process.cwd());
    return applyPlan(
      transport,
      plan,
      {
        who: options.who,
        tool: toolVersion(),
        ...(commit === undefined ? {} : { commit }),
        ...applyLimits(connection.target),
        onProgress: (line) => options.onProgress(describeProgress(line)),
      },
      systemDeps,
    );
  },
  async readCurrentManifest(transport, connection) {
    try {
      return await readManifest(transport, 'current', readOptions(connection.target));
    } catch (error) {
      if (error instanceof CitadelError && error.problems.every((it) => it.code === 'history.none'))
        return null;
      throw error;
    }
  },
};

function readOptions(target: Target): { readonly deadlineSec?: number } {
  return 'root' in target ? {} : { deadlineSec: target.readTimeoutSec };
}

function applyLimits(target: Target): {
  readonly applyTimeoutSec?: number;
  readonly confirmTimeoutSec?: number;
  readonly settleSec?: number;
  readonly retention?: Retention;
} {
  if ('root' in target) return {};
  const { applyTimeoutSec, confirmTimeoutSec, settleSec } = target;
  return {
    applyTimeoutSec,
    confirmTimeoutSec,
    ...(settleSec === undefined ? {} : { settleSec }),
    retention: retentionOf(target),
  };
}

/** One line for the log. */
export function describeProgress(line: ProgressLine): string {
  const { kind } = line;
  switch (line.kind) {
    case 'step':
      return line.detail === '' ? line.step : `${line.step}: ${line.detail}`;
    case 'note':
      return line.text;
    case 'failure':
      return `failed in ${line.step}${line.item === '' ? '' : ` at ${line.item}`}: ${line.output}`;
    case 'confirm':
      return `connecting again; without that the host undoes everything in ${line.seconds} s`;
    case 'locked':
      return `${line.who} has held the lock since ${line.since}`;
    case 'unstaged':
      return `staging failed: ${line.output}`;
    case 'end':
      return `ended: ${line.outcome}`;
    default:
      return kind;
  }
}
