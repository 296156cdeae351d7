import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encrypt } from '../../lib/engine/secrets/age/crypt.js';
import { validateManifest, type SecretSources } from '../../lib/manifest/index.js';
import { person, type Person } from '../engine/secrets/age/support.js';
import type { Finished, LabHost } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { Workbench } from './harness.js';

const REPOSITORY = join(import.meta.dirname, '../..');
const private_ = { owner: 'root', group: 'root', mode: '0600' } as const;

/** A secret from each kind of source: in a line, next to another one, and as a whole file. */
const MANIFEST = validateManifest({
  version: 1,
  host: 'ai-node',
  files: {
    '/srv/secret/line.conf': {
      content: 'user = me\npassword = @@secret:from_env@@\nport = 1\n',
      ...private_,
    },
    '/srv/secret/two.conf': { content: 'a=@@secret:from_command@@;b=@@secret:from_env@@\n', ...private_ },
    '/srv/secret/whole': { secret: 'from_file', ...private_ },
    '/srv/secret/age.conf': { content: 'token: "@@secret:from_age@@"\n', ...private_ },
    '/srv/secret/plain.conf': { content: 'nothing\n', owner: 'root', group: 'root', mode: '0644' },
  },
});

interface Values {
  readonly env: string;
  readonly file: string;
  readonly command: string;
  readonly age: string;
}

const canary = (kind: string): string => `cnry-${kind}-${randomBytes(12).toString('hex')}`;
const planted: string[] = [];

function newValues(): Values {
  const values = {
    env: canary('env'),
    file: canary('file'),
    command: canary('command'),
    age: canary('age'),
  };
  planted.push(...Object.values(values));
  return values;
}

/** Each planted value as it would look in the ways in which tools write bytes down. */
function holds(bytes: Buffer): boolean {
  const text = bytes.toString('latin1');
  return planted.some((value) =>
    [value, Buffer.from(value).toString('base64').slice(4, -4), Buffer.from(value).toString('hex')].some(
      (form) => text.includes(form),
    ),
  );
}

/** The members of a zip archive, one after the other; Terraform's saved plans are such. */
function unzipped(archive: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = archive.indexOf('PK\x03\x04'); at !== -1; at = archive.indexOf('PK\x03\x04', at + 4)) {
    const start = at + 30 + archive.readUInt16LE(at + 26) + archive.readUInt16LE(at + 28);
    const rest = archive.subarray(start);
    parts.push(archive.readUInt16LE(at + 8) === 8 ? inflateRawSync(rest) : rest);
  }
  return Buffer.concat(parts);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Watches the argument lists of all processes of this machine, the hosts' among them. */
class ArgumentWatch {
  readonly found: string[] = [];
  looks = 0;
  readonly #timer = setInterval(() => {
    this.#look();
  }, 15);

  stop(): void {
    clearInterval(this.#timer);
    this.#look();
  }

  #look(): void {
    this.looks += 1;
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue;
      try {
        const argv = readFileSync(`/proc/${pid}/cmdline`);
        if (holds(argv)) this.found.push(argv.toString('utf8').replaceAll('\0', ' ').slice(0, 200));
      } catch {
        // It has ended.
      }
    }
  }
}

