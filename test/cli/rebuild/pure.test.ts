import { describe, expect, it } from 'vitest';
import { atRest, withoutMissing } from '../../../lib/cli/rebuild/at-rest.js';
import { fetchedWeights, keptElsewhere, withFetched } from '../../../lib/cli/rebuild/declared.js';
import { lostData, lostModels } from '../../../lib/cli/rebuild/losses.js';
import { makeReport, Recorder, type ReportInput } from '../../../lib/cli/rebuild/report.js';
import { planSteps, type Step } from '../../../lib/cli/rebuild/steps.js';
import { durationText } from '../../../lib/cli/text/rebuild.js';
import { sizeText } from '../../../lib/text/size.js';
import { parseFetching } from '../../../lib/engine/recovery/fetched.js';
import type { ModelWeights } from '../../../lib/engine/recovery/weights.js';
import type { HostInventory } from '../../../lib/inventory/index.js';
import type { HostManifest, ManifestCheck } from '../../../lib/manifest/index.js';
import { FILE, UNIT, weights } from './world.js';

const REST = { ...UNIT, enabled: null, state: 'any' };
const http = (port: number): ManifestCheck => ({
  kind: 'http',
  url: `http://10.0.0.1:${port}/health`,
  status: 200,
  timeoutSec: 1,
  wave: 1,
});
const MANIFEST: HostManifest = {
  version: 1,
  host: 'alpha',
  packages: { jq: {}, zstd: {} },
  mounts: { '/mnt/m': { source: 'LABEL=m', type: 'ext4', options: ['defaults'], state: 'mounted' } },
  files: {
    '/opt/citadel/scripts/backup_manager.py': FILE,
    '/etc/systemd/system/citadel-phi3.service': FILE,
    '/etc/systemd/system/citadel-yi.service': FILE,
    '/etc/systemd/system/citadel-storage.service': FILE,
  },
  units: {
    'citadel-phi3.service': UNIT,
    'citadel-yi.service': UNIT,
    'citadel-storage.service': UNIT,
    'nftables.service': UNIT,
  },
  checks: {
    phi3: http(11403),
    yi: http(11404),
    unit: { kind: 'unit', unit: 'citadel-phi3.service', timeoutSec: 1, wave: 1 },
  },
};
const SETTINGS = {
  ...FILE,
  content: [
    'host a',
    'path /etc',
    'prometheus prometheus prometheus.service /var/lib/prometheus/metrics2',
    'path /srv/a b',
    'exclude /etc/shadow',
    'password-name x',
    '',
  ].join('\n'),
};
const FETCHES = {
  '/opt/citadel/configs/weights/yi.json': {
    ...FILE,
    content: JSON.stringify({ from: 'hf://org/yi@main', start: 'boot', files: [{ size: 300 * 1024 ** 2 }] }),
  },
};
const model = (
  name: string,
  port: number,
  how: ModelWeights['how'],
  more: Partial<ModelWeights> = {},
): ModelWeights => ({
  model: name,
  unit: `citadel-${name}.service`,
  port,
  directory: name,
  how,
  source: null,
  created: null,
  bytes: 0,
  seconds: 0,
  skipped: [],
  error: '',
  fix: '',
  ...more,
});

describe('a manifest at rest', () => {
  it('is the same where there are no units', () => {
    const empty: HostManifest = { version: 1, host: 'alpha' };
    expect(atRest(empty)).toEqual(empty);
    expect(withoutMissing(empty, null)).toBe(empty);
  });

  it('leaves our own units alone, lets Debian’s run, and checks nothing', () => {
    const rest = atRest(MANIFEST);
    expect(rest.units).toEqual({
      'citadel-phi3.service': REST,
      'citadel-yi.service': REST,
      'citadel-storage.service': REST,
      'nftables.service': UNIT,
    });
    expect(rest.checks).toBeUndefined();
    expect({ ...rest, units: MANIFEST.units, checks: MANIFEST.checks }).toEqual(MANIFEST);
  });

  it('knows a unit for ours wherever systemd finds its file, or that of its template', () => {
    const manifest: HostManifest = {
      version: 1,
      host: 'alpha',
      files: {
        '/usr/local/lib/systemd/system/sync.service': FILE,
        '/etc/systemd/system/work@.service': FILE,
      },
      symlinks: { '/etc/systemd/system/linked.service': { target: '/opt/linked.service' } },
      units: { 'sync.service': UNIT, 'work@a.service': UNIT, 'linked.service': UNIT, 'cron.service': UNIT },
    };
    expect(atRest(manifest).units).toEqual({
      'sync.service': REST,
      'work@a.service': REST,
      'linked.service': REST,
      'cron.service': UNIT,
    });
  });

  it('leaves out missing models, their checks and what waits for all of them, and nothing else', () => {
    const all = weights(model('phi3', 11403, 'whole'), model('yi', 11404, 'restored'));
    expect(withoutMissing(MANIFEST, all)).toBe(MANIFEST);
    const partly = withoutMissing(
      MANIFEST,
      weights(model('phi3', 11403, 'missing'), model('yi', 11404, 'whole')),
    );
    expect(partly.units).toEqual({
      ...MANIFEST.units,
      'citadel-phi3.service': REST,
      'citadel-storage.service': REST,
    });
    expect(Object.keys(partly.checks ?? {})).toEqual(['yi']);
  });
});

