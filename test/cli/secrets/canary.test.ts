import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { HostManifest, SecretSources } from '../../../lib/manifest/index.js';
import { hostAttributes } from '../../../lib/terraform/binding/attributes.js';
import { person } from '../../engine/secrets/age/support.js';
import { hasTool } from '../../stacks/tools.js';
import { cleanEnv, run, Workspace, type Outcome } from '../../terraform/support/terraform.js';
import { Canaries, filesBelow, ProcessWatch, recordedSpawns, recordSpawns } from './canary.js';

/**
 * A value is planted in each kind of source and then looked for in all that is written down or said on the way to a host,
 * which is an offline root here; `test/e2e/secrets.test.ts` does the same with a real one.
 */
const BIN = new URL('../../../bin/citadel-iac.mjs', import.meta.url).pathname;
const OWN = { owner: 'root', group: 'root', mode: '0600' };
const KINDS = ['env', 'file', 'command', 'age'] as const;

/** Each secret in a line, next to others, and as a whole file. */
const MANIFEST: HostManifest = {
  version: 1,
  host: 'box',
  files: {
    '/etc/lines.conf': {
      content: `user = me\n${KINDS.map((kind) => `${kind} = @@secret:from_${kind}@@\n`).join('')}port = 1\n`,
      ...OWN,
    },
    '/etc/one-line.conf': { content: KINDS.map((kind) => `@@secret:from_${kind}@@`).join(';'), ...OWN },
    ...Object.fromEntries(KINDS.map((kind) => [`/etc/whole-${kind}`, { secret: `from_${kind}`, ...OWN }])),
    '/etc/plain.conf': { content: 'nothing\n', ...OWN, mode: '0644' },
  },
};

const canaries = new Canaries();
const said: (readonly [command: string, words: string])[] = [];
/** What a person keeps outside the project: the sources' own files, and the identity. */
let own: string;
let project: string;
let host: string;
let values: Record<(typeof KINDS)[number], string>;

const sources = (): SecretSources => ({
  from_env: { env: 'CANARY' },
  from_file: { file: join(own, 'file.secret') },
  from_command: { command: ['cat', join(own, 'command.secret')] },
  from_age: { age: 'secrets.age', key: 'The Key' },
});

const environment = (): NodeJS.ProcessEnv => ({
  ...cleanEnv(),
  CITADEL_INVENTORY: 'inv.yaml',
  CITADEL_TARGETS: '',
  CITADEL_DEBUG: '1',
  CITADEL_AGE_IDENTITY_FILE: join(own, 'identity'),
  CANARY: values.env,
  VISUAL: '',
  EDITOR: `cp '${join(own, 'age.yaml')}'`,
  TF_LOG: 'TRACE',
  ...recordSpawns(own),
});

async function citadel(expected: number, ...args: string[]): Promise<string> {
  const { status, output } = await run(process.execPath, [BIN, ...args], {
    cwd: project,
    env: environment(),
  });
  said.push([args.join(' '), output]);
  expect(status, output).toBe(expected);
  return output;
}

/** New values in all sources; that of the age file goes in through the command that people use. */
async function plant(): Promise<void> {
  values = Object.fromEntries(KINDS.map((kind) => [kind, canaries.next(kind)])) as typeof values;
  writeFileSync(join(own, 'file.secret'), `${values.file}\n`);
  writeFileSync(join(own, 'command.secret'), values.command);
  writeFileSync(join(own, 'age.yaml'), `The Key: ${values.age}\n`);
  await citadel(0, 'secrets', 'edit');
}

function expectArrived(root: string): void {
  const at = (path: string): string => readFileSync(join(root, 'etc', path), 'utf8');
  expect(at('one-line.conf')).toBe(KINDS.map((kind) => values[kind]).join(';'));
  for (const kind of KINDS) expect(at(`whole-${kind}`)).toBe(values[kind]);
}

/** No file below a host's root holds a value and can be read by everybody, by its own mode and its folders'. */
function expectPrivate(root: string): void {
  const holding = filesBelow(root).filter((file) => canaries.in(readFileSync(file)).length > 0);
  expect(holding.map((file) => relative(root, file))).toEqual(
    expect.arrayContaining(['etc/lines.conf', 'etc/one-line.conf', 'etc/whole-age']),
  );
  for (const file of holding) {
    let open = (statSync(file).mode & 0o004) !== 0;
    for (let at = dirname(file); at !== root; at = dirname(at)) open &&= (statSync(at).mode & 0o001) !== 0;
    expect(open, file).toBe(false);
  }
}

