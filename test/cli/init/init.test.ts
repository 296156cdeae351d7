import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { App } from '../../../lib/cli/shell.js';
import { loadInventory } from '../../support/site.js';
import { CitadelError } from '../../../lib/manifest/index.js';
import type { OfferedHostKey } from '../../../lib/ssh/index.js';
import { buildHosts } from '../../../stacks/app.js';
import { call } from '../call.js';
import { PIN, type ShellScript } from '../doubles.js';

/** The project's own code: an inventory that it cannot build is not ready to deploy. */
const app: App = { buildHosts };
const PROJECT = resolve(import.meta.dirname, '../../..');

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'citadel-init-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const run = (line: string, more: Partial<ShellScript> = {}) => call(`init ${line}`, { app, cwd, ...more });
const written = (out = 'site.yaml') => readFileSync(join(cwd, out), 'utf8');
const hostsOf = (out = 'site.yaml') => buildHosts(loadInventory(out, {}, cwd)).map(({ host }) => host);

const BOTH =
  '--out site.yaml --ai-node 10.0.0.5 --dev-ops 10.0.0.6 --operator 10.0.0.0/24 --operator fd00::1 --user ops ' +
  '--gpu 80 --gpu 80 --model phi3=Phi-3-mini:7.2 --model big=Big-Model:60@0,1 --grafana /var/cache/grafana.deb';