describe('the plan', () => {
  const inventory = {
    ai: {
      models: {
        a: { gpus: [0], weightsGiB: 100 },
        b: { gpus: [0], weightsGiB: 100 },
        c: { gpus: [1], weightsGiB: 10 },
      },
    },
  } as unknown as HostInventory;
  const look = { host: 'alpha', manifest: MANIFEST, inventory, door: 'agent0@10.0.0.1', weights: null };
  const of = (steps: readonly Step[], name: string): Step | undefined =>
    steps.find((step) => step.name === name);

  it('guesses by sizes: 210 GiB to unpack, 200 GiB to load on one GPU', () => {
    const steps = planSteps(look, {});
    expect(of(steps, 'weights')?.estimateSec).toBe(Math.ceil((210 * 1024) / 200));
    expect(of(steps, 'services')?.estimateSec).toBe(20 + 2 * 40 + 200);
    expect(of(steps, 'weights')?.does).toBe(
      'bring back what is missing of 3 models, each from the newest archive that verifies',
    );
    expect(of(steps, 'disks')?.does).toBe('use as they are, never format: LABEL=m (/mnt/m)');
  });

  it('says what is there already, what is left out, and from which archives', () => {
    const there = {
      ...look,
      weights: weights(model('a', 1, 'whole'), model('b', 2, 'restore', { bytes: 419_430_400 })),
    };
    expect(of(planSteps(there, { from: 'weekly' }), 'weights')).toMatchObject({
      does: 'bring back b, each from the newest weekly archive that verifies',
      estimateSec: 2,
    });
    expect(of(planSteps(there, { withoutWeights: true }), 'weights')).toMatchObject({ estimateSec: 0 });
    expect(of(planSteps(look, {}), 'bootstrap')?.does).toBe(
      'nothing: agent0@10.0.0.1 may log in and use sudo',
    );
  });

  it('has no models on a host without them', () => {
    const manifest: HostManifest = { version: 1, host: 'alpha' };
    expect(planSteps({ ...look, manifest }, {}).map(({ name }) => name)).toEqual([
      'reach',
      'bootstrap',
      'disks',
      'services',
      'reboot',
      'verification',
    ]);
  });

  it('is in two transactions where data come back from off-site before the services that go on from them', () => {
    const manifest: HostManifest = {
      version: 1,
      host: 'alpha',
      files: { '/etc/citadel-offsite/settings': SETTINGS },
    };
    const steps = planSteps({ ...look, manifest }, {});
    expect(steps.map(({ name }) => name)).toEqual([
      'reach',
      'bootstrap',
      'disks',
      'configuration',
      'data',
      'services',
      'reboot',
      'verification',
    ]);
    expect(of(steps, 'data')?.does).toBe(
      'bring back from off-site, on a new machine: /var/lib/prometheus/metrics2, /srv/a b',
    );
    expect(of(planSteps({ ...look, manifest }, { withoutData: true }), 'data')?.does).toBe(
      'nothing (--without-data): its services begin with none',
    );
  });

  it('waits for weights that the host fetches, about as long as they take', () => {
    const manifest: HostManifest = { ...MANIFEST, files: { ...MANIFEST.files, ...FETCHES } };
    expect(of(planSteps({ ...look, manifest }, {}), 'fetch')).toEqual({
      name: 'fetch',
      does: 'wait for weights that no backup has and the host fetches: yi from hf://org/yi@main',
      estimateSec: 3,
    });
    expect(of(planSteps({ ...look, manifest }, { withoutWeights: true }), 'fetch')).toBeUndefined();
  });
});

describe('what a manifest declares', () => {
  it('is kept off-site, but for /etc, which comes from the manifest', () => {
    expect(keptElsewhere({ version: 1, host: 'a' })).toEqual([]);
    expect(
      keptElsewhere({ version: 1, host: 'a', files: { '/etc/citadel-offsite/settings': SETTINGS } }),
    ).toEqual(['/var/lib/prometheus/metrics2', '/srv/a b']);
  });

  it('is fetched where no backup has it, and keeps no other model from starting', () => {
    const manifest: HostManifest = { ...MANIFEST, files: { ...MANIFEST.files, ...FETCHES } };
    const declared = fetchedWeights(manifest);
    const found = weights(
      model('phi3', 11403, 'whole'),
      model('yi', 11404, 'missing', { error: 'there is no archive of it' }),
    );
    const now = withFetched(found, declared);
    expect(now.models[1]).toMatchObject({
      how: 'fetch',
      source: 'hf://org/yi@main',
      bytes: 300 * 1024 ** 2,
      error: '',
    });
    expect(withoutMissing(manifest, now)).toBe(manifest);
    expect(lostModels(now)).toEqual([
      {
        what: 'model yi: its weights are not fetched yet',
        fix: 'The host goes on fetching it: systemctl status citadel-weights-yi.',
      },
    ]);
    expect(withFetched(weights(model('yi', 1, 'restored')), declared).models[0]?.how).toBe('restored');
  });
});

