import { readlinkSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { failing, withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';

/** A link whose target is not UTF-8, as any other: on a directory that stands for a host. */
const LATIN = Buffer.from('caf\xe9 d\xfcr', 'latin1');
const linkTo = (target: string): HostManifest => ({
  version: 1,
  host: 'box',
  symlinks: { '/opt/link': { target } },
});

let root: OfflineRoot;
beforeEach(() => {
  root = new OfflineRoot();
  root.shell(String.raw`mkdir opt && ln -s "$(printf 'caf\351 d\374r')" opt/link`);
});
afterEach(() => root.remove());

const bytes = (): Buffer => readlinkSync(root.at('/opt/link'), 'buffer');

it('is shown byte for byte, and replaced', async () => {
  const plan = await root.plan(linkTo('new'));
  expect(plan.changes).toMatchObject([{ key: '/opt/link', before: { target: String.raw`caf\xe9 d\xfcr` } }]);
  expect(await root.apply(linkTo('new'))).toMatchObject({ outcome: 'committed' });
  expect(bytes().toString()).toBe('new');
});

it('is not taken for one whose target is what is shown of it', async () => {
  const same = linkTo(String.raw`caf\xe9 d\xfcr`);
  expect(await root.apply(same)).toMatchObject({ outcome: 'committed', generation: 1 });
  expect(bytes().toString()).toBe(String.raw`caf\xe9 d\xfcr`);
});

it('comes back with an undo, and when the path leaves the configuration', async () => {
  expect((await root.apply(linkTo('new'), withFault(failing('await_confirmation')))).outcome).toBe(
    'rolled-back',
  );
  expect(bytes()).toEqual(LATIN);
  expect((await root.apply(linkTo('new'))).outcome).toBe('committed');
  expect((await root.apply({ version: 1, host: 'box' })).outcome).toBe('committed');
  expect(bytes()).toEqual(LATIN);
});

it('is drift like any other where a person made it meanwhile', async () => {
  expect((await root.apply(linkTo('new'))).outcome).toBe('committed');
  root.shell(String.raw`ln -sfn "$(printf 'caf\351')" opt/link`);
  expect((await root.plan(linkTo('new'))).changes).toMatchObject([
    { action: 'update', cause: 'drift', before: { target: String.raw`caf\xe9` } },
  ]);
  expect((await root.apply(linkTo('new'))).outcome).toBe('committed');
});
