import { expect, it } from 'vitest';
import { pathOperations } from '../../../lib/engine/apply/path-operations.js';
import type { ObservedPath } from '../../../lib/engine/model.js';
import { change, planOf } from './plans.js';

const SEEN = { owner: 'root', group: 'root', mode: '0644', size: 1, uid: 0, gid: 0 } as const;
const LINK: ObservedPath = { ...SEEN, kind: 'symlink', target: '/srv' };
const FILE: ObservedPath = { ...SEEN, kind: 'file', sha256: 'ab'.repeat(32) };

it('removes nothing by the new way when a directory becomes a link', () => {
  const plan = planOf({ symlinks: { '/a': { target: '/mnt' } } }, [
    change('symlinks', '/a', 'update'),
    change('files', '/a/x', 'delete'),
  ]);
  expect(pathOperations(plan, plan.manifest)).toEqual([{ op: 'link', path: '/a', target: '/mnt' }]);
});

it('removes nothing behind a link that someone put in the place of a directory', () => {
  const plan = planOf({}, [change('files', '/a/x', 'delete')], {
    observed: {
      paths: new Map([
        ['/a', LINK],
        ['/a/x', FILE],
      ]),
    },
  });
  expect(pathOperations(plan, plan.manifest)).toEqual([]);
});
