/** Doubles: an engine that plans and applies what a test says, and a shell that keeps what was printed. No host is touched. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApplyPortOptions, EnginePort, SecretValues } from '../../lib/cli/engine-port.js';
import type { RecoveryPort } from '../../lib/cli/rebuild/recovery-port.js';
import type { App, Shell } from '../../lib/cli/shell.js';
import type {
  ApplyResult,
  Change,
  CommandAnswer,
  GenerationRecord,
  HostPlan,
  HostStatus,
  LeftPlace,
  ObservedHost,
  RunRecord,
} from '../../lib/engine/model.js';
import type { CommandRequest } from '../../lib/engine/run/run-command.js';
import type { Transport } from '../../lib/engine/transport.js';
import { CitadelError, manifestDigest, type HostManifest } from '../../lib/manifest/index.js';
import type { OfferedHostKey } from '../../lib/ssh/index.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { roles } from '../../stacks/app.js';

export const PIN = `SHA256:${'A'.repeat(43)}`;

export const INVENTORY = `hosts:
  alpha: { address: 10.0.0.1, ssh: { user: agent0, hostKeys: [${PIN}] } }
  beta: { address: 10.0.0.2, ssh: { user: root, hostKeys: [] } }
secrets: { password: { env: PASSWORD } }
`;

export function observed(more: Partial<ObservedHost> = {}): ObservedHost {
  return {
    generation: 4,
    digest: 'd'.repeat(64),
    applied: null,
    debts: [],
    open: null,
    paths: new Map(),
    contents: new Map(),
    units: null,
    packages: new Map(),
    groups: new Map(),
    users: new Map(),
    mounts: null,
    secretKey: null,
    offline: null,
    ...more,
  };
}

export function planOf(host: string, more: Partial<HostPlan> = {}): HostPlan {
  const manifest: HostManifest = more.manifest ?? { version: 1, host };
  return {
    host,
    manifest,
    digest: manifestDigest(manifest),
    observed: observed(),
    changes: [],
    unitActions: [],
    checks: {},
    record: false,
    risky: false,
    notes: [],
    contents: new Map(),
    ...more,
  };
}

export const CHANGE: Change = {
  section: 'files',
  key: '/etc/motd',
  action: 'update',
  cause: 'drift',
  before: { mode: '0600' },
  after: { mode: '0644' },
  diff: '--- /etc/motd\n+++ /etc/motd\n@@ -1,2 +1,2 @@\n hello\n-there\n+world\n',
  restarts: ['a.service'],
};

export interface EngineScript {
  /** By host; absent: a plan without changes. */
  plans?: Record<string, HostPlan | CitadelError>;
  /** By host: the plan once an interrupted transaction was ended; absent: it cannot be. */
  recovered?: Record<string, HostPlan | CitadelError>;
  results?: Record<string, Partial<ApplyResult> | CitadelError>;
  history?: Record<string, GenerationRecord[]>;
  runs?: Record<string, RunRecord[]>;
  /** What a host knows of its own state, asked again each time. */
  status?: (host: string) => Partial<HostStatus>;
  /** What a command of the operator's comes to. */
  command?: (
    host: string,
    request: CommandRequest,
  ) => Partial<CommandAnswer> | Promise<Partial<CommandAnswer>>;
  manifests?: Record<number, HostManifest>;
  open?: Record<string, CitadelError>;
  /** By account: what becomes of a log-in, asked again each time. */
  openAs?: Record<string, () => CitadelError | undefined>;
  keys?: OfferedHostKey[] | CitadelError;
  /** Where the system's OpenSSH reached a host. */
  reached?: { address: string; port: number };
  examination?: string | CitadelError;
  observed?: ObservedHost;
  /** What an undo left. */
  left?: LeftPlace[];
  secrets?: SecretValues;
  /** What a host's secrets lack; absent: all can be read. */
  missingSecrets?: CitadelError;
  recovery?: RecoveryPort;
  /** What Alertmanager answers; absent: an empty list. */
  alertmanager?: (method: string, url: string, body?: string) => string | CitadelError;
  /** Awaited before a host has been read. */
  onPlan?: (host: string) => void | Promise<void>;
  onApply?: (plan: HostPlan, options: ApplyPortOptions) => void | Promise<void>;
}

