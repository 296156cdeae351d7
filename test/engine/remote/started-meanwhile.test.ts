import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withFault } from '../support/faults.js';
import { runText } from '../support/run-text.js';

/**
 * DOUBLE of systemctl(1): what runs is a list of units in a file; a stop takes them off, and a service that is "stuck to"
 * a socket comes back once, as one that was on its way.
 */
const SYSTEMCTL = `
RUNNING=$DIR/running-now
systemctl() {
  case $1 in
    list-units) sed 's/$/ loaded active running/' "$RUNNING" ;;
    stop)
      shift 2
      for unit in "$@"; do
        grep -vxF -- "$unit" "$RUNNING" >"$RUNNING.new"
        mv "$RUNNING.new" "$RUNNING"
        echo "$unit" >>"$DIR/stopped"
      done
      [ ! -e "$DIR/late" ] || { cat "$DIR/late" >>"$RUNNING"; rm "$DIR/late"; }
      ;;
  esac
}`;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'citadel-units-'));
  for (const folder of ['ops', 'undo']) mkdirSync(join(dir, folder));
  write('undo/running', 'cron.service', 'old.service');
  write('ops/paths-b');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const write = (name: string, ...lines: string[]): void =>
  writeFileSync(join(dir, name), lines.map((line) => `${line}\n`).join(''));
function left(running: readonly string[]): string[] {
  write('running-now', ...running);
  const result = runText(withFault(`DIR='${dir}'${SYSTEMCTL}\nundo_stop_new\nexit\n`), ['']);
  expect([result.status, result.stderr.toString()]).toEqual([0, '']);
  return readFileSync(join(dir, 'running-now'), 'utf8').split('\n').filter(Boolean);
}

it('an undo stops what its transaction brought up without naming it, and nothing else', () => {
  write('ops/units-known', 'monitor.service', 'old.service');
  write(
    'ops/paths-a',
    ...['exporter.service', 'w@.service', 'x.socket', 'old.service', 'y.service.d/a.conf'].map(
      (name) => `file\u001f/etc/systemd/system/${name}\u001froot\u001froot\u001f0644`,
    ),
  );
  write('late', 'x.socket');
  expect(
    left([
      ...['cron.service', 'old.service', 'monitor.service', 'exporter.service', 'w@1.service', 'w@2.timer'],
      ...['x.socket', 'y.service', 'user@0.service', 'session-1.scope'],
    ]),
  ).toEqual(['cron.service', 'old.service', 'w@2.timer', 'y.service', 'user@0.service', 'session-1.scope']);
});

it('an undo stops nothing of units when nothing of them was begun', () => {
  write('ops/units-known', 'monitor.service');
  write('ops/paths-a');
  rmSync(join(dir, 'undo/running'));
  expect(left(['monitor.service'])).toEqual(['monitor.service']);
});
