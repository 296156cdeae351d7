import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withFault } from '../support/faults.js';
import { runText } from '../support/run-text.js';

/**
 * DOUBLE of apt-get(8): "nginx-extra" needs "nginx", and "exim4" and "postfix" cannot be there together. A simulation
 * prints what apt-get prints; anything else is written down.
 */
const APT = `#!/bin/sh
simulated=
while :; do
  case $1 in
    -s) simulated=1 ;;
    install | remove | update | check) verb=$1 ;;
    --) shift && break ;;
  esac
  shift
done
if [ -z "$simulated" ]; then
  echo "$verb $*" >>"$(dirname "$0")/done"
  exit
fi
echo 'Reading package lists...'
for word in "$@"; do
  case $verb:$word in
    remove:nginx) echo 'Remv nginx-extra [1.2]' && echo 'Remv nginx [1.22] [nginx-extra:amd64 ]' ;;
    remove:*) echo "Remv $word [1.0]" ;;
    install:exim4) echo 'Remv postfix [3.7]' && echo 'Inst exim4 (4.96 Debian)' ;;
  esac
done
`;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'citadel-packages-'));
  mkdirSync(join(dir, 'ops'));
  writeFileSync(join(dir, 'done'), '');
  writeFileSync(join(dir, 'apt-get'), APT, { mode: 0o755 });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

interface Lists {
  readonly install?: string[];
  readonly remove?: string[];
  readonly absent?: string[];
}

/** Runs a function of the real transaction on the double. */
function run(command: string, lists: Lists) {
  const text = (names: readonly string[] = [], fields = ''): string =>
    names.map((name) => `${name}${fields}\n`).join('');
  writeFileSync(join(dir, 'ops/packages-install'), text(lists.install, '\x1f\x1f'));
  writeFileSync(join(dir, 'ops/packages-remove'), text(lists.remove) + text(lists.absent, '\x1fabsent'));
  const script = withFault(`ID=x\nDIR='${dir}'\nPATH=$DIR:$PATH\n${command}; exit $?\n`);
  const result = runText(script, ['']);
  return {
    status: result.status,
    stderr: result.stderr.toString('utf8'),
    done: readFileSync(join(dir, 'done'), 'utf8').split('\n').filter(Boolean),
  };
}
const words = (): string => readFileSync(join(dir, 'words'), 'utf8');
const notes = (): string => readFileSync(join(dir, 'progress'), 'utf8');

describe('packages that no one named', () => {
  it('do not go for one that comes', () => {
    const refused = run('install_packages', { install: ['jq', 'exim4'] });
    expect(refused).toEqual({ status: 1, stderr: '', done: [] });
    expect(words()).toBe(
      'apt would remove what stays in the configuration or was never in it: postfix\n' +
        'If it is to go, say so: AptPackage with state "absent" (in a manifest: "packages": { "postfix": { "state": "absent" } }).\n',
    );
  });

  it('go for one that comes if they leave the configuration', () => {
    const done = run('install_packages', { install: ['exim4'], remove: ['postfix'] });
    expect(done).toEqual({ status: 0, stderr: '', done: ['install exim4'] });
  });

  it('keep what they need, and what no one needs goes', () => {
    const done = run('remove_packages', { remove: ['jq', 'nginx', 'tree:amd64'] });
    expect(done).toEqual({ status: 0, stderr: '', done: ['remove jq tree:amd64'] });
    expect(notes()).toContain('package nginx stays, because others need it: nginx-extra\n');
  });

  it('stop one that is to be absent', () => {
    const refused = run('remove_packages', { remove: ['jq'], absent: ['nginx'] });
    expect(refused).toEqual({ status: 1, stderr: '', done: [] });
    expect(words()).toContain('nginx is to be absent, and what stays on this host needs it: nginx-extra\n');
    expect(run('remove_packages', { absent: ['nginx', 'nginx-extra'] }).done).toEqual([
      'remove nginx nginx-extra',
    ]);
  });

  it('are asked for one by one only where there are such', () => {
    expect(run('remove_packages', { remove: ['nginx', 'nginx-extra'] }).done).toEqual([
      'remove nginx nginx-extra',
    ]);
    expect(run('remove_packages', { remove: ['nginx'] }).done).toEqual(['remove nginx nginx-extra']);
  });
});
