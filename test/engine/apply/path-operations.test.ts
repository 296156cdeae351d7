import { describe, expect, it } from 'vitest';
import {
  blockText,
  belowAny,
  pathOperations,
  pathRecord,
  type PathOperation,
} from '../../../lib/engine/apply/path-operations.js';
import type { HostPlan } from '../../../lib/engine/model.js';
import { change, planOf, ROOT_DIR, ROOT_FILE } from './plans.js';

function operations(plan: HostPlan): string[] {
  return pathOperations(plan, plan.manifest).map((operation) => `${operation.op} ${operation.path}`);
}

describe('pathOperations', () => {
  it('has nothing to do without changes', () => {
    expect(operations(planOf({ files: { '/etc/a': ROOT_FILE } }, []))).toEqual([]);
  });

  it('makes directories from the top down, then links, then files, and removes from the bottom up', () => {
    const plan = planOf(
      {
        directories: { '/a': ROOT_DIR, '/a/b': ROOT_DIR },
        files: { '/a/b/f': ROOT_FILE },
        symlinks: { '/a/l': { target: 'b' } },
      },
      [
        change('files', '/old/x', 'delete'),
        change('directories', '/old', 'delete'),
        change('files', '/a/b/f'),
        change('symlinks', '/a/l'),
        change('directories', '/a/b'),
        change('directories', '/a'),
      ],
      { contents: new Map([['/a/b/f', Buffer.from('x\n')]]) },
    );
    expect(operations(plan)).toEqual([
      'dir /a',
      'dir /a/b',
      'link /a/l',
      'file /a/b/f',
      'del /old/x',
      'rmdir /old',
    ]);
  });

  it('clears the way first where a file left and a path below it comes', () => {
    const plan = planOf({ directories: { '/a': ROOT_DIR }, files: { '/a/f': ROOT_FILE } }, [
      change('files', '/a', 'delete'),
      change('files', '/a/f'),
    ]);
    expect(operations(plan)[0]).toBe('del /a');
  });

  it('does not remove a path that another section takes over', () => {
    const plan = planOf({ symlinks: { '/a': { target: 'b' } } }, [
      change('files', '/a', 'delete'),
      change('symlinks', '/a'),
    ]);
    expect(operations(plan)).toEqual(['link /a']);
  });

  it('sets only owner and mode when the plan has no content to write', () => {
    const plan = planOf({ files: { '/etc/a': ROOT_FILE } }, [change('files', '/etc/a', 'update')]);
    expect(pathOperations(plan, plan.manifest)).toEqual([
      { op: 'attr', path: '/etc/a', owner: 'root', group: 'root', mode: '0644' },
    ]);
  });

  it('gives the host the texts of blocks and the names of those that go', () => {
    const plan = planOf(
      { blocks: { '/etc/fstab': { b: 'x\n\ny', a: '' } } },
      [change('blocks', '/etc/fstab', 'update')],
      { observed: { applied: { blocks: { '/etc/fstab': { a: '1', c: '2', d: '3' } } } } },
    );
    const [operation] = pathOperations(plan, plan.manifest);
    expect(operation).toMatchObject({ op: 'block', path: '/etc/fstab', leaving: ['c', 'd'] });
    expect(blockText(operation as PathOperation & { op: 'block' })).toBe(
      'w a\nw b\nt x\nt \nt y\nr c\nr d\n',
    );
    expect(pathRecord(operation as PathOperation, [operation as PathOperation])).toBe(
      'block\x1f/etc/fstab\x1f0\n',
    );
  });

  it('writes a file whose last block left, and does not delete it', () => {
    const plan = planOf({}, [change('blocks', '/etc/fstab', 'delete')]);
    expect(operations(plan)).toEqual(['block /etc/fstab']);
  });
});

describe('pathRecord', () => {
  it('separates fields by the unit separator', () => {
    expect(pathRecord({ op: 'link', path: '/a b', target: '-x' }, [])).toBe('link\x1f/a b\x1f-x\n');
    expect(pathRecord({ op: 'rmdir', path: '/a' }, [])).toBe('rmdir\x1f/a\n');
  });

  it('refuses what the schema should have refused', () => {
    expect(() => pathRecord({ op: 'del', path: '/a\nb' }, [])).toThrow('control character');
  });
});

describe('belowAny', () => {
  it('is about components, not about letters', () => {
    expect([
      belowAny(['/mnt/a'])('/mnt/a/b'),
      belowAny(['/mnt/a'])('/mnt/a'),
      belowAny(['/mnt/a'])('/mnt/ab'),
    ]).toEqual([true, false, false]);
  });
});
