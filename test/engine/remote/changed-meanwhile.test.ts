import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { before, failing, killing, withFault } from '../support/faults.js';
import { OfflineRoot, type DirectRun } from '../support/offline-root.js';
import { isKept } from '../support/random-world.js';

/** Between the copy for the way back and the switch there may be minutes: packages are installed then. */
const PATH = '/etc/app [1].conf';
const version = (text: string): HostManifest => ({
  version: 1,
  host: 'box',
  files: { [PATH]: { content: text, owner: 'root', group: 'root', mode: '0644' } },
});

let root: OfflineRoot;
beforeEach(async () => {
  root = new OfflineRoot();
  await root.apply(version('old\n'));
});
afterEach(() => root.remove());

const switchAfter = async (edit: string, more = ''): Promise<DirectRun> => {
  const meanwhile = before('keep_changed', `(cd '${root.path}' && ${edit})`);
  return root.runDirectly(await root.plan(version('new\n')), withFault(`${meanwhile}\n${more}`));
};
const now = (): string => readFileSync(root.at(PATH), 'utf8');

describe('a managed file that a person edits just before it is replaced', () => {
  it('is replaced, and the version of the person is kept and named', async () => {
    const run = await switchAfter(`echo 'by hand' >'.${PATH}'`);
    expect([run.outcome, run.stderr, now()]).toEqual(['committed', '', 'new\n']);
    expect(run.progress).toMatch(
      /note.*app \[1\]\.conf was changed by others .* kept in \/var\/lib\/citadel-iac\/kept\//,
    );
    expect(isKept(root, 'by hand')).toBe(true);
  });

  const inTheLastMoment = (then = ''): string =>
    withFault(`mv() {
  case " $* " in *' -f -t '*) (cd '${root.path}' && echo 'by hand' >>'.${PATH}') ;; esac
  command mv "$@"
}
xargs() {
  case " $* " in *' mv -f -t '*) (cd '${root.path}' && echo 'by hand' >>'.${PATH}') ;; esac
  command xargs "$@"
}
${then}`);

  it.each([
    ['', 'committed', 'new\n'],
    [failing('enable_units'), 'rolled-back', 'old\n'],
    [killing('look_at_old'), undefined, 'old\n'],
  ])('is kept also when that happens in the last moment: %#', async (then, outcome, expected) => {
    const run = await root.runDirectly(await root.plan(version('new\n')), inTheLastMoment(then));
    expect([run.outcome, run.stderr]).toEqual([outcome, '']);
    const end = outcome === undefined ? await root.recoverCleanly(run.id) : run;
    expect([now(), isKept(root, 'by hand')]).toEqual([expected, true]);
    expect(end.progress).toMatch(/note.*app \[1\]\.conf was changed by others .* is kept in \/var\/lib/);
    expect(readFileSync(root.at(`/var/lib/citadel-iac/kept/${run.id}/tree${PATH}`), 'utf8')).toBe(
      'old\nby hand\n',
    );
    expect(root.leftovers()).toEqual([]);
  });

  it('is kept in an undo as well', async () => {
    const run = await switchAfter(`echo 'by hand' >'.${PATH}'`, failing('enable_units'));
    expect(run.outcome).toBe('rolled-back');
    expect([now().trim(), isKept(root, 'by hand')]).toEqual(['old', true]);
  });

  it('is not kept twice when only its mode or its time changed', async () => {
    const run = await switchAfter(`{ chmod 600 '.${PATH}'; touch '.${PATH}'; }`);
    expect([run.outcome, run.stderr, now()]).toEqual(['committed', '', 'new\n']);
    expect(run.progress).not.toContain('was changed by others');
  });
});
