import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { preparedWay } from '../../../lib/engine/back/way.js';
import { planBetween } from '../../../lib/engine/plan/between.js';
import { loadScript } from '../../../lib/engine/remote/programs.js';
import type { HostManifest } from '../../../lib/manifest/index.js';

/** What the host's own way back makes of units that run, with systemd's answers given: it asks nothing of this machine. */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'citadel units '));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const PROGRAM = ['common.sh', 'back-store.sh', 'back-look.sh', 'back-compare.sh', 'back-build.sh']
  .map(loadScript)
  .join('\n');
const SYSTEMD = {
  systemctl: 'while [ $# -gt 1 ]; do shift; done; cat "${0%/*}/../units/$1"',
  'systemd-analyze': 'case $2 in *skipped*) echo Conditions failed.; exit 1 ;; esac',
};

type Unit = NonNullable<HostManifest['units']>[string];
const unit = (more: Partial<Unit> = {}): Unit => ({
  enabled: null,
  state: 'running',
  restartOn: [],
  reloadOn: [],
  wave: 0,
  ...more,
});
const shown = (active: string, more: Record<string, string> = {}): string =>
  Object.entries({
    LoadState: 'loaded',
    ActiveState: active,
    UnitFileState: 'static',
    NeedDaemonReload: 'no',
    SubState: active === 'active' ? 'running' : 'dead',
    Result: 'success',
    Type: 'simple',
    RemainAfterExit: 'no',
    ...more,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');

/** @returns keys of what differs, and what units are asked to do where the paths are touched */
async function lookedAt(
  units: Record<string, Unit>,
  seen: Record<string, string>,
  touched: readonly string[] = [],
): Promise<{ drift: string[]; actions: string[] }> {
  const files = Object.values(units).flatMap(({ restartOn, reloadOn }) => [...restartOn, ...reloadOn]);
  const manifest: HostManifest = {
    version: 1,
    host: 'box',
    files: Object.fromEntries(
      files.map((path) => [path, { content: '', owner: 'root', group: 'root', mode: '0644' }]),
    ),
    units,
  };
  for (const [name, text] of await preparedWay(await planBetween(null, manifest))) {
    const at = join(folder, 'generation', name);
    mkdirSync(join(at, '..'), { recursive: true });
    writeFileSync(at, text);
  }
  for (const [name, text] of Object.entries(SYSTEMD)) {
    mkdirSync(join(folder, 'bin'), { recursive: true });
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  mkdirSync(join(folder, 'units'));
  mkdirSync(join(folder, 'stage/ops'), { recursive: true });
  for (const [name, text] of Object.entries(seen)) writeFileSync(join(folder, 'units', name), text);
  for (const name of ['blocks', 'stays', 'hand', 'lost', 'returning']) writeFileSync(join(folder, name), '');
  writeFileSync(join(folder, 'touched'), touched.map((path) => `${path}\n`).join(''));
  const script = `${PROGRAM}
W=$1 PATH=$1/bin:$PATH FROM=$1/generation TO=$1/generation
grep "^units$US" "$TO/way/want" >"$W/wanted"
{ look_units; sed -n "s/^files$US\\([^$US]*\\)$US\\(.*\\)/path$US\\1$US\\2/p" "$TO/way/want"; } >"$W/live"
reinstalled() { :; }
compare_items && build_units`;
  const run = spawnSync('/bin/sh', ['-c', script.replace('ROOT=${1-}', 'ROOT='), 'sh', folder], {
    encoding: 'utf8',
  });
  expect([run.status, run.stderr]).toEqual([0, '']);
  const lines = (name: string): string[] => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1);
  return {
    drift: lines('changes')
      .map((line) => line.split('\x1f'))
      .map(([action, , key]) => `${action ?? ''} ${key ?? ''}`),
    actions: spawnSync('cat', [join(folder, 'stage/ops/units')], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\x1f').slice(0, 2).join(' ')),
  };
}

it('takes a unit whose condition does not hold for no drift, and does not start it', async () => {
  const names = ['skipped.service', 'stopped.service'];
  const units = Object.fromEntries(names.map((name) => [name, unit()]));
  const seen = Object.fromEntries(names.map((name) => [name, shown('inactive')]));
  expect(await lookedAt(units, seen)).toEqual({
    drift: ['update stopped.service'],
    actions: ['start stopped.service'],
  });
});

it('starts a unit whose condition does not hold when what it reads changes', async () => {
  const units = { 'skipped.service': unit({ restartOn: ['/etc/x'] }) };
  const seen = { 'skipped.service': shown('inactive') };
  expect((await lookedAt(units, seen, ['/etc/x'])).actions).toEqual(['start skipped.service']);
});

it('takes a crash loop for no running unit', async () => {
  const loop = shown('activating', { SubState: 'auto-restart', Result: 'exit-code' });
  const units = { 'a.service': unit(), 'b.service': unit({ state: 'stopped' }) };
  expect(await lookedAt(units, { 'a.service': loop, 'b.service': loop })).toEqual({
    drift: ['update a.service', 'update b.service'],
    actions: ['stop b.service', 'restart a.service'],
  });
});

it('does what the document says of changes, to instances of a template as well, and never to a job at work', async () => {
  const units = {
    'job.service': unit({ state: 'any', restartOn: ['/etc/x'] }),
    'kept.service': unit({ restartOn: ['/etc/x'], onChange: 'nothing' }),
    'reloaded.service': unit({ restartOn: ['/etc/x'], onChange: 'reload' }),
    'restarted.service': unit({ restartOn: ['/etc/x'] }),
    'some.target': unit({ restartOn: ['/etc/x'] }),
    'work@a.service': unit(),
    'work@b.service': unit({ onChange: 'nothing' }),
  };
  const seen = {
    ...Object.fromEntries(Object.keys(units).map((name) => [name, shown('active')])),
    'job.service': shown('activating', { SubState: 'start', Type: 'oneshot' }),
  };
  const touched = ['/etc/x', '/etc/systemd/system/work@.service.d/ours.conf'];
  expect(await lookedAt(units, seen, touched)).toEqual({
    drift: [],
    actions: ['restart restarted.service', 'restart work@a.service', 'reload reloaded.service'],
  });
});
