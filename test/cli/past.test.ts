import { describe, expect, it } from 'vitest';
import type { GenerationRecord } from '../../lib/engine/model.js';
import { type HostManifest } from '../../lib/manifest/index.js';
import { call, down } from './call.js';
import { CHANGE, observed, planOf } from './doubles.js';

describe('history', () => {
  const records: GenerationRecord[] = [
    {
      generation: 1,
      digest: 'a'.repeat(64),
      time: '2026-01-01T00:00:00Z',
      who: 'anna@x',
      current: true,
      pinned: false,
      summary: '2 changes: files 2',
    },
  ];

  it('prints a table per host', async () => {
    const { code, printed } = await call('history', { engine: { history: { alpha: records } } });
    expect(code).toBe(0);
    expect(printed.out).toContain(
      '* 1           2026-01-01T00:00:00Z  aaaaaaaaaaaa  anna@x  2 changes: files 2\n',
    );
    expect(printed.out).toContain('beta: no generation yet; nothing was ever applied.\n');
  });

  it('prints JSON', async () => {
    const { printed } = await call('history alpha --json', { engine: { history: { alpha: records } } });
    expect(JSON.parse(printed.out)).toEqual({ hosts: { alpha: records } });
  });

  it('pins a generation of one host, and lets one go', async () => {
    const { code, engineDouble } = await call('history alpha --pin 12 --unpin 3', {
      engine: { history: { alpha: records } },
    });
    expect(code).toBe(0);
    expect(engineDouble.calls).toEqual(expect.arrayContaining(['pin 12 alpha', 'unpin 3 alpha']));
    const several = await call('history --pin 12');
    expect(several.code).toBe(1);
    expect(several.printed.err).toContain('a generation is pinned on one host');
  });

  it('is 1 when a host cannot be asked', async () => {
    const { code, printed } = await call('history', { engine: { open: { beta: down } } });
    expect(code).toBe(1);
    expect(printed.out).toContain('alpha: no generation yet');
    expect(printed.err).toBe('[beta] nothing answers. Start it.\n');
  });
});

describe('rollback', () => {
  const record = (generation: number, current = false, digest = `${generation}`): GenerationRecord => ({
    generation,
    digest: digest.repeat(64),
    time: '2026-01-01T00:00:00Z',
    who: 'w',
    summary: 's',
    current,
    pinned: false,
  });
  const past: HostManifest = { version: 1, host: 'alpha', symlinks: { '/a': { target: 'b' } } };
  const engine = {
    history: { alpha: [record(2), record(5), record(7, true), record(8)] },
    manifests: { 2: past, 5: past },
    plans: { alpha: planOf('alpha', { manifest: past, changes: [CHANGE] }) },
  };

  it('goes to the generation before the current one', async () => {
    const { code, printed, engineDouble } = await call('rollback alpha --yes', { engine });
    expect(code).toBe(0);
    expect(printed.err).toContain(
      'alpha: back to generation 5 (2026-01-01T00:00:00Z, 555555555555), as a new generation\n',
    );
    expect(printed.err).not.toContain('passed over');
    expect(engineDouble.applied[0]?.plan.manifest).toEqual(past);
  });

  it('passes over generations with the document of the current one, as the healing of a drift makes them', async () => {
    const history = {
      alpha: [record(2), record(5, false, 'c'), record(6, false, 'c'), record(7, true, 'c')],
    };
    const { code, printed, engineDouble } = await call('rollback alpha --yes', {
      engine: { ...engine, history },
    });
    expect(code).toBe(0);
    expect(printed.err).toContain(
      'alpha: back to generation 2 (2026-01-01T00:00:00Z, 222222222222), as a new generation; passed over 5, 6, which have the document of the current one, 7\n',
    );
    expect(engineDouble.applied[0]?.plan.manifest).toEqual(past);
  });

  it('refuses when every earlier generation is the document of the current one', async () => {
    const history = { alpha: [record(1, false, 'c'), record(2, true, 'c'), record(3)] };
    const { code, printed, engineDouble } = await call('rollback alpha --yes', {
      engine: { ...engine, history },
    });
    expect(code).toBe(1);
    expect(printed.err).toBe(
      '[alpha] keeps no earlier generation with another document than the current one, 2: 1 has the same. Name one with --to, or change the configuration and apply it. What was changed by hand is undone by "citadel-iac rollback alpha --to 2".\n',
    );
    expect(engineDouble.applied).toEqual([]);
  });

  it('goes to the named one also where it is the same document', async () => {
    const history = { alpha: [record(5, false, 'c'), record(7, true, 'c')] };
    const { code, printed } = await call('rollback alpha --to 5 --yes', { engine: { ...engine, history } });
    expect(code).toBe(0);
    expect(printed.err).toContain('alpha: back to generation 5 (');
  });

  it('goes to the generation that is named, and asks', async () => {
    const { code, printed, questions } = await call('rollback alpha --to 2', { engine, answer: true });
    expect(code).toBe(0);
    expect(printed.err).toContain(
      'alpha: back to generation 2 (2026-01-01T00:00:00Z, 222222222222), as a new generation\n',
    );
    expect(questions).toEqual(['Roll back 1 change on alpha?']);
  });

  it.each([
    ['rollback alpha --to 3 --yes', '[alpha] has no generation 3. It keeps: 2, 5, 7, 8.\n'],
    ['rollback beta --to 3 --yes', '[beta] has no generation 3. Nothing was ever applied to it.\n'],
    ['rollback beta --yes', '[beta] has no generation to go back from. Apply something first.\n'],
    ['rollback gamma --yes', '[inv.yaml] unknown host "gamma". Use one of: alpha, beta.\n'],
  ])('refuses "%s"', async (line, message) => {
    const { code, printed, engineDouble } = await call(line, { engine });
    expect(code).toBe(1);
    expect(printed.err).toBe(message);
    expect(engineDouble.applied).toEqual([]);
  });

  it('ends an interrupted transaction first', async () => {
    const open = { id: 'ab-1', running: false, who: 'ben@desk', since: 'noon', state: 'switching' };
    const between = planOf('alpha', { manifest: past, observed: observed({ open }) });
    const { code, engineDouble } = await call('rollback alpha --yes', {
      engine: { ...engine, plans: { alpha: between }, recovered: engine.plans },
    });
    expect(code).toBe(0);
    expect(engineDouble.applied.map(({ plan }) => plan.changes)).toEqual([[CHANGE]]);
  });

  it('does not give one host the document of another', async () => {
    const other: HostManifest = { version: 1, host: 'beta' };
    const { code, printed, engineDouble } = await call('rollback alpha --yes', {
      engine: { ...engine, manifests: { 5: other } },
    });
    expect(code).toBe(1);
    expect(printed.err).toBe(
      '[alpha] its generation 5 is the document of a host called "beta". Choose a generation from after it was renamed, or call it "beta" in the inventory again.\n',
    );
    expect(engineDouble.applied).toEqual([]);
  });

  it('refuses when the current generation is the first', async () => {
    const { printed } = await call('rollback alpha --yes', {
      engine: { history: { alpha: [record(1, true)] } },
    });
    expect(printed.err).toBe(
      '[alpha] keeps no generation before the current one, 1. Name one with --to, or change the configuration and apply it.\n',
    );
  });
});
