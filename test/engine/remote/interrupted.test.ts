import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realEngine } from '../../../lib/cli/engine.js';
import { run } from '../../../lib/cli/run.js';
import { manifestDigest, type HostManifest } from '../../../lib/manifest/index.js';
import { encodeDocument } from '../../../lib/terraform/document.js';
import { fromDynamic, toDynamic } from '../../../lib/terraform/provider/cty/msgpack.js';
import { enginePort } from '../../../lib/terraform/provider/engine.js';
import { CitadelProvider } from '../../../lib/terraform/provider/provider.js';
import { shellDouble } from '../../cli/doubles.js';
import { TRANSACTION } from '../../../lib/engine/apply/programs.js';
import { killing, oneByOne, withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';

/** Both doors to a host on which a transaction was killed half way: the next apply does what it is told. */
const version = (text: string): HostManifest => ({
  version: 1,
  host: 'box',
  files: Object.fromEntries(
    ['a', 'b', 'c'].map((name) => [
      `/etc/${name}`,
      { content: `${text}\n`, owner: 'root', group: 'root', mode: '0644' },
    ]),
  ),
});
const AFTER = version('new');

let root: OfflineRoot;
/** Its transaction that was killed. */
let open: string;
beforeEach(async () => {
  root = new OfflineRoot();
  await root.apply(version('old'));
  const killed = await root.runDirectly(
    await root.plan(AFTER),
    withFault([oneByOne, killing('put_file', 2)].join('\n')),
  );
  open = killed.id;
  expect([killed.signal, contents()]).toEqual(['SIGKILL', ['new\n', 'old\n', 'old\n']]);
});
afterEach(() => root.remove());

const contents = (): string[] => ['a', 'b', 'c'].map((name) => readFileSync(root.at(`/etc/${name}`), 'utf8'));

const deadman = (id: string): unknown =>
  spawnSync('/bin/sh', [join(root.staging(open), 'bin/tx.sh'), root.path, 'deadman', id]);

async function expectDone(): Promise<void> {
  expect(contents()).toEqual(['new\n', 'new\n', 'new\n']);
  expect(await root.plan(AFTER)).toMatchObject({ changes: [], record: false, observed: { open: null } });
  expect(root.leftovers()).toEqual([]);
}

async function terraformProvider(): Promise<CitadelProvider> {
  const provider = new CitadelProvider({
    engine: () => Promise.resolve(enginePort),
    log: () => undefined,
    folder: root.path,
    who: 'tester',
  });
  writeFileSync(root.at('/box.json'), encodeDocument(AFTER));
  const box = { document: 'box.json', root: root.path };
  await provider.ConfigureProvider({ terraform_version: '1.11.4', config: toDynamic({ hosts: { box } }) });
  return provider;
}

describe('after a transaction that was killed', () => {
  it('the command line tool applies', async () => {
    const shell = shellDouble({
      inventory: `hosts: { box: { root: ${JSON.stringify(root.path)} } }\n`,
      app: { buildHosts: () => [AFTER] },
    });
    const code = await run(
      ['apply', '--yes'],
      { ...shell, engine: () => Promise.resolve(realEngine({})) },
      '1',
    );
    expect([code, shell.printed.err]).toEqual([
      0,
      expect.stringContaining('box: is at a whole generation again\n'),
    ]);
    await expectDone();
  });

  it('Terraform applies what it planned, which said that this is undone first', async () => {
    const provider = await terraformProvider();
    const none = new Uint8Array();
    const config = toDynamic({ name: 'box', digest: manifestDigest(AFTER) });
    const planned = await provider.PlanResourceChange({
      type_name: 'citadel_host',
      prior_state: toDynamic(null),
      proposed_new_state: config,
      config,
      prior_private: none,
    });
    expect(planned.diagnostics.map(({ detail }) => detail).join()).toContain(
      'the next apply undoes it first',
    );
    expect(contents()).toEqual(['new\n', 'old\n', 'old\n']);
    const applied = await provider.ApplyResourceChange({
      type_name: 'citadel_host',
      prior_state: toDynamic(null),
      planned_state: planned.planned_state ?? toDynamic(null),
      config,
      planned_private: planned.planned_private,
    });
    expect(applied.diagnostics).toEqual([]);
    expect(fromDynamic(applied.new_state)).toMatchObject({ name: 'box', generation: '2' });
    await provider.close();
    await expectDone();
  });

  it('Terraform refuses when someone has touched the host since it planned', async () => {
    const provider = await terraformProvider();
    const config = toDynamic({ name: 'box', digest: manifestDigest(AFTER) });
    const planned = await provider.PlanResourceChange({
      type_name: 'citadel_host',
      prior_state: toDynamic(null),
      proposed_new_state: config,
      config,
      prior_private: new Uint8Array(),
    });
    writeFileSync(root.at('/etc/c'), 'by hand\n');
    const second = await terraformProvider();
    const applied = await second.ApplyResourceChange({
      type_name: 'citadel_host',
      prior_state: toDynamic(null),
      planned_state: planned.planned_state ?? toDynamic(null),
      config,
      planned_private: planned.planned_private,
    });
    expect(applied.diagnostics.map(({ summary }) => summary).join()).toContain(
      'no longer as this plan saw it',
    );
    expect(contents()).toEqual(['new\n', 'old\n', 'by hand\n']);
    await provider.close();
    await second.close();
  });

  it('because its time was up is told as that, with what allows it more', () => {
    const program = root.at('/var/lib/citadel-iac/open/bin/tx.sh');
    // As systemd says it to what it runs after a unit that reached RuntimeMaxSec=.
    const recovered = spawnSync('/bin/sh', [program, root.path, 'recover'], {
      encoding: 'utf8',
      env: { ...process.env, SERVICE_RESULT: 'timeout' },
    });
    expect([recovered.status, contents()]).toEqual([0, ['old\n', 'old\n', 'old\n']]);
    expect(recovered.stdout + recovered.stderr).toContain('applySec');
  });
});

describe('the dead man’s switch', () => {
  it('undoes its own transaction', async () => {
    // Its deadline has passed: the text that kills at the second file has met that by now.
    writeFileSync(join(root.staging(open), 'bin/tx.sh'), TRANSACTION.script);
    deadman(open);
    expect(contents()).toEqual(['old\n', 'old\n', 'old\n']);
    expect((await root.plan(AFTER)).observed.open).toBe(null);
  });

  it('of an earlier transaction leaves a later one alone', async () => {
    writeFileSync(join(root.staging(open), 'bin/tx.sh'), TRANSACTION.script);
    deadman('0123456789ab-01234567');
    expect(contents()).toEqual(['new\n', 'old\n', 'old\n']);
    expect((await root.plan(AFTER)).observed.open).toMatchObject({ id: open });
  });
});
