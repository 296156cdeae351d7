import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** The real program, with the real engine, on an offline root that has one file of ours. */
const BIN = new URL('../../bin/citadel-iac.mjs', import.meta.url).pathname;

describe('a file that holds no document', { timeout: 60_000 }, () => {
  let folder: string;
  const motd = (): string => join(folder, 'root/etc/motd');
  const citadel = (text: string, ...args: string[]) => {
    writeFileSync(join(folder, 'it.json'), text);
    const all = [...args, '--inventory', 'inv.yaml', '--manifest', 'it.json'];
    return spawnSync(process.execPath, [BIN, ...all], {
      encoding: 'utf8',
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1', CITADEL_TARGETS: '' },
      input: '',
    });
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'citadel-nothing-'));
    for (const path of ['etc', 'var/lib']) mkdirSync(join(folder, 'root', path), { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{}');
    writeFileSync(join(folder, 'inv.yaml'), 'hosts: { box: { root: root } }\n');
    const files = { '/etc/motd': { content: 'hello\n', owner: 'root', group: 'root', mode: '0644' } };
    expect(citadel(JSON.stringify({ version: 1, host: 'box', files }), 'apply', '--yes').status).toBe(0);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['', '[it.json] is not JSON'],
    [' \n', '[it.json] is not JSON'],
    ['null', '[it.json] holds null in the place of a manifest'],
    ['"box"', '[it.json] holds "box" in the place of a manifest'],
    ['[]', '[it.json] holds [] in the place of a manifest'],
    ['{}', '[manifest] host: is missing'],
    ['{"version":1,"host":"box","files":null}', '[manifest of box] files: null is not right'],
    ['{"hosts":{}}', '[it.json] names no host'],
    ['{"hosts":null}', '[it.json] names no host'],
    ['{"hosts":{"box":null}}', '[it.json] holds null in the place of a manifest'],
  ])('is refused and empties nothing: %s', (text, message) => {
    const refused = citadel(text, 'apply', '--yes');
    expect(refused.stderr).toContain(message);
    expect(refused.status).toBe(1);
    expect(readFileSync(motd(), 'utf8')).toBe('hello\n');
  });

  it('is something else than a document without items: that empties the host, and says so first', () => {
    const empty = '{"version":1,"host":"box"}';
    const diff = citadel(empty, 'diff');
    expect(diff.status).toBe(2);
    expect(diff.stdout.split('\n').slice(0, 3)).toEqual([
      `box  ${join(folder, 'root')}, generation 1`,
      '',
      '  ! THIS EMPTIES THE HOST: nothing is declared for it, so everything that generation 1 has is stopped and removed',
    ]);
    expect(diff.stdout.match(/EMPTIES/g)).toHaveLength(1);
    const applied = citadel(empty, 'apply', '--yes');
    expect(applied.status).toBe(0);
    expect(existsSync(motd())).toBe(false);
    expect(citadel(empty, 'diff').stdout).not.toContain('EMPTIES');
  });
});