describeLab('a planted secret', (lab) => {
  let bench: Workbench;
  let host: LabHost;
  let values: Values;
  let watch: ArgumentWatch;
  let project: string;
  let operator: Person;
  /** Everything that any command said. */
  const said: [string, string][] = [];

  const environment = (): Record<string, string> => {
    const { TF_CLI_CONFIG_FILE: _none, ...env } = process.env as Record<string, string>;
    return { ...env, CANARY: values.env, CITADEL_AGE_IDENTITY_FILE: join(bench.folder, 'identity.txt') };
  };

  const sources = (): SecretSources => ({
    from_env: { env: 'CANARY' },
    from_file: { file: join(bench.folder, 'file.secret') },
    from_command: { command: ['cat', join(bench.folder, 'command.secret')] },
    from_age: { age: join(bench.folder, 'secrets.age'), key: 'the token' },
  });

  async function plant(): Promise<void> {
    values = newValues();
    await writeFile(join(bench.folder, 'file.secret'), `${values.file}\n`);
    await writeFile(join(bench.folder, 'command.secret'), values.command);
    const sealed = await encrypt(`the token: ${values.age}\n`, [operator.recipient]);
    await writeFile(join(bench.folder, 'secrets.age'), sealed);
  }

  async function cli(...args: string[]): Promise<Finished> {
    const run = await lab.operator.exec(
      [
        'node',
        'bin/citadel-iac.mjs',
        ...args,
        '--manifest',
        await bench.writeManifest(MANIFEST),
        '--inventory',
        bench.inventory,
      ],
      { env: environment(), timeoutMs: 120_000 },
    );
    said.push([args.join(' '), run.stdout + run.stderr]);
    return run;
  }

  const onHost = (path: string): string => readFileSync(join(host.root, path), 'utf8');

  function expectRightOnHost(): void {
    expect(onHost('/srv/secret/line.conf')).toBe(`user = me\npassword = ${values.env}\nport = 1\n`);
    expect(onHost('/srv/secret/two.conf')).toBe(`a=${values.command};b=${values.env}\n`);
    expect(onHost('/srv/secret/whole')).toBe(values.file);
    expect(onHost('/srv/secret/age.conf')).toBe(`token: "${values.age}"\n`);
  }

  beforeAll(async () => {
    await lab.reset('ai-node');
    bench = await Workbench.open(lab);
    host = lab.host('ai-node');
    operator = await person();
    // The identity opens all of them, so it is looked for as they are.
    planted.push(operator.identity);
    await writeFile(join(bench.folder, 'identity.txt'), `${operator.identity}\n`, { mode: 0o600 });
    await plant();
    await appendFile(bench.inventory, `secrets: ${JSON.stringify(sources())}\n`);
    project = await mkdtemp(join(REPOSITORY, '.tmp-cdktf-'));
    watch = new ArgumentWatch();
  });

  afterAll(async () => {
    watch.stop();
    await rm(project, { recursive: true, force: true });
    await bench.close();
  });

  it('arrives', async () => {
    expect((await cli('diff')).code).toBe(2);
    expect((await cli('diff', '--json')).code).toBe(2);
    expect((await cli('render', '--json', 'ai-node')).code).toBe(0);
    expect((await cli('apply', '--yes')).code).toBe(0);
    expectRightOnHost();
    expect((await cli('verify')).code).toBe(0);
  });

  it('leaves the rest of its file to be reviewed', async () => {
    await host.mustExec(`sed -i 's/^port = 1$/port = 2/' /srv/secret/line.conf`);
    const run = await cli('diff');
    expect(run.stdout).toMatch(/password = <secret from_env #[0-9a-f]{6}>/);
    expect(run.stdout).toMatch(/-port = 2[^]*\+port = 1/);
  });

  it('is two tokens when it is rotated, its old value as little seen as the new one', async () => {
    await plant();
    const run = await cli('diff');
    expect(run.code).toBe(2);
    const tokens = [...run.stdout.matchAll(/password = (<secret from_env #[0-9a-f]{6}>)/g)].map(
      ([, it]) => it,
    );
    expect(new Set(tokens).size).toBe(2);
    await cli('diff', '--json');
    expect((await cli('apply', '--yes', '--json')).code).toBe(0);
    expectRightOnHost();
    expect((await cli('history', 'ai-node')).code).toBeLessThan(2);
  });

  it('stays where it is when someone puts another value there by hand', async () => {
    const byHand = canary('hand');
    planted.push(byHand);
    await host.mustExec(['sed', '-i', '-f', '-', '/srv/secret/line.conf'], {
      input: `s/^password = .*/password = ${byHand}/\n`,
    });
    await host.mustExec(['sh', '-c', 'cat >/srv/secret/whole'], { input: byHand });
    // A present value in base64, in a file that holds no secret.
    await host.mustExec(['sh', '-c', 'cat >>/srv/secret/plain.conf'], {
      input: `auth = ${Buffer.from(values.age).toString('base64')}\n`,
    });
    const run = await cli('diff');
    expect(run.code).toBe(2);
    expect(run.stdout).toMatch(/auth = <secret from_age #[0-9a-f]{6}>/);
    expect((await cli('diff', '--json')).code).toBe(2);
    expect((await cli('apply', '--yes')).code).toBe(0);
    expectRightOnHost();
  });

  describe('through cdktf and Terraform', () => {
    const terraformFolder = (): string => join(project, 'cdktf.out/stacks/ai-node');

    async function run(name: string, argv: string[], cwd: string): Promise<Finished> {
      const finished = await lab.operator.exec(argv, {
        cwd,
        env: {
          ...environment(),
          CHECKPOINT_DISABLE: '1',
          CI: 'true',
          TF_IN_AUTOMATION: '1',
          TF_LOG: 'trace',
          TF_LOG_PATH: join(project, `${name}.log`),
        },
        timeoutMs: 170_000,
      });
      said.push([name, finished.stdout + finished.stderr]);
      expect(finished.code, finished.stdout.slice(-3000) + finished.stderr.slice(-3000)).toBe(0);
      return finished;
    }
    const cdktf = (name: string, ...args: string[]): Promise<Finished> =>
      run(name, [join(REPOSITORY, 'node_modules/.bin/cdktf'), ...args], project);
    const terraform = (name: string, ...args: string[]): Promise<Finished> =>
      run(name, ['terraform', ...args], terraformFolder());

    beforeAll(async () => {
      const { address, ...way } = (await lab.inventory())['ai-node'] ?? {};
      const target = {
        address,
        ...way,
        port: 22,
        connectTimeoutSec: 15,
        readTimeoutSec: 60,
        applyTimeoutSec: 300,
        confirmTimeoutSec: 60,
      };
      await mkdir(project, { recursive: true });
      await writeFile(
        join(project, 'input.json'),
        JSON.stringify({ target, secrets: sources(), manifest: MANIFEST }),
      );
      await writeFile(
        join(project, 'cdktf.json'),
        JSON.stringify({
          language: 'typescript',
          app: 'node --import tsx main.ts',
          sendCrashReports: 'false',
        }),
      );
      await writeFile(
        join(project, 'main.ts'),
        `import { readFileSync } from 'node:fs';
         import { App, TerraformStack } from 'cdktf';
         import { bindHost } from '../lib/terraform/binding/index.js';
         const app = new App();
         const { target, secrets, manifest } = JSON.parse(readFileSync('input.json', 'utf8'));
         bindHost(new TerraformStack(app, 'ai-node'), { host: 'ai-node', target, secrets, manifest: () => manifest });
         app.synth();`,
      );
      await host.mustExec('rm -rf /srv/secret');
    });

    it('arrives, is rotated and found changed', async () => {
      await cdktf('deploy', 'deploy', '--auto-approve', 'ai-node');
      expectRightOnHost();
      await plant();
      const plan = await terraform('plan', 'plan', '-input=false', '-no-color', '-out=saved');
      expect(plan.stdout).toMatch(
        /\+ "-password = <secret from_env #[0-9a-f]{6}>",\s+\+ "\+password = <secret from_env>",/,
      );
      await terraform('show', 'show', '-json', 'saved');
      await terraform('apply', 'apply', '-input=false', '-no-color', 'saved');
      expectRightOnHost();
    });

    it('stands in no file of the project: state, saved plan, cdktf.out, logs', () => {
      const files = filesBelow(project);
      const names = files.map((file) => relative(project, file));
      expect(names).toEqual(expect.arrayContaining(['plan.log', 'apply.log', 'terraform.ai-node.tfstate']));
      for (const file of files) {
        const bytes = readFileSync(file);
        expect(holds(bytes), file).toBe(false);
        if (bytes.subarray(0, 2).toString() === 'PK') expect(holds(unzipped(bytes)), file).toBe(false);
      }
      expect(statSync(join(terraformFolder(), 'saved')).size).toBeGreaterThan(100);
      expect(unzipped(readFileSync(join(terraformFolder(), 'saved'))).toString('utf8')).toContain('from_env');
    });
  });

  it('is in nothing that any command said', () => {
    expect(said.length).toBeGreaterThan(10);
    for (const [command, words] of said) expect(holds(Buffer.from(words)), command).toBe(false);
  });

  it('was in no argument list, here or on the host', () => {
    expect(watch.looks).toBeGreaterThan(100);
    expect(watch.found).toEqual([]);
  });

  it('is on the host where it belongs, and where only root can go', async () => {
    const places = '/srv /etc /var /tmp /run /root /home /opt /usr/local';
    const listed = await host.mustExec(['sh', '-c', `grep -rlaF -f - ${places} 2>/dev/null | sort`], {
      input: planted.map((value) => `${value}\n`).join(''),
      timeoutMs: 120_000,
    });
    const files = listed.trimEnd().split('\n');
    expect(files).toEqual(
      expect.arrayContaining(Object.keys(MANIFEST.files ?? {}).filter((it) => !it.includes('plain'))),
    );
    for (const file of files) {
      // What a generation replaced, and the values it was made with, are kept for the way back.
      const kept = /^\/var\/lib\/citadel-iac\/generations\/\d+\/(undo|secrets)\//.test(file);
      expect(kept || file.startsWith('/srv/secret/'), file).toBe(true);
    }
    const modes = await host.mustExec(
      'stat -c "%a %U" /var/lib/citadel-iac /srv/secret/line.conf /srv/secret/whole',
    );
    expect(modes).toBe('700 root\n600 root\n600 root\n');
    expect(await host.mustExec('ls -A /var/lib/citadel-iac/staging')).toBe('');
  });

  it('is in no journal of the host', async () => {
    const journal = await host.mustExec(
      'journalctl --no-pager -a -o export --output-fields=MESSAGE,_CMDLINE | cat',
      {
        timeoutMs: 120_000,
      },
    );
    expect(journal.length).toBeGreaterThan(1000);
    expect(holds(Buffer.from(journal))).toBe(false);
  });
});