export interface EngineDouble extends EnginePort {
  /** `open alpha`, `plan alpha`, `apply alpha` … in order. */
  readonly calls: string[];
  /** Hosts whose keys were asked for without logging in. */
  readonly scans: string[];
  readonly applied: { plan: HostPlan; options: ApplyPortOptions }[];
}

function orThrow<T>(value: T | CitadelError): T {
  if (value instanceof CitadelError) throw value;
  return value;
}

export function engineDouble(script: EngineScript = {}): EngineDouble {
  const calls: string[] = [];
  const scans: string[] = [];
  const applied: EngineDouble['applied'] = [];
  /** Of hosts whose interrupted transaction was ended. */
  const afterwards: Record<string, HostPlan | CitadelError> = {};
  const transportOf = (host: string): Transport => ({
    description: `agent0@${host}:22`,
    kind: 'ssh',
    ...(Array.isArray(script.keys) && { hostKeys: script.keys }),
    ...(script.reached !== undefined && { reached: script.reached }),
    read: (program) => {
      calls.push(`read ${host} ${program.name}`);
      const stdout = Buffer.from(orThrow(script.examination ?? ''));
      return Promise.resolve({ exitCode: 0, stdout, stderr: '' });
    },
    run: () => Promise.reject(new Error('a command never writes past the engine')),
    reconnect: () => Promise.reject(new Error('a command never reconnects')),
    close: () => {
      calls.push(`close ${host}`);
      return Promise.resolve();
    },
  });
  const hostOf = (description: string): string => description.replace(/^agent0@(.*):22$/, '$1');
  return {
    calls,
    scans,
    applied,
    // eslint-disable-next-line @typescript-eslint/require-await -- the real one is asynchronous
    open: async (host, target) => {
      calls.push(`open ${host}`);
      const user = 'root' in target ? '' : target.user;
      const error = script.open?.[host] ?? script.openAs?.[user]?.();
      if (error !== undefined) throw error;
      return transportOf(host);
    },
    plan: async (transport, manifest) => {
      await transport;
      calls.push(`plan ${manifest.host}`);
      const { host } = manifest;
      await script.onPlan?.(host);
      return orThrow(afterwards[host] ?? script.plans?.[host] ?? planOf(host, { manifest }));
    },
    recover: (transport) => {
      const host = hostOf(transport.description);
      calls.push(`recover ${host}`);
      const recovered = script.recovered?.[host];
      if (recovered === undefined) return Promise.resolve(false);
      afterwards[host] = recovered;
      return Promise.resolve(true);
    },
    left: () => Promise.resolve(script.left ?? []),
    accept: (_transport, host, id) => {
      calls.push(`accept ${host} ${id}`);
      return Promise.resolve(`/var/lib/citadel-iac/kept/${id}/tree`);
    },
    apply: async (_transport, plan, options) => {
      calls.push(`apply ${plan.host}`);
      applied.push({ plan, options });
      await script.onApply?.(plan, options);
      const result = orThrow(script.results?.[plan.host] ?? {});
      const outcome = plan.changes.length === 0 && !plan.record ? 'unchanged' : 'committed';
      return {
        host: plan.host,
        outcome,
        generation: 5,
        next: 'The host is at generation 5.',
        notes: [],
        ...result,
      };
    },
    pin: (transport, generation, pinned) => {
      calls.push(`${pinned ? 'pin' : 'unpin'} ${generation} ${hostOf(transport.description)}`);
      return Promise.resolve();
    },
    history: (transport) => Promise.resolve(script.history?.[hostOf(transport.description)] ?? []),
    command: async (transport, request) => {
      const host = hostOf(transport.description);
      calls.push(`run ${host}: ${request.words.join(' ')}`);
      const answer = (await script.command?.(host, request)) ?? {};
      return {
        exitCode: 0,
        timedOut: false,
        stdout: '',
        stderr: '',
        leftOut: { stdout: 0, stderr: 0 },
        ...answer,
      };
    },
    // eslint-disable-next-line @typescript-eslint/require-await -- the real one is asynchronous
    status: async (transport) => ({
      generation: 4,
      drift: null,
      open: null,
      reboot: [],
      backups: {},
      ...script.status?.(hostOf(transport.description)),
    }),
    runs: (transport) => Promise.resolve(script.runs?.[hostOf(transport.description)] ?? []),
    manifestOf: (_transport, generation) => {
      const manifest = script.manifests?.[generation];
      return manifest === undefined
        ? Promise.reject(new Error('no such generation'))
        : Promise.resolve(manifest);
    },
    observe: () => Promise.resolve(script.observed ?? observed()),
    secrets: () => Promise.resolve(script.secrets ?? { values: [], unknown: [] }),
    // eslint-disable-next-line @typescript-eslint/require-await -- the real one is asynchronous
    requireSecrets: async () => {
      if (script.missingSecrets !== undefined) throw script.missingSecrets;
    },
    askAlertmanager: (transport, { method, url, body }) => {
      calls.push(`${method} ${url} on ${hostOf(transport.description)}`);
      return Promise.resolve().then(() => orThrow(script.alertmanager?.(method, url, body) ?? '[]'));
    },
    recovery: () => Promise.resolve(script.recovery ?? recoveryDouble()),
    // eslint-disable-next-line @typescript-eslint/require-await -- the real one is asynchronous
    scanHostKeys: async (host) => {
      scans.push(host);
      return orThrow(script.keys ?? []);
    },
  };
}

