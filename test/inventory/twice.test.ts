import { describe, expect, it } from 'vitest';
import { parseInventory } from '../support/site.js';
import { CitadelError } from '../../lib/manifest/index.js';

function problemsOf(text: string): string {
  try {
    parseInventory(text, 'citadel.yaml');
  } catch (error) {
    if (error instanceof CitadelError) return error.message;
    throw error;
  }
  return 'no problem';
}

describe('two that are one', () => {
  const host = (mounts: string): string => `hosts:
  box:
    root: /srv/box
    mounts:
${mounts}`;

  it('is a disk at two places, also by the name of a link', () => {
    expect(
      problemsOf(
        host(
          '      /a: { device: LABEL=x, type: ext4 }\n      /b: { device: LABEL=x, type: ext4 }\n' +
            '      /c: { device: /dev/disk/by-label/x, type: ext4 }\n      /d: { device: /dev/sda1, type: ext4 }\n',
        ),
      ),
    ).toBe(
      '[citadel.yaml:6:21] hosts.box.mounts["/b"].device: LABEL=x is mounted at /a already. Name another disk, or take one of the two mounts out.\n' +
        '[citadel.yaml:7:21] hosts.box.mounts["/c"].device: /dev/disk/by-label/x is mounted at /a already. Name another disk, or take one of the two mounts out.',
    );
  });

  it('is not two subvolumes', () => {
    const lines = ['@a', '@b'].map(
      (name) => `      /${name}: { device: LABEL=x, type: btrfs, options: [noatime, subvol=${name}] }\n`,
    );
    expect(problemsOf(host(lines.join('')))).toBe('no problem');
  });

  const at = (name: string, address: string, ssh = ''): string =>
    `  ${name}: { address: ${address}, ssh: { user: agent0${ssh} } }\n`;

  it('is a machine with two names', () => {
    const text = `hosts:\n${at('a', 'web.example')}${at('b', 'WEB.example', ', port: 22')}`;
    expect(problemsOf(text)).toBe(
      '[citadel.yaml:3:17] hosts.b.address: WEB.example with SSH port 22 is the host "a" already. Correct one of the two; hosts that share an address need different values of ssh.port.',
    );
  });

  it('is a machine whose IPv6 address is written in two ways', () => {
    const text = `hosts:\n${at('a', "'fd00::35'")}${at('b', "'FD00:0:0::0035'")}`;
    expect(problemsOf(text)).toContain('FD00:0:0::0035 with SSH port 22 is the host "a" already.');
  });

  it.each([
    ['ports', at('a', '10.0.0.1') + at('b', '10.0.0.1', ', port: 2222')],
    [
      'hosts in between',
      ['10.1.0.1', '10.2.0.1']
        .map((jump, index) =>
          at(`h${String(index)}`, '10.0.0.1', `, jump: { address: ${jump}, user: j, hostKeys: [] }`),
        )
        .join(''),
    ],
    ['directories', '  a: { address: 10.0.0.1, root: /a }\n  b: { address: 10.0.0.1, root: /b }\n'],
  ])('is not one address with different %s', (_name, hosts) => {
    expect(problemsOf(`hosts:\n${hosts}`)).toBe('no problem');
  });
});
