import { expect, it } from 'vitest';
import type { Change } from '../../../lib/engine/model.js';
import { rebootFacts } from '../../../lib/engine/observe/reboot.js';
import { bootNotes, hostNotes } from '../../../lib/engine/plan/notes.js';
import { observed } from '../../cli/doubles.js';

it.each<[string[], string[]]>([
  [['0', '', '6.1.0-50-amd64', '6.1.0-50-amd64', 'b'], []],
  [['0', '', '6.1.0-50-amd64', '', 'b'], []],
  [['1', '', '', '', 'b'], ['asked for by a package']],
  [
    ['1', 'nvidia-driver ', '6.1.0-50-amd64', '6.1.0-51-amd64', 'b'],
    ['asked for by nvidia-driver', 'kernel 6.1.0-51-amd64 is installed, 6.1.0-50-amd64 runs'],
  ],
])('of %j a host owes %j', (fields, reasons) => {
  expect(rebootFacts(fields)).toEqual({ reasons, boot: 'b' });
});

it('a plan says what a host owes, and that a new kernel or driver may owe more', () => {
  expect(hostNotes(observed({ reboot: ['asked for by nvidia-driver'] }))).toEqual([
    'owes a reboot: asked for by nvidia-driver',
  ]);
  expect(hostNotes(observed())).toEqual([]);
  const packages = (action: Change['action'], ...names: string[]): Change[] =>
    names.map((key) => ({ section: 'packages', key, action, cause: 'config' }));
  const changes = packages('create', 'nginx', 'nvidia-open-kernel-dkms', 'linux-image-amd64');
  expect(bootNotes(changes, observed())).toEqual([
    expect.stringContaining('before nvidia-open-kernel-dkms, linux-image-amd64 works') as string,
  ]);
  expect(bootNotes(packages('delete', 'nvidia-kernel-dkms'), observed())).toEqual([]);
  const offline = { privileged: true, accounts: true, unitFiles: null };
  expect(bootNotes(changes, observed({ offline }))).toEqual([]);
});