/** A machine without disks, models and health program; `more` says what it has. */
export function recoveryDouble(more: Partial<RecoveryPort> = {}): RecoveryPort {
  return {
    authorizedKey: () => Promise.resolve('ssh-ed25519 AAAA'),
    bootstrap: () => Promise.resolve([]),
    disks: () => Promise.resolve([]),
    planWeights: () => Promise.resolve(null),
    restoreWeights: () => Promise.reject(new Error('this test has no models')),
    restoreData: () => Promise.reject(new Error('this test keeps nothing off-site')),
    fetching: () => Promise.reject(new Error('this test fetches nothing')),
    health: () => Promise.resolve(null),
    ...more,
  };
}

export interface ShellDouble extends Shell {
  readonly printed: { out: string; err: string };
  readonly questions: string[];
  /** Whether each question was to be coloured. */
  readonly colours: boolean[];
  readonly abort: AbortController;
  readonly engineDouble: EngineDouble;
}

export interface ShellScript {
  readonly engine?: EngineScript;
  readonly inventory?: string;
  readonly env?: Record<string, string>;
  readonly terminal?: boolean;
  /** Answer to every question; absent: no one is there. */
  readonly answer?: boolean;
  /** Answers to questions for a line of text, in order; then return alone. */
  readonly answers?: readonly string[];
  readonly files?: Record<string, string>;
  /** Project folder. @default a new one */
  readonly cwd?: string;
  readonly app?: App;
}

/** Manifests of the app double: one small one per host of the inventory. */
const APP: App = {
  buildHosts: (inventory) => Object.keys(inventory.hosts).map((host) => ({ version: 1 as const, host })),
};

export function shellDouble(script: ShellScript = {}): ShellDouble {
  const printed = { out: '', err: '' };
  const questions: string[] = [];
  const answers = [...(script.answers ?? [])];
  const colours: boolean[] = [];
  const abort = new AbortController();
  const engine = engineDouble(script.engine);
  const cwd = script.cwd ?? temporaryFolder('citadel-cli-');
  writeFileSync(join(cwd, 'package.json'), '{}');
  writeFileSync(join(cwd, 'inv.yaml'), script.inventory ?? INVENTORY);
  return {
    printed,
    questions,
    colours,
    abort,
    engineDouble: engine,
    out: { isTerminal: script.terminal ?? false, write: (text) => void (printed.out += text) },
    // A terminal on this side would start the moving display, which draws on the real one.
    err: { isTerminal: false, write: (text) => void (printed.err += text) },
    env: { CITADEL_INVENTORY: 'inv.yaml', ...script.env },
    cwd,
    interactive: script.answer !== undefined,
    who: 'anna@laptop',
    version: '1.2.3',
    signal: abort.signal,
    now: () => 1_700_000_000_000,
    confirm: (question, colour) => {
      questions.push(question);
      colours.push(colour);
      return Promise.resolve(script.answer ?? false);
    },
    ask: (question, { initial, check }) => {
      questions.push(question);
      const answer = answers.shift() || initial;
      const verdict = check(answer);
      if (verdict !== true) return Promise.reject(new Error(`${answer}: ${verdict}`));
      return Promise.resolve(answer);
    },
    readFile: (path) => {
      const text = script.files?.[path];
      if (text === undefined) return Promise.reject(new Error(`no file ${path} in this test`));
      return Promise.resolve(text);
    },
    app: () => Promise.resolve({ roles, ...(script.app ?? APP) }),
    engine: () => Promise.resolve(engine),
  };
}
