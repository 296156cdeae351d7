import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CitadelError, manifestDigest, type HostManifest } from '../../../lib/manifest/index.js';
import { encodeDocument } from '../../../lib/terraform/document.js';
import { fromDynamic, toDynamic } from '../../../lib/terraform/provider/cty/msgpack.js';
import { UNKNOWN, type CtyObject, type CtyValue } from '../../../lib/terraform/provider/cty/value.js';
import { diagnose } from '../../../lib/terraform/provider/diagnostics.js';
import { CitadelProvider } from '../../../lib/terraform/provider/provider.js';
import { COMPUTED } from '../../../lib/terraform/provider/schema.js';
import { engineDouble } from '../support/engine-double.js';

const none = new Uint8Array();
const manifest: HostManifest = {
  version: 1,
  host: 'web',
  files: { '/a': { content: 'a\n', owner: 'root', group: 'root', mode: '0644' } },
};
const config = { name: 'web', digest: manifestDigest(manifest) };
const attributes = (values: CtyObject): CtyObject => ({
  ...Object.fromEntries(COMPUTED.map((name) => [name, null])),
  ...values,
});

describe('CitadelProvider, call by call', () => {
  let root: string;
  let provider: CitadelProvider;
  const log: string[] = [];
  const configure = (hosts: CtyValue) =>
    provider.ConfigureProvider({ terraform_version: '1.11.4', config: toDynamic({ hosts }) });
  const write = (document: HostManifest): void =>
    writeFileSync(join(root, 'web.json'), encodeDocument(document));
  const web = (): CtyObject => ({ document: 'web.json', root });
  const plan = (prior: CtyValue, values: CtyValue, seen: Uint8Array = none) =>
    provider.PlanResourceChange({
      type_name: 'citadel_host',
      prior_state: toDynamic(prior),
      proposed_new_state: toDynamic(values),
      config: toDynamic(values),
      prior_private: seen,
    });
  const apply = (prior: CtyValue, planned: CtyValue, seen: Uint8Array = none) =>
    provider.ApplyResourceChange({
      type_name: 'citadel_host',
      prior_state: toDynamic(prior),
      planned_state: toDynamic(planned),
      config: toDynamic(planned === null ? null : config),
      planned_private: seen,
    });

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'citadel-rpc-'));
    log.length = 0;
    write(manifest);
    provider = new CitadelProvider({
      engine: () => Promise.resolve(engineDouble),
      log: (level, text) => log.push(`${level}: ${text}`),
      folder: root,
      who: 'tester',
    });
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('describes itself without being configured', async () => {
    expect((await provider.GetMetadata()).resources).toEqual([{ type_name: 'citadel_host' }]);
    const schema = await provider.GetProviderSchema();
    expect(schema.resource_schemas['citadel_host']?.version).toBe(2);
    expect(schema.server_capabilities?.plan_destroy).toBe(true);
  });

  it('tolerates everything unknown in validation', async () => {
    const unknown = toDynamic({ name: UNKNOWN, digest: UNKNOWN });
    expect(await provider.ValidateResourceConfig({ type_name: 'citadel_host', config: unknown })).toEqual({
      diagnostics: [],
    });
    expect(await provider.ValidateProviderConfig({ config: toDynamic(UNKNOWN) })).toEqual({
      diagnostics: [],
    });
    expect(await provider.ValidateProviderConfig({})).toEqual({ diagnostics: [] });
  });

  it('plans the unknown while it is not configured, and says why it can do no more', async () => {
    await configure({ web: { document: 'web.json', root: UNKNOWN } });
    const planned = await plan(null, attributes(config));
    expect(fromDynamic(planned.planned_state)).toEqual({
      ...Object.fromEntries(COMPUTED.map((it) => [it, UNKNOWN])),
      ...config,
    });
    const read = await provider.ReadResource({
      type_name: 'citadel_host',
      current_state: toDynamic(config),
      private: none,
    });
    expect(read.diagnostics[0]?.summary).toContain('cannot be read while its provider block is not known');
    expect(fromDynamic(read.new_state)).toEqual(config);
    const imported = await provider.ImportResourceState({ type_name: 'citadel_host', id: 'web' });
    expect(imported.diagnostics[0]?.summary).toContain('cannot be imported');
    expect(imported.imported_resources).toEqual([]);
  });

  it('plans twice the same, applies it, and reads the same again', async () => {
    await configure({ web: web() });
    const first = await plan(null, attributes(config));
    const second = await plan(null, attributes(config));
    expect(second).toEqual(first);
    const planned = fromDynamic(first.planned_state);
    const applied = await apply(null, planned, first.planned_private);
    expect(applied.diagnostics).toEqual([]);
    const state = fromDynamic(applied.new_state) as CtyObject;
    // As text: Terraform keeps fewer digits of a number in binary, and takes it for another one afterwards.
    expect(state).toEqual({ ...(planned as CtyObject), generation: '1' });
    const read = await provider.ReadResource({
      type_name: 'citadel_host',
      current_state: applied.new_state,
      private: none,
    });
    expect(fromDynamic(read.new_state)).toEqual(state);
    const nothing = await plan(state, attributes(config), read.private);
    expect(fromDynamic(nothing.planned_state)).toEqual(state);
  });

  it('takes a document that says the same of other constructs for no change', async () => {
    await configure({ web: web() });
    const planned = await plan(null, attributes(config));
    const state = fromDynamic((await apply(null, fromDynamic(planned.planned_state))).new_state);
    write({ ...manifest, origins: { 'files//a': 'elsewhere' } });
    const again = await plan(state, attributes(config));
    expect(fromDynamic(again.planned_state)).toEqual(state);
  });

  it('asks for a replacement when the name changes, of a host that it can reach', async () => {
    const other = { name: 'db', digest: null };
    writeFileSync(join(root, 'db.json'), encodeDocument({ ...manifest, host: 'db' }));
    await configure({ db: { document: 'db.json', root } });
    const refused = await plan(attributes(config), attributes(other));
    expect(refused.diagnostics[0]?.summary).toContain('is "web", and the provider block has no host');
    await configure({ web: web(), db: { document: 'db.json', root } });
    const planned = await plan(attributes(config), attributes(other));
    expect(planned.requires_replace).toEqual([{ steps: [{ attribute_name: 'name' }] }]);
    const unknown = await plan(attributes(config), attributes({ ...other, digest: UNKNOWN }));
    expect(unknown.diagnostics[0]?.summary).toContain('[db] digest: or the way to the host is known only');
  });

  it('keeps what the last apply did while the host is in order, and forgets it when there is work', async () => {
    await configure({ web: web() });
    const prior = attributes({
      ...config,
      generation: '1',
      actions: ['restart a'],
      changes: { '/a': ['-b'] },
    });
    const planned = fromDynamic((await plan(null, attributes(config))).planned_state) as CtyObject;
    await apply(null, planned);
    const read = async (): Promise<CtyObject> => {
      const answer = await provider.ReadResource({
        type_name: 'citadel_host',
        current_state: toDynamic(prior),
        private: none,
      });
      return fromDynamic(answer.new_state) as CtyObject;
    };
    const kept = { actions: ['restart a'], changes: { '/a': ['-b'] } };
    expect(await read()).toMatchObject(kept);
    expect(fromDynamic((await plan(await read(), attributes(config))).planned_state)).toMatchObject(kept);
    // Within one command the host is looked at once, so this is the next one.
    await configure({ web: web() });
    writeFileSync(join(root, 'a'), 'by hand\n');
    expect(await read()).toMatchObject({ actions: null, changes: null });
  });

  it('reads states of its own version and of the one before, and refuses those of a later one', async () => {
    const upgrade = (version: number, stored: unknown) =>
      provider.UpgradeResourceState({
        type_name: 'citadel_host',
        version,
        raw_state: { json: Buffer.from(stored === undefined ? '' : JSON.stringify(stored)) },
      });
    const same = await upgrade(2, { ...config, generation: 3, files: { '/a': '0644' }, gone: true });
    expect(fromDynamic(same.upgraded_state)).toEqual(
      attributes({ ...config, generation: '3', files: { '/a': '0644' } }),
    );
    const first = {
      ...config,
      document: encodeDocument(manifest),
      generation: 7,
      files: { '/a': { lines: ['a'], owner: 'root' } },
      replaces: { '/a': ['-b'] },
      actions: ['restart a'],
    };
    const upgraded = await upgrade(1, first);
    expect(fromDynamic(upgraded.upgraded_state)).toEqual(
      attributes({ ...config, generation: '7', files: { '/a': '0644 root:root 1 line 87428fc52280' } }),
    );
    const unread = await upgrade(1, { ...first, document: '{"version":0}' });
    expect(fromDynamic(unread.upgraded_state)).toEqual(attributes({ ...config, generation: '7' }));
    expect(fromDynamic((await upgrade(1, undefined)).upgraded_state)).toBeNull();
    const later = await upgrade(3, {});
    expect(later.upgraded_state).toBeUndefined();
    expect(later.diagnostics[0]?.summary).toContain('written by a later version');
  });

  it('promises to follow a transaction when it is asked to stop', async () => {
    expect(await provider.StopProvider()).toEqual({ Error: '' });
    expect(log.join()).toContain('followed to their end');
  });
});

describe('diagnose', () => {
  it('gives each problem its own diagnostic: where and what above, words, fix and state below', () => {
    const error = new CitadelError({
      code: 'x',
      path: 'web/a',
      property: 'p',
      got: 'tool failed:\nline 1\nline 2',
      fix: 'Fix it',
    });
    expect(diagnose(error, 'web', 'Unchanged.')).toEqual([
      { severity: 1, summary: '[web/a] p: tool failed:', detail: 'line 1\nline 2\n\nFix it\n\nUnchanged.' },
    ]);
  });

  it('says where an unknown error happened and how to learn more', () => {
    const [diagnostic] = diagnose(new TypeError('x is undefined'), 'web');
    expect(diagnostic?.summary).toBe('[web] x is undefined');
    expect(diagnostic?.detail).toContain('TF_LOG_PROVIDER=debug');
    expect(diagnose('text', 'web')[0]?.summary).toBe('[web] text');
  });
});
