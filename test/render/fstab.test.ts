import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderBlock, renderFstabLine } from '../../lib/render/index.js';
import { hostileLine } from './hostile.js';

const entry = { source: '/dev/sda1', mountPoint: '/mnt/a', type: 'ext4', options: ['defaults', 'nofail'] };

describe('renderFstabLine', () => {
  it('writes six fields', () => {
    expect(renderFstabLine({ ...entry, pass: 2 })).toBe('/dev/sda1 /mnt/a ext4 defaults,nofail 0 2\n');
    expect(renderFstabLine({ ...entry, source: 'sshfs#h:/x', mountPoint: '/mnt/a b\\c\td' })).toBe(
      String.raw`sshfs#h:/x /mnt/a\040b\134c\011d ext4 defaults,nofail 0 0` + '\n',
    );
  });

  it.each([
    [{ source: '#x' }, 'source: "#x" starts a comment. Name the device another way.'],
    [{ source: '' }, 'source: the field is empty. Fill it.'],
    [{ mountPoint: '/a\nb' }, 'mountPoint: "/a\\nb" has a line end inside. Give one line.'],
    [
      { options: ['a,b'] },
      'options: "a,b" is not one mount option. Give one option per entry, without white space.',
    ],
    [{ options: [] }, 'options: there is no mount option. Give at least "defaults".'],
  ])('refuses %#', (change, message) => {
    expect(() => renderFstabLine({ ...entry, ...change })).toThrow(message);
  });

  it('is read back by libmount, whatever the mount point', () => {
    const directory = mkdtempSync(join(tmpdir(), 'citadel-fstab-'));
    try {
      const points = fc
        .sample(hostileLine, 100)
        .map((text, index) => `/mnt/${index}/${text.replaceAll('/', '_')}x`);
      const path = join(directory, 'fstab');
      writeFileSync(path, points.map((mountPoint) => renderFstabLine({ ...entry, mountPoint })).join(''));
      const { stdout } = spawnSync(
        'findmnt',
        ['--fstab', '--tab-file', path, '--json', '--output', 'TARGET,SOURCE,FSTYPE,OPTIONS', '--list'],
        {
          encoding: 'utf8',
          timeout: 20_000,
        },
      );
      const found = (JSON.parse(stdout) as { filesystems: { target: string; options: string }[] })
        .filesystems;
      expect(found.map(({ target }) => target)).toEqual(points);
      expect(found[0]).toEqual({
        target: points[0],
        source: '/dev/sda1',
        fstype: 'ext4',
        options: 'defaults,nofail',
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('renderBlock', () => {
  it('puts text between the markers', () => {
    expect(renderBlock('/mnt/a', 'x')).toBe('# BEGIN citadel-iac /mnt/a\nx\n# END citadel-iac /mnt/a\n');
    expect(renderBlock('a', '')).toBe('# BEGIN citadel-iac a\n# END citadel-iac a\n');
  });
});
