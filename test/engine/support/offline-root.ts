import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { applyPlan, type ApplyResult, type HostPlan, type Transport } from '../../../lib/engine/index.js';
import { openTransport, planHost, systemDeps } from '../../../lib/engine/index.js';
import { stageStream } from '../../../lib/engine/apply/archive.js';
import { buildPayload } from '../../../lib/engine/apply/payload.js';
import { UNIT_SEPARATOR } from '../../../lib/engine/apply/records.js';
import { TRANSACTION } from '../../../lib/engine/apply/programs.js';
import { EXPECT } from '../../../lib/engine/observe/programs.js';
import type { HostManifest } from '../../../lib/manifest/index.js';

/** How a transaction's process ended, and the records that it wrote. */
export interface DirectRun {
  readonly id: string;
  /** The host's last word: `committed`, `rolled-back` …; `undefined` when it has said none. */
  readonly outcome: string | undefined;
  readonly progress: string;
  /** Standard error of the shell: empty when no command was mistaken. */
  readonly stderr: string;
  readonly signal: NodeJS.Signals | null;
}

/** A directory that stands for a host, worked on by the real engine and the real scripts. */
export class OfflineRoot {
  readonly path: string;

  constructor(name = 'citadel root ') {
    this.path = realpathSync(mkdtempSync(join(tmpdir(), name)));
    this.write('/etc/passwd', 'root:x:0:0:root:/root:/bin/bash\nsvc:x:777:778::/srv:/usr/sbin/nologin\n');
    this.write('/etc/group', 'root:x:0:\nsvc:x:778:\n');
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
    rmSync(this.kept, { recursive: true, force: true });
  }

  at(path: string): string {
    return `${this.path}${path}`;
  }

  write(path: string, content: string | Buffer): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), content);
  }

  /** Runs a shell script in the root, for what only a shell says shortly. */
  shell(script: string): void {
    const result = spawnSync('/bin/bash', ['-euc', script], { cwd: this.path });
    if (result.status !== 0) throw new Error(result.stderr.toString('utf8'));
  }

  transport(): Promise<Transport> {
    return openTransport({ root: this.path }, { host: 'box', home: this.path, agentSocket: undefined });
  }

  async plan(manifest: HostManifest, secrets: Readonly<Record<string, string>> = {}): Promise<HostPlan> {
    return planHost(await this.transport(), manifest, {
      resolve: (name) => Promise.resolve(secrets[name] ?? ''),
    });
  }

  /** Plan and apply as the product does, with another text for the transaction if wanted. */
  async apply(manifest: HostManifest, transactionScript?: string): Promise<ApplyResult> {
    return applyPlan(
      await this.transport(),
      await this.plan(manifest),
      { who: 'test@here' },
      { ...systemDeps, ...(transactionScript === undefined ? {} : { transactionScript }) },
    );
  }

  /** Stages a plan and runs its transaction in the foreground, without anybody who follows it. */
  async runDirectly(plan: HostPlan, script = TRANSACTION.script): Promise<DirectRun> {
    const id = `${plan.digest.slice(0, 12)}-${systemDeps.randomHex(4)}`;
    await this.stage(plan, id, script);
    return this.runScript(id, ['run', id]);
  }

  async stage(plan: HostPlan, id: string, script: string): Promise<void> {
    const settings = {
      id,
      nonce: 'ab',
      who: 'test@here',
      deadlineSec: 60,
      confirmSec: 0,
      settleSec: 0,
      waitSec: 0,
    };
    const payload = buildPayload(plan, settings, { transaction: script, expect: EXPECT.script });
    const folder = this.staging(id);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const tar = spawn('/bin/sh', [
      '-c',
      'umask 077; read -r _; exec tar -xmf - --no-same-owner -C "$0"',
      folder,
    ]);
    Readable.from(stageStream(id, payload)).pipe(tar.stdin);
    await new Promise((resolve) => tar.on('close', resolve));
    writeFileSync(join(folder, 'progress'), '');
  }

  staging(id: string): string {
    return this.at(`/var/lib/citadel-iac/staging/${id}`);
  }

  /** What the next apply or a boot does first. */
  recover(id: string): Promise<DirectRun> {
    return this.runScript(id, ['recover']);
  }

  /** The same, with the product's own text: a fault in the transaction's is not met again. */
  recoverCleanly(id: string): Promise<DirectRun> {
    writeFileSync(this.scriptOf(id), TRANSACTION.script);
    return this.recover(id);
  }

  private runScript(id: string, words: readonly string[]): Promise<DirectRun> {
    const script = this.scriptOf(id);
    return new Promise((resolve) => {
      const child = spawn('/bin/sh', [script, this.path, ...words], {
        stdio: ['ignore', 'ignore', 'pipe'],
        detached: true,
      });
      let stderr = '';
      child.stderr.on('data', (chunk: Buffer) => {
        stderr += chunk.toString('utf8');
      });
      child.on('close', (_code, signal) => {
        resolve({ id, stderr, signal, ...this.records(id) });
      });
    });
  }

  /** The transaction's own text, from wherever its folder stands by now. */
  private scriptOf(id: string): string {
    const folder = this.folderOf(id);
    if (folder === undefined) throw new Error(`nothing is left of ${id}`);
    return join(folder, 'bin/tx.sh');
  }

  records(id: string): { outcome: string | undefined; progress: string } {
    const folder = this.folderOf(id);
    const progress = folder === undefined ? '' : readFileSync(join(folder, 'progress'), 'utf8');
    const end = progress.split('\n').find((line) => line.startsWith(`end${UNIT_SEPARATOR}`));
    return { progress, outcome: end?.split(UNIT_SEPARATOR)[1] };
  }

  folderOf(id: string): string | undefined {
    if (existsSync(this.staging(id))) return this.staging(id);
    const found = spawnSync('grep', [
      '-lsxr',
      '--include=meta',
      `id=${id}`,
      this.at('/var/lib/citadel-iac/generations'),
    ]);
    const file = found.stdout.toString('utf8').trim().split('\n')[0] ?? '';
    return file === '' ? undefined : dirname(file);
  }

  get generation(): number | null {
    const link = spawnSync('readlink', [this.at('/var/lib/citadel-iac/current')]).stdout.toString('utf8');
    return link === '' ? null : Number(link.trim().split('/').at(-1));
  }

  /**
   * What no transaction that has ended may leave: an open link, the way back at a boot, staged contents, copies of what
   * was replaced (but for those of a generation), scratch files.
   */
  leftovers(): string[] {
    const base = this.at('/var/lib/citadel-iac');
    const found = spawnSync('find', [base, '-mindepth', '1', '-printf', '%P\\0']).stdout.toString('utf8');
    return found
      .split('\0')
      .filter((path) =>
        /^(open|.*\.new|recover\.sh)$|^staging\/[^/]+\/(tree|undo|ops|own|words.*|expect\..*|facts.*|ballast|complete|pid)$/.test(
          path,
        ),
      );
  }

  /** A copy of everything, to come back to with {@link reset}. */
  keep(): void {
    rmSync(this.kept, { recursive: true, force: true });
    this.copy(this.path, this.kept);
  }

  reset(): void {
    rmSync(this.path, { recursive: true, force: true });
    this.copy(this.kept, this.path);
  }

  private get kept(): string {
    return `${this.path} kept`;
  }

  private copy(from: string, to: string): void {
    const result = spawnSync('cp', ['-aT', '--', from, to]);
    if (result.status !== 0) throw new Error(result.stderr.toString('utf8'));
  }
}