describe('what the host says of weights that it fetches', () => {
  const said = (...fields: string[]) => ['citadel-fetched/1', ...fields, 'end', ''].join('\0');

  it('is waiting, fetching, there or failed', () => {
    const output = said(
      ...['a', 'inactive', '0', 'success', '', '', 'inactive'],
      ...['b', 'active', '0', 'success', '40 % of 1 GiB', '', 'inactive'],
      ...['c', 'inactive', '1', 'success', '', '', 'active'],
      ...['d', 'failed', '1', 'exit-code', '', '403 Forbidden', 'inactive'],
    );
    expect(parseFetching(output, ['a', 'b', 'c', 'd'], 'alpha')).toEqual([
      { model: 'a', state: 'waiting', said: '', service: 'inactive' },
      { model: 'b', state: 'fetching', said: '40 % of 1 GiB', service: 'inactive' },
      { model: 'c', state: 'there', said: '', service: 'active' },
      { model: 'd', state: 'failed', said: '403 Forbidden', service: 'inactive' },
    ]);
  });

  it('is refused where it is something else', () => {
    expect(() => parseFetching('Welcome!', ['a'], 'alpha')).toThrow('answered something else than asked');
    expect(() => parseFetching(said('a'), ['a'], 'alpha')).toThrow('answered something else than asked');
  });
});

describe('the report', () => {
  const step: Step = { name: 'reach', does: 'x', estimateSec: 1 };
  const input: ReportInput = {
    host: 'alpha',
    seconds: 60,
    steps: [],
    weights: null,
    data: [],
    nowSec: 1_000_000,
    lostModels: [],
    lostData: [],
    losses: [],
    todo: [],
  };

  it('has no recovery point without data', () => {
    expect(makeReport(input)).toMatchObject({
      outcome: 'rebuilt',
      recoveryPoint: null,
      objectiveSec: 14_400,
    });
  });

  it('takes the oldest backup that was used, not one that was not', () => {
    const found = weights(
      model('a', 1, 'restored', { created: 999_000 }),
      model('b', 2, 'restored', { created: 990_000 }),
      model('c', 3, 'whole', { created: 1 }),
    );
    expect(makeReport({ ...input, weights: found }).recoveryPoint).toEqual({ of: 'b', ageSec: 10_000 });
    expect(makeReport({ ...input, lostModels: [{ what: 'm', fix: 'f' }] }).outcome).toBe('partly');
    const data = [{ path: '/srv/x', how: 'damaged', bytes: 1, created: 980_000, parts: ['y'] }] as const;
    expect(makeReport({ ...input, weights: found, data }).recoveryPoint).toEqual({
      of: '/srv/x',
      ageSec: 20_000,
    });
    expect(makeReport({ ...input, data, lostData: lostData(data) })).toMatchObject({
      outcome: 'partly',
      lostData: [{ what: 'of /srv/x: y: the off-site store no longer has it whole' }],
    });
  });

  it('keeps times of steps, and which were not reached after a failure', async () => {
    let now = 0;
    const steps: Step[] = [step, { ...step, name: 'disks' }, { ...step, name: 'services' }];
    const recorder = new Recorder(steps, () => now);
    await recorder.run('reach', () => Promise.resolve({ detail: 'in' }), 2);
    const failing = recorder.run('disks', () => {
      now = 3000;
      return Promise.reject(new Error('no disk'));
    });
    await expect(failing).rejects.toThrow('no disk');
    expect(recorder.records().map(({ name, outcome, seconds }) => [name, outcome, seconds])).toEqual([
      ['reach', 'done', 2],
      ['disks', 'failed', 3],
      ['services', 'not reached', 0],
    ]);
    expect(makeReport({ ...input, steps: recorder.records() }).outcome).toBe('failed');
  });

  it.each([
    [0, '0 s'],
    [9.96, '10 s'],
    [59.4, '59 s'],
    [3600, '1 h'],
    [7_500, '2 h 5 min'],
    [90_000, '1 d 1 h'],
  ])('writes %d seconds as %s', (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });

  it('writes sizes', () => {
    expect([sizeText(0), sizeText(1024), sizeText(3 * 1024 ** 3)]).toEqual(['0 B', '1.0 KiB', '3.0 GiB']);
  });
});