describe('citadel-iac init', () => {
  it('writes both hosts from flags, and they can be built', async () => {
    const { code, printed, questions, engineDouble } = await run(BOTH);
    expect(printed.err).toBe('');
    expect(code).toBe(0);
    expect(questions).toEqual([]);
    expect(engineDouble.calls).toEqual([]);
    expect(printed.out).toBe(
      'site.yaml: ai-node and dev-ops.\nNext: CITADEL_INVENTORY=site.yaml npx citadel-iac doctor\n',
    );
    expect(hostsOf()).toEqual(['ai-node', 'dev-ops']);
    const { hosts, operator, secrets } = loadInventory('site.yaml', {}, cwd);
    expect(operator.addresses).toEqual(['10.0.0.0/24', 'fd00::1']);
    expect(hosts['ai-node']).toMatchObject({
      address: '10.0.0.5',
      ssh: { user: 'ops', hostKeys: [] },
      ai: {
        gpus: [{ memoryGiB: 80 }, { memoryGiB: 80 }],
        models: {
          phi3: { port: 11400, gpus: [0], gpuMemoryUtilization: 0.33 },
          big: { port: 11401, gpus: [0, 1], gpuMemoryUtilization: 0.61 },
        },
      },
    });
    expect(hosts['dev-ops']?.monitoring?.grafana?.package).toBe('/var/cache/grafana.deb');
    expect(secrets).toEqual({ grafana_admin_password: { env: 'GRAFANA_ADMIN_PASSWORD' } });
  });

  it.each([
    ['an AI node alone', '--ai-node 10.0.0.5 --gpu 24 --model small=M:8', ['ai-node']],
    ['a monitoring server alone', '--dev-ops 10.0.0.6', ['dev-ops']],
    ['models that are large', '--ai-node fd00::5 --gpu 640 --model large=M:500', ['ai-node']],
    [
      'many models on one GPU',
      '--ai-node 10.0.0.5 --gpu 80 --model first=A:20 --model other=B:20 --model tiny=C:1.5',
      ['ai-node'],
    ],
  ])('writes %s', async (_name, words, hosts) => {
    const { code, printed } = await run(`--out site.yaml --operator 10.0.0.1 --user root ${words}`);
    expect(printed.err).toBe('');
    expect(code).toBe(0);
    expect(hostsOf()).toEqual(hosts);
  });

  it.each(['site.yaml', 'deep/er/site.yaml'])('names the schema from where %s is', async (out) => {
    expect((await run(BOTH.replace('site.yaml', out))).code).toBe(0);
    const [, schema = ''] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(written(out)) ?? [];
    expect(schema).toMatch(/^\.\.?\//);
    expect(resolve(dirname(join(cwd, out)), schema)).toBe(
      join(PROJECT, 'stacks/inventory/inventory.schema.json'),
    );
  });

  it('lists everything that was not said, where no one can be asked', async () => {
    const none = await run('--out site.yaml');
    expect(none.code).toBe(1);
    expect(none.printed.err).toBe(
      '[--ai-node ADDRESS or --dev-ops ADDRESS] which hosts there are was not said. Add --ai-node ADDRESS or --dev-ops ADDRESS, or run the command on a terminal to be asked.\n' +
        '[--operator ADDRESS] where people work from was not said. Add --operator ADDRESS, or run the command on a terminal to be asked.\n' +
        '[--user NAME] the account to log in as was not said. Add --user NAME, or run the command on a terminal to be asked.\n',
    );
    const { printed } = await run('--out site.yaml --ai-node 10.0.0.5 --yes', { answer: true });
    expect(printed.err).toContain('[--gpu GIB] what GPUs the AI node has was not said.');
    expect(printed.err).toContain('[--model NAME=FOLDER:GIB] which models the AI node serves was not said.');
    expect(() => written()).toThrow();
  });

  it('asks for what was not said, and before it writes', async () => {
    const answers = ['10.0.0.5', '', '10.0.0.1 10.1.0.0/16', '', '80', 'phi3=Phi-3:7.2'];
    const { code, questions } = await run('--out site.yaml', { answers, answer: true });
    expect(code).toBe(0);
    expect(questions).toHaveLength(7);
    expect(questions.at(-1)).toBe('Write site.yaml?');
    expect(hostsOf()).toEqual(['ai-node']);
    expect(loadInventory('site.yaml', {}, cwd).hosts['ai-node']?.ssh?.user).toBe('agent0');
  });

  it('asks for nothing that was said, and writes nothing after a no', async () => {
    const { code, printed, questions } = await run('--out site.yaml --dev-ops 10.0.0.6 --operator 10.0.0.1', {
      answers: ['', 'ops'],
      answer: false,
    });
    expect(questions).toEqual([
      'Address of the AI node (empty: there is none)',
      'Account to log in as, which may sudo',
      'Write site.yaml?',
    ]);
    expect(code).toBe(1);
    expect(printed.err).toBe('Nothing was written.\n');
    expect(() => written()).toThrow();
  });

  it('overwrites only with --force', async () => {
    writeFileSync(join(cwd, 'site.yaml'), 'mine\n');
    const { code, printed } = await run(BOTH);
    expect(code).toBe(1);
    expect(printed.err).toBe(
      '[site.yaml] is there already; nothing was written. Name another file with --out, or overwrite it with --force.\n',
    );
    expect(written()).toBe('mine\n');
    expect((await run(`${BOTH} --force`)).code).toBe(0);
    expect(hostsOf()).toEqual(['ai-node', 'dev-ops']);
  });

  it.each([
    [
      'a name for an address',
      '--out site.yaml --ai-node notanip --operator 10.0.0.1 --user root --gpu 24 --model small=M:8',
      '[--ai-node] "notanip" is not an IP address. Give the address itself',
    ],
    [
      'a network for an address',
      BOTH.replace('10.0.0.6', '10.0.0.0/24'),
      '[--dev-ops] "10.0.0.0/24" is not an IP',
    ],
    [
      'one address for both',
      BOTH.replace('10.0.0.6', '10.0.0.5'),
      'hosts.dev-ops.address: 10.0.0.5 with SSH port 22 is the host "ai-node" already.',
    ],
    [
      'one disk for both',
      `${BOTH} --models-disk LABEL=x --backup-disk LABEL=x`,
      'LABEL=x is mounted at /mnt/citadel-models already.',
    ],
    ['an account', BOTH.replace('--user ops', '--user Ops!'), 'is not an account name'],
    ['a network', BOTH.replace('fd00::1', '10.0.0.0/99'), 'is not an IP address or a network'],
    ['a GPU', BOTH.replace('--gpu 80', '--gpu much'), '[--gpu] "much" is not a number of GiB. Give'],
    [
      'a model',
      BOTH.replace(':7.2', ''),
      '[--model] "phi3=Phi-3-mini" is not a model. Write NAME=FOLDER:GIB',
    ],
    ['a GPU that is not there', BOTH.replace('@0,1', '@0,2'), 'big is to run on GPU 2, and there are 2.'],
    ['a name twice', BOTH.replace('big=', 'phi3='), '[--model] phi3 is named twice.'],
    ['weights that do not fit', BOTH.replace(':60', ':160'), '[--model] the models on GPU 0 need '],
    ['what would be YAML', BOTH.replace('--user ops', '--user a:{}'), 'is not an account name'],
    [
      'a folder where a package should be',
      BOTH.replace('grafana.deb', 'grafana'),
      'is not an absolute path of a .deb',
    ],
  ])('refuses %s, and writes nothing', async (_name, line, message) => {
    const { code, printed } = await run(line);
    expect(code).toBe(1);
    expect(printed.err).toContain(message);
    expect(printed.err).not.toContain('internal error');
    expect(() => written()).toThrow();
  });

  it('says where it cannot write', async () => {
    const part = await run(BOTH.replace('site.yaml', 'mine/x/site.yaml'));
    expect(part.code).toBe(0);
    for (const below of ['mine/x/site.yaml/a.yaml', 'mine/x/site.yaml/b/a.yaml']) {
      const { code, printed } = await run(BOTH.replace('site.yaml', below));
      expect(code).toBe(1);
      expect(printed.err).toBe(
        `[${below}] cannot be written: mine/x/site.yaml is a file, not a folder. Name another file with --out.\n`,
      );
    }
    mkdirSync(join(cwd, 'file.yaml'));
    const { code, printed } = await run(`${BOTH.replace('site.yaml', 'file.yaml')} --force`);
    expect(code).toBe(1);
    expect(printed.err).toContain('[file.yaml] cannot be written: ');
  });

  it('shows keys that hosts offer, as remarks and never as pins', async () => {
    const keys = [{ type: 'ssh-ed25519', fingerprint: PIN }] as unknown as OfferedHostKey[];
    const { printed } = await run(`${BOTH} --scan`, { engine: { keys } });
    expect(printed.err).toContain(
      `ai-node: 10.0.0.5 offers ssh-ed25519 ${PIN}; compare it before you pin it.\n`,
    );
    expect(written()).toContain(`      #   ${PIN} (ssh-ed25519)\n      hostKeys: []\n`);
    expect(loadInventory('site.yaml', {}, cwd).hosts['ai-node']?.ssh?.hostKeys).toEqual([]);
  });

  it('goes on without a host that does not answer', async () => {
    const keys = new CitadelError({ code: 'x', path: 'ai-node', got: 'nothing answers', fix: 'Start it.' });
    const { code, printed } = await run(`${BOTH} --scan`, { engine: { keys } });
    expect(code).toBe(0);
    expect(printed.err).toContain('ai-node: no key seen: nothing answers.\n');
  });

  it('is data as JSON', async () => {
    const { printed } = await run(`${BOTH} --json`);
    expect(JSON.parse(printed.out)).toEqual({ file: 'site.yaml', hosts: ['ai-node', 'dev-ops'] });
  });
});
