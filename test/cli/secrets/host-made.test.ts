import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realEngine } from '../../../lib/cli/engine.js';
import { run } from '../../../lib/cli/run.js';
import { CitadelError, manifestDigest, type HostManifest } from '../../../lib/manifest/index.js';
import { filesBelow } from './canary.js';
import { shellDouble } from '../doubles.js';

/** What root of a host can do with the documents that it keeps: nothing. The host is an offline root, the engine is the real one. */
const OWN = { owner: 'root', group: 'root', mode: '0600' };
const THEIRS = ['db_password', 'pager_key', 'smtp_password'] as const;

/** The project, as it is now. */
let files: NonNullable<HostManifest['files']>;
let broken: boolean;
let folder: string;

const buildHosts = (): HostManifest[] => {
  if (broken) throw new CitadelError({ code: 'x', path: 'ai-node/x', got: 'is wrong', fix: 'Correct it' });
  return [
    { version: 1, host: 'ai-node', files },
    {
      version: 1,
      host: 'dev-ops',
      files: Object.fromEntries(THEIRS.map((secret) => [`/etc/${secret}`, { secret, ...OWN }])),
    },
  ];
};

const ENV: Record<string, string> = {};
const on = (path: string): string => join(folder, 'ai-node', path);
const marker = (): string => join(folder, 'the-command-ran');

async function citadel(line: string, env = ENV): Promise<{ code: number; out: string; err: string }> {
  const inventory = `hosts: { ai-node: { root: ai-node }, dev-ops: { root: dev-ops } }
secrets:
  own_key: { env: OWN_KEY }
  old_key: { env: OLD_KEY }
  db_password: { env: DB_PASSWORD }
  smtp_password: { env: SMTP_PASSWORD }
  pager_key: { command: [sh, -c, 'touch "$0"; echo s3cret-command', '${marker()}'] }
`;
  const double = shellDouble({ cwd: folder, inventory, env, app: { buildHosts } });
  const shell = { ...double, engine: () => Promise.resolve(realEngine(double.env)) };
  const code = await run(line.split(' '), shell, '1.2.3');
  return { code, ...double.printed };
}

/** Files of the host in which a text stands. */
const holds = (text: string): string[] =>
  filesBelow(join(folder, 'ai-node')).filter((file) => readFileSync(file).includes(text));

/** What root of the host does: its document asks for more. With `record`, it does not forget the digest. */
function tamper(generation: number, more: HostManifest['files'], record = true): void {
  const at = on(`var/lib/citadel-iac/generations/${generation}`);
  // The engine compresses what is not current.
  const document = JSON.parse(
    existsSync(join(at, 'manifest.json'))
      ? readFileSync(join(at, 'manifest.json'), 'utf8')
      : gunzipSync(readFileSync(join(at, 'manifest.json.gz'))).toString('utf8'),
  ) as HostManifest;
  const changed = { ...document, files: { ...document.files, ...more } };
  writeFileSync(join(at, 'manifest.json'), JSON.stringify(changed));
  if (record) writeFileSync(join(at, 'digest'), `${manifestDigest(changed)}\n`);
}

