import { describe, expect, it } from 'vitest';
import {
  interruptionsOf,
  limitText,
  longestInterruption,
  spanText,
  type Interruption,
} from '../../../lib/cli/review/interruptions.js';
import { spanSeconds } from '../../../lib/cli/review/unit-files.js';
import type { UnitAction } from '../../../lib/engine/model.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { planOf } from '../doubles.js';

const root = { owner: 'root', group: 'root', mode: '0644' };
const unit = { enabled: true, state: 'running' as const, restartOn: [], reloadOn: [], wave: 0 };

/** What becomes of units by their files (`a.service`: text; `null`: its package brings it), when each is acted upon. */
function of(
  files: Record<string, string | null>,
  actions: Record<string, UnitAction['verb']>,
  more: Partial<HostManifest> = {},
): Interruption[] {
  const names = Object.keys(files).filter((name) => !name.includes('/'));
  const manifest: HostManifest = {
    version: 1,
    host: 'alpha',
    ...more,
    units: Object.fromEntries(names.map((name) => [name, unit])),
    files: {
      ...more.files,
      ...Object.fromEntries(
        Object.entries(files).flatMap(([name, content]) =>
          content === null ? [] : [[`/etc/systemd/system/${name}`, { ...root, content }]],
        ),
      ),
    },
  };
  const unitActions = Object.entries(actions).map(([name, verb]) => ({ unit: name, verb, wave: 0 }));
  return interruptionsOf(planOf('alpha', { manifest, unitActions }));
}

const textOf = (interruption: Interruption | undefined): string | undefined =>
  interruption?.limit && limitText(interruption.limit);

