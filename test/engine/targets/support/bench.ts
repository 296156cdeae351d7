import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import type { ServerChannel } from 'ssh2';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { ReadProgram } from '../../../../lib/engine/transport.js';
import {
  CitadelError,
  type Problem,
  sshTargetSchema,
  type SshTarget,
} from '../../../../lib/manifest/index.js';
import { newKey, Scratch, type TestKey } from '../../../ssh/support/keys.js';
import { type FakeServer, type FakeServerOptions, startFakeServer } from '../../../ssh/support/server.js';

export const none = Buffer.alloc(0);
export const reader = (script: string): ReadProgram => ({ name: 'citadel-observe', effect: 'read', script });

/** What every test of an ssh target needs, made before those of a file and taken away after them. */
export class Bench {
  scratch!: Scratch;
  readonly hostKey: TestKey = newKey();
  readonly user: TestKey = newKey();
  readonly closers: (() => Promise<void>)[] = [];

  constructor() {
    beforeAll(async () => {
      this.scratch = await Scratch.make();
      await this.scratch.file('id', this.user.privateText);
    });
    afterEach(async () => {
      for (const close of this.closers.splice(0).reverse()) await close();
    });
    afterAll(() => this.scratch.remove());
  }

  readonly deps = () => ({ host: 'ai-node', home: this.scratch.path, agentSocket: undefined });

  readonly server = async (options: Partial<FakeServerOptions> = {}): Promise<FakeServer> => {
    const started = await startFakeServer({ hostKeys: [this.hostKey], user: this.user, ...options });
    this.closers.push(() => started.close());
    return started;
  };

  readonly target = (port: number, changes: Partial<SshTarget> = {}): SshTarget => {
    const base = sshTargetSchema.parse({
      address: '127.0.0.1',
      port,
      user: 'agent0',
      hostKeys: [this.hostKey.fingerprint],
      identityFile: '~/id',
      connectTimeoutSec: 5,
    });
    return { ...base, ...changes };
  };
}

export async function problem(
  attempt: Promise<unknown>,
): Promise<Problem & { readonly error: CitadelError }> {
  const error: unknown = await attempt.then(String, (reason: unknown) => reason);
  const first = error instanceof CitadelError ? error.problems[0] : undefined;
  if (!(error instanceof CitadelError) || first === undefined)
    throw new Error(`not a CitadelError: ${String(error)}`);
  return { ...first, error };
}

/** Connects a program's input, outputs and end to those of a command of the double of sshd. */
export function answerBy(child: ChildProcessWithoutNullStreams, channel: ServerChannel): void {
  channel.pipe(child.stdin);
  child.stdin.on('error', () => undefined);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  child.on('close', (code) => {
    channel.exit(code ?? 1);
    channel.end();
  });
}

/** Runs the command line with a real shell of this machine, as another user where the test may do so. */
export function locally(uid?: number): (channel: ServerChannel, command: string) => void {
  return (channel, command) => {
    const identityOf = uid === undefined ? {} : { uid, gid: uid };
    const child = spawn('/bin/sh', ['-c', command], {
      ...identityOf,
      cwd: '/',
      env: { PATH: process.env['PATH'] },
    });
    answerBy(child, channel);
  };
}

export function can(command: string): boolean {
  try {
    execFileSync('sh', ['-c', command], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export const noSudo = !can('[ "$(id -u)" = 0 ] && sudo -n true') ? 'needs root and sudo' : undefined;
