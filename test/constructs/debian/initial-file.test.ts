import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Host, InitialFile, secret } from '../../../lib/constructs/index.js';
import { loadUnits, systemdMissing } from '../../render/real-systemd.js';
import { manifestOf, problemsOf } from '../host/support.js';

const SOURCE = '/etc/citadel-initial/state';
const UNIT = 'citadel-once-state.service';

describe('InitialFile', () => {
  it('is a file of ours next to it, and a job that copies it where nothing stands', () => {
    const manifest = manifestOf(
      (host: Host) => new InitialFile(host, 'state', { path: '/srv/state', lines: ['{}'] }),
    );
    expect(Object.keys(manifest.files ?? {})).toEqual([SOURCE, `/etc/systemd/system/${UNIT}`]);
    // The host's own file is no item: what stands in it is no drift.
    expect(manifest.files).not.toHaveProperty('/srv/state');
    expect(manifest.files?.[SOURCE]).toMatchObject({ content: '{}\n', mode: '0600' });
    expect(manifest.units?.[UNIT]?.restartOn).toEqual([`/etc/systemd/system/${UNIT}`]);
  });

  it.skipIf(systemdMissing() !== undefined)('is made once, and never again over what was written', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'citadel-initial-')), 'a file');
    const build = (host: Host) =>
      new InitialFile(host, 'state', { path, secret: secret('state'), mode: '0640' });
    const text = manifestOf(build).files?.[`/etc/systemd/system/${UNIT}`]?.content ?? '';
    const [program = '', ...words] = loadUnits({ [UNIT]: text }).get(UNIT)?.commands[0] ?? [];
    const source = `${path}.source`;
    const run = () =>
      execFileSync(
        program,
        // systemd replaces variables, and `$$` by `$`, only when it starts the command.
        words.map((word) => (word === SOURCE ? source : word.replaceAll('$$', '$'))),
      );
    writeFileSync(source, 'first\n');
    run();
    expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual(['first\n', 0o640]);
    writeFileSync(path, 'a program’s\n');
    writeFileSync(source, 'second\n');
    run();
    expect(readFileSync(path, 'utf8')).toBe('a program’s\n');
  });

  it.each<[object, string]>([
    [{ path: 'x' }, '"x" is not an absolute path'],
    [{ lines: undefined }, 'the file has no content'],
    [{ secret: secret('x') }, 'the file has lines and secret'],
    [{ ownr: 'x' }, 'Did you mean owner?'],
  ])('is refused: %j', (props, text) => {
    const given = { path: '/srv/x', lines: ['x'], ...props };
    expect(problemsOf((host) => new InitialFile(host, 'x', given)).join('\n')).toContain(text);
  });
});
