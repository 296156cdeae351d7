import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** The real program, with the real engine, on offline roots. */
const BIN = new URL('../../bin/citadel-iac.mjs', import.meta.url).pathname;

let folder: string;
let root: string;
const SECRET = 'correct-horse-battery';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'citadel-process-'));
  root = join(folder, 'root');
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n');
  writeFileSync(join(folder, 'package.json'), '{}');
  writeFileSync(
    join(folder, 'inv.yaml'),
    'hosts: { box: { root: root } }\nsecrets: { password: { env: PASSWORD } }\n',
  );
  manifest('hello\nworld\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const owned = { owner: 'root', group: 'root' };

function manifest(motd: string): void {
  const files = {
    '/etc/motd': { content: motd, ...owned, mode: '0644' },
    '/etc/app.conf': { content: 'user=app\npassword=@@secret:password@@\n', ...owned, mode: '0600' },
  };
  const document = { version: 1, host: 'box', files, symlinks: { '/srv/current': { target: 'app-1' } } };
  writeFileSync(
    join(folder, 'box.json'),
    JSON.stringify({ ...document, origins: { 'files//etc/motd': 'box/motd' } }),
  );
}

const ENV = {
  ...process.env,
  CITADEL_INVENTORY: 'inv.yaml',
  CITADEL_TARGETS: '',
  PASSWORD: SECRET,
  NO_COLOR: '1',
};

function citadel(...args: string[]): { stdout: string; stderr: string; status: number | null } {
  const result = spawnSync(process.execPath, [BIN, ...args], {
    encoding: 'utf8',
    cwd: folder,
    env: ENV,
    input: '',
  });
  expect(result.stdout + result.stderr).not.toContain(SECRET);
  return result;
}

const M = ['--manifest', 'box.json'] as const;

describe.skipIf(process.getuid?.() !== 0)(
  'citadel-iac on an offline root (skipped without root: owners are set)',
  () => {
    it('shows, applies, verifies, finds drift, heals it, lists and goes back', () => {
      const first = citadel('diff', ...M);
      expect(first).toMatchObject({ status: 2, stderr: '' });
      expect(first.stdout).toContain(
        '  + files /etc/motd  (config)\n      group root, mode 0644, owner root\n',
      );
      expect(first.stdout).toContain('      +password=<secret password');
      expect(first.stdout).toContain('  3 changes: 3 to create.\n');

      expect(citadel('apply', ...M)).toMatchObject({ status: 1 });
      expect(citadel('diff', ...M).status).toBe(2);
      expect(citadel('apply', '--yes', ...M)).toMatchObject({ status: 0 });
      expect(readFileSync(join(root, 'etc/motd'), 'utf8')).toBe('hello\nworld\n');
      expect(readFileSync(join(root, 'etc/app.conf'), 'utf8')).toBe(`user=app\npassword=${SECRET}\n`);

      const again = citadel('diff', ...M);
      expect(again).toMatchObject({ status: 0, stderr: '' });
      expect(again.stdout).toBe(`box  ${root}, generation 1\n\n  Nothing to do.\n\n`);
      expect(citadel('verify', ...M)).toMatchObject({ status: 0 });

      writeFileSync(join(root, 'etc/motd'), 'hello\nthere\n');
      const drift = citadel('diff', '--json', ...M);
      expect(drift.status).toBe(2);
      expect(JSON.parse(drift.stdout)).toMatchObject({
        hosts: {
          box: {
            digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
            changes: [{ section: 'files', key: '/etc/motd', action: 'update', cause: 'drift' }],
          },
        },
      });
      expect(citadel('verify', ...M)).toMatchObject({
        status: 2,
        stdout: 'box: differs (generation 1): 1 difference\n  files /etc/motd: is different (drift)\n',
      });

      manifest('hello\nnew world\n');
      expect(citadel('apply', '--yes', ...M).status).toBe(0);
      const history = citadel('history', '--json');
      const { hosts } = JSON.parse(history.stdout) as {
        hosts: { box: { generation: number; current: boolean }[] };
      };
      expect(hosts.box.map(({ generation, current }) => [generation, current])).toEqual([
        [1, false],
        [2, true],
      ]);

      // No document of the project names this host, so no secret is its own.
      const refused = citadel('rollback', 'box', '--yes');
      expect(refused.status).toBe(1);
      expect(refused.stderr).toContain('--allow-secret password');
      expect(citadel('rollback', 'box', '--yes', '--allow-secret', 'password').status).toBe(0);
      expect(readFileSync(join(root, 'etc/motd'), 'utf8')).toBe('hello\nworld\n');
      expect(citadel('history', 'box').stdout).toMatch(/^box\n.*\n\* 3 .*\n {2}2 .*\n {2}1 .*\n$/);
    }, 60_000);

    it('writes nothing when it shows, verifies, lists or examines', () => {
      const before = statSync(join(root, 'etc')).mtimeMs;
      for (const command of [['diff', ...M], ['verify', ...M], ['history'], ['doctor']]) citadel(...command);
      expect(statSync(join(root, 'etc')).mtimeMs).toBe(before);
      expect(() => statSync(join(root, 'var'))).toThrow();
    });

    it('says which secret is missing', () => {
      const { status, stderr } = spawnSync(process.execPath, [BIN, 'diff', ...M], {
        encoding: 'utf8',
        cwd: folder,
        env: { ...ENV, PASSWORD: undefined },
      });
      expect(status).toBe(1);
      expect(stderr).toContain('environment variable PASSWORD is not set');
    });

    it('examines the root', () => {
      const { status, stdout } = citadel('doctor');
      expect(status).toBe(0);
      expect(stdout).toContain(`  ✓ directory: ${root}\n  ✓ privilege: root\n`);
    });

    it('ends quietly when its reader goes away', () => {
      const { status, stderr } = spawnSync(
        'sh',
        ['-c', `"$0" "$1" diff --manifest box.json | head -n 1; true`, process.execPath, BIN],
        {
          encoding: 'utf8',
          cwd: folder,
          env: ENV,
        },
      );
      expect(stderr).toBe('');
      expect(status).toBe(0);
    });

    /** The program on a terminal of its own (util-linux `script`), with `keys` typed once `prompt` stands there. */
    async function onTerminal(
      prompt: string,
      keys: string,
      args: readonly string[],
      more: NodeJS.ProcessEnv = {},
    ): Promise<{ text: string; status: number | null }> {
      const line = [process.execPath, BIN, ...args].map((word) => `'${word}'`).join(' ');
      const child = spawn('script', ['-qec', line, '/dev/null'], {
        cwd: folder,
        env: { ...ENV, TERM: 'xterm', ...more },
      });
      let text = '';
      let typed = false;
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (!typed && text.includes(prompt)) {
          typed = true;
          child.stdin.write(keys);
        }
      });
      const status = await new Promise<number | null>((done) => child.on('close', done));
      return { text, status };
    }

    it('asks on a terminal: yes applies', async () => {
      const { text, status } = await onTerminal('(y/N)', 'y\r', ['apply', ...M]);
      expect(text).toContain('Apply 3 changes on box?');
      expect(text).toContain('box: done. The host is at generation 1.');
      expect(status).toBe(0);
      expect(readFileSync(join(root, 'etc/motd'), 'utf8')).toBe('hello\nworld\n');
    });

    it('asks on a terminal: return means no, Ctrl-C means leave', async () => {
      const no = await onTerminal('(y/N)', '\r', ['apply', ...M]);
      expect(no.text).toContain('Nothing was changed.');
      expect(no.status).toBe(1);
      const left = await onTerminal('(y/N)', '\u0003', ['apply', ...M]);
      expect(left.text).toContain('Nothing was changed.');
      expect(left.text).not.toContain('at ');
      expect(left.status).toBe(130);
      expect(() => statSync(join(root, 'etc/motd'))).toThrow();
    });

    // eslint-disable-next-line no-control-regex -- that is what is looked for
    const COLOUR = /\u001b\[[1-9]/;
    const CI = { ...ENV, CI: 'true', GITHUB_ACTIONS: 'true', NO_COLOR: undefined, FORCE_COLOR: undefined };

    it.each([
      ['not for CI', {}, false],
      ['when forced', { FORCE_COLOR: '1' }, true],
      ['not when forced and forbidden', { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
    ])('colours what goes into a pipe: %s', (_name, env, coloured) => {
      const { stdout, status } = spawnSync(process.execPath, [BIN, 'diff', ...M], {
        encoding: 'utf8',
        cwd: folder,
        env: { ...CI, ...env },
      });
      expect(status).toBe(2);
      expect(COLOUR.test(stdout)).toBe(coloured);
    });

    it('colours on a terminal, and neither the plan nor the question with --no-color', async () => {
      const coloured = await onTerminal('(y/N)', '\r', ['apply', ...M], CI);
      expect(coloured.text).toMatch(COLOUR);
      const plain = await onTerminal('(y/N)', '\r', ['apply', '--no-color', ...M], CI);
      // What is left moves the cursor or clears a line.
      // eslint-disable-next-line no-control-regex -- that is what is looked for
      expect(plain.text.match(/\u001b\[[0-9;]*m/g)?.filter((code) => code !== '\u001b[0m') ?? []).toEqual([]);
    });
  },
);

describe('Ctrl-C at the question for a passphrase', () => {
  it('ends it with a line, status 130 and the terminal as it was', async () => {
    const key = join(folder, 'id');
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret', '-f', key]);
    const host = `{ address: 127.0.0.1, ssh: { port: 9, user: ops, identityFile: ${key}, hostKeys: [SHA256:${'A'.repeat(43)}] } }`;
    writeFileSync(join(folder, 'inv.yaml'), `hosts: { box: ${host} }\n`);
    const command = `stty -a | grep -ow -e '-*echo' -e '-*isig'; '${process.execPath}' '${BIN}' history box; echo "status $?"; stty -a | grep -ow -e '-*echo' -e '-*isig'`;
    const terminal = spawn('script', ['-qec', command, '/dev/null'], {
      cwd: folder,
      env: { ...ENV, SHELL: '/bin/sh', SSH_AUTH_SOCK: '' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let shown = '';
    terminal.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()));
    await expect.poll(() => shown, { timeout: 60_000 }).toContain(`Passphrase of ${key}: `);
    terminal.stdin.write('\x03');
    await expect.poll(() => shown, { timeout: 20_000 }).toMatch(/status \d+[^]*echo/);
    terminal.stdin.end();
    expect(shown.replaceAll('\r', '')).toBe(
      `isig\necho\nPassphrase of ${key}: \n[box] ops@127.0.0.1:9: tcp connect: given up on request, while this side waited for an answer. Nothing was changed on the host; run it again.\nstatus 130\nisig\necho\n`,
    );
  });
});
