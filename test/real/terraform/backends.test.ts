import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { cleanEnv, Workspace, type Outcome } from '../../terraform/support/terraform.js';
import { PROGRAMS, whySkipped } from './given.js';
import { http, postgres, s3, type StateKeeper } from './servers.js';

const web = (text: string): HostManifest => ({
  version: 1,
  host: 'web',
  files: { '/etc/app.conf': { content: `${text}\n`, owner: 'root', group: 'root', mode: '0644' } },
});

const BACKENDS = [
  { where: 'in S3', start: s3, note: whySkipped('s3'), outlives: true },
  // Postgres frees the lock when the connection ends.
  { where: 'in Postgres', start: postgres, note: whySkipped('postgres'), outlives: false },
  { where: 'over HTTP', start: http, note: '', outlives: true },
].map((each) => ({ ...each, title: each.where + each.note }));

describe.each(PROGRAMS)('$version', ({ path: command }) => {
  describe.each(BACKENDS)('with its state $title', ({ start, note, outlives }) => {
    let keeper: StateKeeper | undefined;
    let workspace: Workspace;

    beforeAll(async () => {
      if (note === '') keeper = await start();
    });
    afterAll(() => keeper?.stop());
    beforeEach(async () => {
      if (note !== '') return;
      workspace = Workspace.create(undefined, command);
      workspace.environment = { ...cleanEnv(), ...keeper?.env };
      for (const path of ['etc', 'var/lib']) mkdirSync(join(workspace.root, path), { recursive: true });
      workspace.writeJson('backend.tf.json', { terraform: { backend: keeper?.backend } });
      workspace.write(web('one'));
      await must('init', '-input=false', '-reconfigure');
    });
    afterEach(async () => {
      if (note !== '') return;
      await must('destroy', '-auto-approve');
      workspace.dispose();
    });

    const must = async (...args: readonly string[]): Promise<string> => {
      const { status, output } = await workspace.terraform(...args);
      expect(status, output).toBe(0);
      return output;
    };
    const apply = (): Promise<Outcome> =>
      workspace.terraform('apply', '-auto-approve', '-input=false', '-lock-timeout=0s');
    /** An apply that has the lock and waits for a person to say yes. */
    const holder = async (): Promise<ChildProcess> => {
      const child = spawn(command, ['apply'], {
        cwd: workspace.folder,
        env: workspace.environment,
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      let said = '';
      await new Promise<void>((resolve, reject) => {
        child.stdout.on('data', (piece: Buffer) => {
          said += piece.toString();
          if (said.includes('Enter a value:')) resolve();
        });
        child.stderr.on('data', (piece: Buffer) => (said += piece.toString()));
        child.once('exit', () => reject(new Error(said)));
      });
      return child;
    };

    it.skipIf(note !== '')('keeps it there, and nothing of it here', async () => {
      expect((await apply()).output).toContain('1 added');
      expect(await must('state', 'pull')).toContain('"citadel_host"');
      expect(existsSync(join(workspace.folder, 'terraform.tfstate'))).toBe(false);
      await must('plan', '-detailed-exitcode');
      workspace.write(web('two'));
      expect((await apply()).output).toContain('1 changed');
      expect(readFileSync(join(workspace.root, 'etc/app.conf'), 'utf8')).toBe('two\n');
    });

    it.skipIf(note !== '')(
      'lets one work at a time: the other is refused, until the first has ended',
      async () => {
        const first = await holder();
        const refused = await apply();
        expect(refused.status, refused.output).toBe(1);
        expect(refused.output).toContain('Error acquiring the state lock');
        expect(existsSync(join(workspace.root, 'etc/app.conf'))).toBe(false);
        const exit = once(first, 'exit');
        first.stdin?.end('yes\n');
        expect(await exit).toEqual([0, null]);
        expect(readlinkSync(join(workspace.root, 'var/lib/citadel-iac/current'))).toBe('generations/1');
        workspace.write(web('two'));
        expect((await apply()).output).toContain('1 changed');
      },
    );

    it.skipIf(note !== '')(
      outlives
        ? 'stays locked by one that was killed, until the lock is taken away by its ID'
        : 'is free again as soon as one is killed',
      async () => {
        const first = await holder();
        const exit = once(first, 'exit');
        first.kill('SIGKILL');
        await exit;
        if (outlives) {
          const refused = await apply();
          expect(refused.status).toBe(1);
          const id = /\bID[:=]\s*([0-9a-f-]{36})/.exec(refused.output)?.[1];
          expect(id, refused.output).toBeDefined();
          await must('force-unlock', '-force', id ?? '');
        }
        const done = await apply();
        expect(done.status, done.output).toBe(0);
        expect(done.output).toContain('1 added');
      },
    );
  });
});
