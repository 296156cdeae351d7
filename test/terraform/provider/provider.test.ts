import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CitadelError, type HostManifest } from '../../../lib/manifest/index.js';
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
const config = { name: 'web', document: encodeDocument(manifest) };
const attributes = (values: CtyObject): CtyObject => ({
  ...Object.fromEntries(COMPUTED.map((name) => [name, null])),
  ...values,
});

describe('CitadelProvider, call by call', () => {
  let root: string;
  let provider: CitadelProvider;
  const log: string[] = [];
  const configure = (values: CtyObject) =>
    provider.ConfigureProvider({ terraform_version: '1.11.4', config: toDynamic(values) });
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
    provider = new CitadelProvider({
      engine: () => Promise.resolve(engineDouble),
      log: (level, text) => log.push(`${level}: ${text}`),
      who: 'tester',
    });
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('describes itself without being configured', async () => {
    expect((await provider.GetMetadata()).resources).toEqual([{ type_name: 'citadel_host' }]);
    const schema = await provider.GetProviderSchema();
    expect(schema.resource_schemas['citadel_host']?.version).toBe(1);
    expect(schema.server_capabilities?.plan_destroy).toBe(true);
  });

  it('tolerates everything unknown in validation', async () => {
    const unknown = toDynamic({ name: UNKNOWN, document: UNKNOWN });
    expect(await provider.ValidateResourceConfig({ type_name: 'citadel_host', config: unknown })).toEqual({
      diagnostics: [],
    });
    expect(await provider.ValidateProviderConfig({ config: toDynamic(UNKNOWN) })).toEqual({
      diagnostics: [],
    });
    expect(await provider.ValidateProviderConfig({})).toEqual({ diagnostics: [] });
  });

  it('plans the unknown while it is not configured, and says why it can do no more', async () => {
    await configure({ host: 'web', root: UNKNOWN });
    const planned = await plan(null, attributes(config));
    expect(fromDynamic(planned.planned_state)).toEqual({
      ...config,
      ...Object.fromEntries(COMPUTED.map((it) => [it, UNKNOWN])),
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
    await configure({ host: 'web', root });
    const first = await plan(null, attributes(config));
    const second = await plan(null, attributes(config));
    expect(second).toEqual(first);
    const planned = fromDynamic(first.planned_state);
    const applied = await apply(null, planned, first.planned_private);
    expect(applied.diagnostics).toEqual([]);
    const state = fromDynamic(applied.new_state) as CtyObject;
    expect(state).toEqual({ ...(planned as CtyObject), generation: 1 });
    const read = await provider.ReadResource({
      type_name: 'citadel_host',
      current_state: applied.new_state,
      private: none,
    });
    expect(fromDynamic(read.new_state)).toEqual(state);
    const nothing = await plan(state, attributes(config), read.private);
    expect(fromDynamic(nothing.planned_state)).toEqual(state);
  });

  it('keeps the spelling of an equal document', async () => {
    await configure({ host: 'web', root });
    const planned = await plan(null, attributes(config));
    const state = fromDynamic((await apply(null, fromDynamic(planned.planned_state))).new_state);
    const moved = encodeDocument({ ...manifest, origins: { 'files//a': 'elsewhere' } });
    const again = await plan(state, attributes({ name: 'web', document: moved }));
    expect(fromDynamic(again.planned_state)).toEqual(state);
  });

  it('asks for a replacement when the name changes', async () => {
    await configure({ host: 'db', root });
    const other = { name: 'db', document: encodeDocument({ ...manifest, host: 'db' }) };
    const planned = await plan(attributes(config), attributes(other));
    expect(planned.requires_replace).toEqual([{ steps: [{ attribute_name: 'name' }] }]);
  });

  it('reads states of its own version, and refuses those of a later one', async () => {
    const upgrade = (version: number, json: string) =>
      provider.UpgradeResourceState({
        type_name: 'citadel_host',
        version,
        raw_state: { json: Buffer.from(json) },
      });
    const same = await upgrade(
      1,
      JSON.stringify({ ...config, files: { '/a': { lines: ['a'], gone: 1 } }, gone: true }),
    );
    expect(fromDynamic(same.upgraded_state)).toEqual(
      attributes({
        ...config,
        files: {
          '/a': { lines: ['a'], no_newline_at_end: null, owner: null, group: null, mode: null, found: null },
        },
      }),
    );
    expect(fromDynamic((await upgrade(1, '')).upgraded_state)).toBeNull();
    const later = await upgrade(2, '{}');
    expect(later.upgraded_state).toBeUndefined();
    expect(later.diagnostics[0]?.summary).toContain('written by a later version');
  });

  it('promises to follow a transaction when it is asked to stop', async () => {
    expect(await provider.StopProvider()).toEqual({ Error: '' });
    expect(log.join()).toContain('followed to its end');
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