describe('how long a unit may be away', () => {
  it('is nothing where no unit is touched', () => {
    expect(of({}, {})).toEqual([]);
    expect(longestInterruption([])).toBeUndefined();
  });

  it('is read from its files wherever systemd looks for them', () => {
    const files = {
      '/usr/local/lib/systemd/system/a@.service': { ...root, content: '[Service]\nTimeoutSec=9\n' },
      '/etc/systemd/system/a@.service.d/b.conf': { ...root, content: '[Service]\nTimeoutStopSec=1\n' },
      '/usr/lib/systemd/system/a@1.service.d/a.conf': { ...root, content: '[Service]\nTimeoutStopSec=2\n' },
    };
    const [interruption] = of({ 'a@1.service': null }, { 'a@1.service': 'restart' }, { files });
    expect(textOf(interruption)).toBe('up to 10 s');
  });

  it.each<[string, string | null, string]>([
    ['says what its file says', '[Service]\nTimeoutStartSec=12m30s\nTimeoutStopSec=30s\n', 'up to 13 min'],
    ['knows TimeoutSec=', '[Service]\nTimeoutSec=1min 5s\n', 'up to 2 min 10 s'],
    ['takes the last word', '[Service]\nTimeoutSec=9\nTimeoutStartSec=1\nTimeoutStartSec=2\n', 'up to 11 s'],
    [
      'takes an empty value for none',
      '[Service]\nTimeoutSec=9\nTimeoutSec=\n',
      'up to 3 min (in part systemd’s defaults)',
    ],
    [
      'says where it is a default',
      '[Service]\nTimeoutStartSec=30\n',
      'up to 2 min (in part systemd’s defaults)',
    ],
    [
      'does not know what a package says',
      null,
      'up to 3 min (systemd’s defaults; its package may set others)',
    ],
    ['has no limit for a job that ends', '[Service]\nType=oneshot\nTimeoutStopSec=5\n', 'no limit is set'],
    ['has no limit for 0', '[Service]\nTimeoutStartSec=0\nTimeoutStopSec=5\n', 'no limit is set'],
    ['does not take another section', '[Unit]\nTimeoutSec=5\n', 'up to 3 min (in part systemd’s defaults)'],
    ['does not guess at text', '[Service]\nTimeoutSec=soon\n', 'up to 3 min (in part systemd’s defaults)'],
  ])('%s', (_what, content, expected) => {
    const [only] = of({ 'a.service': content }, { 'a.service': 'restart' });
    expect(textOf(only)).toBe(expected);
    expect(longestInterruption([only as Interruption])).toEqual(only?.limit);
  });

  it('reads drop-ins, also of a package’s unit and of a template', () => {
    const dropIn = { 'a.service': null, 'a.service.d/b.conf': '[Service]\nTimeoutSec=10\n' };
    expect(textOf(of(dropIn, { 'a.service': 'restart' })[0])).toBe('up to 20 s');
    const template = { 'a@x.service': null, 'a@.service': '[Service]\nTimeoutSec=4\n' };
    expect(textOf(of(template, { 'a@x.service': 'restart' })[0])).toBe('up to 8 s');
  });

  it('is at once for what is no process, and nothing for a reload or a stop', () => {
    const names = { 'a.socket': '', 'b.timer': '', 'c.target': '', 'd.service': '', 'e.service': '' };
    const actions = {
      'a.socket': 'restart',
      'b.timer': 'start',
      'c.target': 'restart',
      'd.service': 'reload',
      'e.service': 'stop',
    } as const;
    expect(of(names, actions).map(textOf)).toEqual(['at once', 'at once', 'at once', undefined, undefined]);
  });

  it('counts no stop for what does not run yet, and no start as an interruption', () => {
    const started = of({ 'a.service': '[Service]\nTimeoutSec=10\n' }, { 'a.service': 'start' });
    expect(textOf(started[0])).toBe('up to 10 s');
    expect(longestInterruption(started)).toBeUndefined();
  });

  it('waits for what it is ordered after, if that starts again as well, and not in circles', () => {
    const files = {
      'a.service': '[Unit]\nAfter=b.service network.target\n[Service]\nTimeoutSec=10\n',
      'b.service': '[Unit]\nAfter=c.service a.service\n[Service]\nTimeoutSec=20\n',
      'c.service': '[Service]\nTimeoutSec=40\n',
    };
    expect(of(files, { 'a.service': 'restart' }).map(textOf)).toEqual(['up to 20 s']);
    expect(of(files, { 'b.service': 'restart', 'c.service': 'start' }).map(textOf)).toEqual([
      'up to 1 min 20 s',
      'up to 40 s',
    ]);
    expect(of(files, { 'a.service': 'restart', 'b.service': 'restart' }).map(textOf)).toEqual([
      'up to 1 min',
      'up to 40 s',
    ]);
  });

  it('takes a hundred units that are all ordered after each other', () => {
    const names = Array.from({ length: 100 }, (_, n) => `m${n}.service`);
    const files = Object.fromEntries(
      names.map((name, n) => [
        name,
        `[Unit]\nAfter=${names.slice(0, n).join(' ')}\n[Service]\nTimeoutSec=1\n`,
      ]),
    );
    const all = of(files, Object.fromEntries(names.map((name) => [name, 'restart' as const])));
    expect(textOf(all.at(-1))).toBe('up to 3 min 20 s');
  });

  it('names what falls with it, and its time', () => {
    const files = {
      'all.target': '[Unit]\nDescription=all\n',
      'a.service': '[Unit]\nPartOf=all.target\n[Service]\nTimeoutSec=60\n',
      'a.socket': '[Unit]\nPartOf=a.service\n',
      'b.service': '[Unit]\nBindsTo=a.service\n[Service]\nTimeoutSec=5\n',
    };
    const [target, ...rest] = of(files, { 'all.target': 'restart' });
    expect(rest).toEqual([]);
    expect(target?.along).toEqual(['a.service', 'a.socket', 'b.service']);
    expect(textOf(target)).toBe('up to 2 min');
    expect(of(files, { 'a.service': 'stop' })[0]).toMatchObject({ along: ['a.socket', 'b.service'] });
  });

  it('names the checks that can undo it', () => {
    const check = { timeoutSec: 30, wave: 0 };
    const more: Partial<HostManifest> = {
      files: {
        '/etc/nftables.conf': {
          ...root,
          validate: 'nftables',
          content: 'tcp dport 80 accept comment "a.socket"\n',
        },
      },
      checks: {
        web: { kind: 'http', url: 'http://192.0.2.1/health', status: 200, ...check },
        runs: { kind: 'unit', unit: 'a.service', ...check, timeoutSec: 5 },
        other: { kind: 'tcp', host: '127.0.0.1', port: 81, ...check },
        tool: { kind: 'command', command: ['/bin/true'], ...check },
      },
    };
    const files = { 'a.service': '', 'a.socket': '[Unit]\nPartOf=a.service\n' };
    expect(of(files, { 'a.service': 'restart' }, more)[0]?.checks).toEqual([
      { name: 'web', seconds: 30 },
      { name: 'runs', seconds: 5 },
    ]);
  });
});

it('reads and writes spans of time', () => {
  expect(
    ['', '5', '1h 5min', '1.5s', '2d', '90 sec', 'infinity', '5 parsecs', '-1'].map(spanSeconds),
  ).toEqual([undefined, 5, 3900, 1.5, 172_800, 90, Infinity, undefined, undefined]);
  expect([0, 0.2, 60, 3900, 3601].map(spanText)).toEqual(['0 s', '1 s', '1 min', '1 h 5 min', '1 h 1 s']);
});