const generations = (): string[] => readdirSync(on('var/lib/citadel-iac/generations')).sort();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'citadel-host-made-'));
  for (const host of ['ai-node', 'dev-ops']) {
    for (const path of ['etc', 'var/lib']) mkdirSync(join(folder, host, path), { recursive: true });
    writeFileSync(join(folder, host, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    writeFileSync(join(folder, host, 'etc/group'), 'root:x:0:\n');
  }
  broken = false;
  Object.assign(ENV, {
    OWN_KEY: 's3cret-own-1',
    OLD_KEY: 's3cret-old',
    DB_PASSWORD: 's3cret-db',
    SMTP_PASSWORD: 's3cret-smtp',
  });
  files = {
    '/etc/own': { content: 'key = @@secret:own_key@@\n', ...OWN },
    '/etc/old': { secret: 'old_key', ...OWN },
  };
  expect(await citadel('apply ai-node --yes')).toMatchObject({ code: 0 });
  files = { '/etc/own': { content: 'second = @@secret:own_key@@\n', ...OWN } };
  expect(await citadel('apply ai-node --yes')).toMatchObject({ code: 0 });
  // From here on the project gives it the old key again: it is what a rollback needs.
  files = { ...files, '/etc/old': { secret: 'old_key', ...OWN } };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const stolen = (secret: string): NonNullable<HostManifest['files']> => ({
  [`/opt-${secret}`]: { content: `x = @@secret:${secret}@@\n`, ...OWN, mode: '0644' },
});

describe.skipIf(process.getuid?.() !== 0)(
  'a document that came from a host (skipped without root: owners are set)',
  { timeout: 60_000 },
  () => {
    it.each(['--yes', '--json', ''])('gets no secret of another host: rollback %s', async (words) => {
      tamper(1, { ...stolen('db_password'), ...stolen('smtp_password'), ...stolen('pager_key') });
      const { code, err, out } = await citadel(`rollback ai-node --to 1 ${words}`.trim());
      expect(code).toBe(1);
      expect(out).toBe('');
      for (const name of THEIRS) {
        expect(err).toContain(
          `[ai-node] its generation 1 asks for the secret "${name}", which the project does not give to ai-node: no secret was read, and nothing was sent. If ai-node had it by the project and is to have it again, allow it with "--allow-secret ${name}"; if not, find out who wrote the document of this generation.\n`,
        );
      }
      expect(existsSync(marker())).toBe(false);
      for (const value of ['s3cret-db', 's3cret-smtp', 's3cret-command']) expect(holds(value)).toEqual([]);
      expect(generations()).toEqual(['1', '2']);
    });

    it.each([
      ['a whole file', { '/opt-x': { secret: 'pager_key', ...OWN } }],
      [
        'next to one that is given',
        { '/etc/own': { content: '@@secret:own_key@@ @@secret:pager_key@@', ...OWN } },
      ],
    ])('finds it as %s', async (_what, more) => {
      tamper(1, more);
      const { code, err } = await citadel('rollback ai-node --to 1 --yes');
      expect(code).toBe(1);
      expect(err).toContain('asks for the secret "pager_key"');
      expect(existsSync(marker())).toBe(false);
      expect(generations()).toEqual(['1', '2']);
    });

    it('is refused when it is not the one that its record names, before any secret', async () => {
      tamper(1, stolen('own_key'), false);
      const { code, err } = await citadel('rollback ai-node --to 1 --yes');
      expect(code).toBe(1);
      expect(err).toMatch(
        /^\[.*ai-node\] manifest\.json of generation 1 is not what was applied: its digest is [0-9a-f]{12}, and its record has the digest [0-9a-f]{12}\. Find out who changed it; choose another generation, or apply the project instead\.\n$/,
      );
      rmSync(on('var/lib/citadel-iac/generations/1/digest'));
      expect((await citadel('rollback ai-node --to 1 --yes')).err).toContain('and its record has no digest.');
    });

    it('comes back with what the project gives the host, also a value that was rotated', async () => {
      const { code, err } = await citadel('rollback ai-node --to 1 --yes', {
        ...ENV,
        OWN_KEY: 's3cret-own-2',
      });
      expect(code, err).toBe(0);
      expect(readFileSync(on('etc/own'), 'utf8')).toBe('key = s3cret-own-2\n');
      expect(readFileSync(on('etc/old'), 'utf8')).toBe('s3cret-old');
      expect(existsSync(marker())).toBe(false);
    });

    it('gets what the project no longer gives when a person allows it by name, each by its own', async () => {
      files = { '/etc/plain': { content: 'x\n', ...OWN } };
      const refused = await citadel('rollback ai-node --to 1 --yes --allow-secret old_key');
      expect(refused.code).toBe(1);
      expect(refused.err).toContain('asks for the secret "own_key"');
      expect(refused.err).not.toContain('asks for the secret "old_key"');
      const { code, err } = await citadel(
        'rollback ai-node --to 1 --yes --allow-secret old_key --allow-secret own_key',
      );
      expect(code, err).toBe(0);
      expect(readFileSync(on('etc/old'), 'utf8')).toBe('s3cret-old');
    });

    it('goes back while the project is broken, when it needs no secret or a person names them', async () => {
      broken = true;
      const { code, err } = await citadel('rollback ai-node --to 1 --yes');
      expect(code).toBe(1);
      expect(err).toContain('[ai-node/x] is wrong. Correct it.\n');
      expect(err).toContain(
        '[ai-node] which secrets the project gives to ai-node cannot be known, because of the problem above. Correct the project, or name what ai-node may have: --allow-secret old_key --allow-secret own_key.\n',
      );
      expect(existsSync(marker())).toBe(false);
      const named = await citadel(
        'rollback ai-node --to 1 --yes --allow-secret old_key --allow-secret own_key',
      );
      expect(named.code, named.err).toBe(0);
    });
  },
);

describe.skipIf(process.getuid?.() !== 0)(
  'a document from a file (skipped without root: owners are set)',
  { timeout: 60_000 },
  () => {
    it.each(['diff', 'apply --yes'])('says first what the project gives to others only: %s', async (line) => {
      const document = {
        version: 1,
        host: 'ai-node',
        files: { ...files, '/etc/x': { secret: 'smtp_password', ...OWN } },
      };
      const inventory =
        'hosts: { ai-node: { root: ai-node }, dev-ops: { root: dev-ops } }\nsecrets:\n' +
        '  own_key: { env: OWN_KEY }\n  old_key: { env: OLD_KEY }\n  smtp_password: { env: SMTP_PASSWORD }\n';
      const double = shellDouble({
        cwd: folder,
        inventory,
        env: ENV,
        app: { buildHosts },
        files: { 'box.json': JSON.stringify(document) },
      });
      const shell = { ...double, engine: () => Promise.resolve(realEngine(double.env)) };
      await run([...line.split(' '), '--manifest', 'box.json'], shell, '1.2.3');
      const { out } = double.printed;
      const note = '! gets the secret smtp_password, which the project gives to dev-ops and not to ai-node';
      expect(
        out
          .split('\n')
          .find((each) => each.startsWith('  ! ') || each.startsWith('!'))
          ?.trim(),
      ).toBe(note);
      expect(out).not.toContain('secret own_key, which');
    });
  },
);
