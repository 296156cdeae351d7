import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Host, Size, Swap } from '../../../lib/constructs/index.js';
import { hasTool, tool } from '../../stacks/tools.js';
import { manifestOf, problemsOf } from '../host/support.js';
import { contentOf } from './support.js';

const build = (host: Host): Swap =>
  new Swap(host, 'swap', { size: Size.mebibytes(1), path: '/srv/swap.img', priority: 5 });

describe('Swap', () => {
  it('is what makes the file and the swap unit, which goes with it', () => {
    const manifest = manifestOf(build);
    expect(manifest.units).toMatchObject({
      'citadel-srv-swap.img.service': { enabled: true, state: 'running' },
      'srv-swap.img.swap': { enabled: true, state: 'running' },
    });
    expect(contentOf('/etc/systemd/system/srv-swap.img.swap', build)).toBe(
      '[Unit]\nDescription=Swap file /srv/swap.img\nRequires=citadel-srv-swap.img.service\nAfter=citadel-srv-swap.img.service\n\n' +
        '[Swap]\nWhat=/srv/swap.img\nPriority=5\n\n[Install]\nWantedBy=swap.target\n',
    );
  });

  it.skipIf(!hasTool('mkswap') || !hasTool('blkid'))('makes a file that is swap, once, and touches none that is something else', () => {
    const text = contentOf('/etc/systemd/system/citadel-srv-swap.img.service', build).replaceAll(/ \\\n +/g, ' ');
    const script = /ExecStart=\/bin\/sh -c "(.*)" swap /.exec(text)?.[1]?.replaceAll('\\"', '"').replaceAll('$$', '$').replaceAll('%%', '%') ?? '';
    const path = join(mkdtempSync(join(tmpdir(), 'citadel-swap-')), 'swap');
    const make = (size: number) => tool('/bin/sh', ['-c', script, 'swap', path, String(size)]);
    expect(make(1 << 20)).toEqual({ status: 0, output: '' });
    expect([statSync(path).size, statSync(path).mode & 0o777]).toEqual([1 << 20, 0o600]);
    expect(tool('blkid', ['-p', '-o', 'value', '-s', 'TYPE', path]).output).toBe('swap\n');
    const first = readFileSync(path);
    expect(make(1 << 20).status).toBe(0);
    expect(readFileSync(path).equals(first)).toBe(true);
    expect(make(1 << 21).status).toBe(0);
    expect(statSync(path).size).toBe(1 << 21);
    writeFileSync(path, 'a person’s');
    expect(make(1 << 20)).toEqual({ status: 1, output: 'something else is there, and stays\n' });
    expect(readFileSync(path, 'utf8')).toBe('a person’s');
  }); // prettier-ignore

  it.each<[object, string]>([
    [{ path: 'swap' }, '"swap" is not an absolute path'],
    [{ path: '/a b' }, 'is not an absolute path'],
    [{ priority: 40_000 }, 'is not a priority'],
    [{ siez: 1 }, 'Did you mean size?'],
  ])('is refused: %j', (props, text) => {
    const given = { size: Size.gibibytes(1), ...props };
    expect(problemsOf((host) => new Swap(host, 'swap', given)).join('\n')).toContain(text);
  });
});