const makeRoot = (root: string): void => {
  for (const folder of ['etc', 'var/lib']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n');
};

describe.skipIf(process.getuid?.() !== 0)(
  'a planted secret of each source (skipped without root: owners are set)',
  { timeout: 300_000 },
  () => {
    let watch: ProcessWatch;

    beforeAll(async () => {
      [own, project] = ['own', 'project'].map((name) => mkdtempSync(join(tmpdir(), `citadel-${name}-`))) as [
        string,
        string,
      ];
      host = mkdtempSync(join(tmpdir(), 'citadel-host-'));
      makeRoot(host);
      const { identity, recipient } = await person();
      canaries.add(identity);
      writeFileSync(join(own, 'identity'), `${identity}\n`, { mode: 0o600 });
      writeFileSync(join(project, 'secrets.recipients'), `${recipient}\n`);
      writeFileSync(join(project, 'package.json'), '{}');
      writeFileSync(join(project, 'box.json'), JSON.stringify(MANIFEST));
      writeFileSync(
        join(project, 'inv.yaml'),
        stringify({ hosts: { box: { root: host } }, secrets: sources() }),
      );
      watch = new ProcessWatch(canaries);
      await plant();
    }, 300_000);

    afterAll(() => {
      watch.stop();
      for (const folder of [own, project, host]) rmSync(folder, { recursive: true, force: true });
    });

    it('is found by this test where it stands', () => {
      for (const kind of KINDS) {
        const value = values[kind];
        for (const text of [
          value,
          `x${value}`,
          JSON.stringify({ a: [value] }),
          Buffer.from(`ab${value}cd`).toString('base64'),
        ])
          expect(canaries.in(Buffer.from(text))).toEqual([`cnry-${kind}`]);
      }
      expect(canaries.in(readFileSync(join(own, 'identity')))).toEqual(['AGE-SECRET']);
      expect(canaries.in(Buffer.from('nothing'))).toEqual([]);
    });

    it('arrives, through each command and each way to print', async () => {
      const M = ['--manifest', 'box.json'];
      expect(await citadel(0, 'render', '--json', 'box', ...M)).toContain('@@secret:from_age@@');
      await citadel(0, 'render', ...M);
      await citadel(0, 'render', '--list', ...M);
      for (const format of ['text', 'json', 'markdown']) {
        expect(await citadel(2, 'diff', '--format', format, ...M)).toMatch(/age = <secret from_age/);
      }
      await citadel(2, 'verify', ...M);
      await citadel(0, 'apply', '--yes', ...M);
      expectArrived(host);
      await citadel(0, 'secrets', 'check', ...M);
      await citadel(0, 'secrets', 'check', '--json', ...M);
      await citadel(0, 'secrets', 'list', '--json', ...M);
    });

    it('is two tokens when it is rotated, and when someone puts another value there by hand', async () => {
      const M = ['--manifest', 'box.json'];
      await plant();
      await citadel(2, 'diff', '--format', 'markdown', ...M);
      await citadel(0, 'apply', '--yes', '--json', ...M);
      expectArrived(host);
      writeFileSync(join(host, 'etc/whole-age'), canaries.next('hand'));
      await citadel(2, 'diff', '--format', 'markdown', ...M);
      await citadel(0, 'apply', '--yes', ...M);
      await citadel(0, 'history', '--json');
      // Its documents come from a file: the project itself gives this host nothing.
      await citadel(1, 'rollback', 'box', '--to', '1', '--yes');
      const allowed = KINDS.flatMap((kind) => ['--allow-secret', `from_${kind}`]);
      await citadel(0, 'rollback', 'box', '--to', '1', '--yes', ...allowed);
      expect(await citadel(0, 'secrets', 'rekey')).toContain('already');
    });

    it('is not in the words of a failure', async () => {
      const recipients = readFileSync(join(project, 'secrets.recipients'));
      writeFileSync(join(own, 'age.yaml'), `from_age: ${canaries.next('typo')}\n"${canaries.next('typo')}\n`);
      await citadel(1, 'secrets', 'edit');
      writeFileSync(join(project, 'secrets.recipients'), `${readFileSync(join(own, 'identity'), 'utf8')}\n`);
      writeFileSync(join(own, 'age.yaml'), `from_age: ${values.age}\nmore: x\n`);
      await citadel(1, 'secrets', 'edit');
      await citadel(1, 'secrets', 'check', '--manifest', 'box.json');
      writeFileSync(join(project, 'secrets.recipients'), recipients);
    });

    it('stands in no file of the project, and in the host only where others cannot read', () => {
      const files = filesBelow(project);
      expect(files.map((file) => relative(project, file))).toEqual(
        expect.arrayContaining(['secrets.age', 'rendered/box/etc/lines.conf', 'rendered/box.yaml']),
      );
      for (const file of files) {
        const held = canaries.in(readFileSync(file));
        expect(held, file).toEqual([]);
      }
      expectPrivate(host);
    });

    describe.skipIf(!hasTool('terraform'))('through Terraform (skipped where it is not on PATH)', () => {
      let workspace: Workspace;
      const terraform = async (expected: number, ...args: string[]): Promise<Outcome> => {
        const finished = await run('terraform', args, {
          cwd: workspace.folder,
          env: environment(),
          seconds: 200,
        });
        said.push([`terraform ${args.join(' ')}`, finished.output]);
        expect(finished.status, finished.output.slice(-2000)).toBe(expected);
        return finished;
      };

      beforeAll(() => {
        workspace = Workspace.create();
        makeRoot(workspace.root);
        for (const name of ['secrets.age', 'secrets.recipients'])
          writeFileSync(join(workspace.folder, name), readFileSync(join(project, name)));
        workspace.write(MANIFEST, hostAttributes('documents/box.json', { root: workspace.root }, sources()));
      });
      afterAll(() => workspace.dispose());

      it('arrives, and is rotated', async () => {
        await terraform(0, 'init', '-input=false');
        const plan = await terraform(2, 'plan', '-input=false', '-detailed-exitcode', '-out=saved');
        expect(plan.output).toMatch(/0600 root:root \d+ lines? \w{12}"/);
        // The provider's own log is among what was said.
        expect(plan.output).toMatch(/\[(TRACE|DEBUG)\]/);
        const shown = await terraform(0, 'show', '-json', 'saved');
        expect(shown.output).toContain('secrets.age');
        await terraform(0, 'apply', '-input=false', 'saved');
        expectArrived(workspace.root);

        await plant();
        writeFileSync(join(workspace.folder, 'secrets.age'), readFileSync(join(project, 'secrets.age')));
        const again = await terraform(2, 'plan', '-input=false', '-detailed-exitcode', '-out=again');
        expect(again.output).toMatch(/"-age = <secret from_age #[0-9a-f]{6}>"/);
        expect(again.output).toContain('"+age = <secret from_age>"');
        await terraform(0, 'show', '-json', 'again');
        await terraform(0, 'apply', '-input=false', 'again');
        expectArrived(workspace.root);
        await terraform(0, 'show', '-json');
        await terraform(0, 'plan', '-input=false', '-detailed-exitcode');
      });

      it('says what is wrong with a file that it cannot open', async () => {
        rmSync(join(workspace.folder, 'secrets.age'));
        const { output } = await terraform(1, 'plan', '-input=false');
        expect(output).toContain('there is no such file');
        expect(output).toContain('citadel-iac secrets edit');
      });

      it('stands in no file of the working folder: configuration, saved plans, state', () => {
        const files = filesBelow(workspace.folder).filter((file) => !file.startsWith(`${workspace.root}/`));
        expect(files.map((file) => relative(workspace.folder, file))).toEqual(
          expect.arrayContaining([
            'main.tf.json',
            'saved',
            'again',
            'terraform.tfstate',
            'terraform.tfstate.backup',
          ]),
        );
        for (const file of files) expect(canaries.in(readFileSync(file)), file).toEqual([]);
        expectPrivate(workspace.root);
      });
    });

    it('is in nothing that any command said, logged or traced', () => {
      expect(said.length).toBeGreaterThan(25);
      for (const [command, words] of said) expect(canaries.in(Buffer.from(words)), command).toEqual([]);
    });

    it('was in no argument list, and in the environment only of those who were given it', async () => {
      // An argument list and an environment that this watch has to find.
      const shown = canaries.next('shown');
      await run('sleep', ['0.4'], { cwd: '/', env: { ...environment(), SHOWN: shown } });
      await run('sh', ['-c', 'sleep 0.4; :', shown], { cwd: '/' });
      const seen = [...watch.found].sort();
      expect(
        seen.filter((words) => words.includes('cnry-shown')).map((words) => words.split(' of ')[0]),
      ).toEqual(expect.arrayContaining(['argv', 'environment']));
      const rest = seen.filter((words) => !words.includes('cnry-shown'));
      // CANARY is set for these; what they start on a host begins with an environment of its own.
      const given = ['node', 'terraform', 'cat', 'cp', 'dash', 'bash', 'esbuild', 'sleep'];
      const allowed = given.map((program) => `environment of ${program}: cnry-env`);
      expect(rest.filter((words) => !allowed.includes(words))).toEqual([]);
      expect([...watch.programs]).toEqual(expect.arrayContaining(['node', 'host']));

      const spawned = recordedSpawns(own);
      expect(spawned.map(({ file }) => file)).toEqual(expect.arrayContaining(['/bin/sh', 'cat', 'cp']));
      for (const { file, args, env } of spawned) {
        expect(canaries.in(Buffer.from(args.join('\n'))), file).toEqual([]);
        // The variable that a person set for "env" is in their own processes, and in none on a host.
        const held = canaries.in(Buffer.from(Object.values(env).join('\n')));
        expect(held, file).toEqual(file === '/bin/sh' ? [] : ['cnry-env']);
      }
    });
  },
);
