import { describe, expect, it } from 'vitest';
import { buildPayload, type Payload } from '../../../lib/engine/apply/payload.js';
import type { HostPlan, ObservedUnit } from '../../../lib/engine/model.js';
import { change, planOf, ROOT_DIR, ROOT_FILE } from './plans.js';

/** What becomes of each part of a plan in what the host is sent. */
const SETTINGS = { id: 'a', nonce: 'n', who: 'w', deadlineSec: 1, confirmSec: 0, settleSec: 0, waitSec: 0 };
const UNIT = { enabled: true, state: 'running' as const, restartOn: [], reloadOn: [], wave: 0 };
const USER = { home: '/home/ann', shell: '/bin/sh', groups: ['a'], system: false };
const MOUNT = { source: '/dev/sda1', type: 'ext4', options: ['defaults'], state: 'mounted' as const };

function build(plan: HostPlan, settings: object = {}, scripts: object = {}): Payload {
  return buildPayload(plan, { ...SETTINGS, ...settings }, { transaction: 'tx', expect: 'ex', ...scripts });
}
const text = (payload: Payload, name: string): string | undefined =>
  payload.get(name)?.toString().replaceAll('\x1f', '|');
const reload = (plan: HostPlan): boolean => (text(build(plan), 'meta') ?? '').includes('daemon_reload=1');

describe('what a host is sent', () => {
  it('has what must be true of everything afterwards', () => {
    const payload = build(
      planOf(
        {
          packages: { htop: {}, nano: { state: 'absent' } },
          groups: { g: { system: true }, a: { gid: 7, system: true } },
          users: { ann: { ...USER, uid: 5 } },
          directories: { '/d': { ...ROOT_DIR, mode: '0000' } },
          files: { '/f': ROOT_FILE },
          blocks: { '/b': { y: 'two\n\ttabs\n', x: '' } },
          symlinks: { '/l': { target: 'f' } },
          mounts: { '/m': MOUNT, '/later': { ...MOUNT, state: 'present' } },
          units: {
            'b.service': { ...UNIT, restartOn: ['/f'], reloadOn: ['/f', '/l', '/gone'] },
            'a.service': { ...UNIT, enabled: null, state: 'any', restartOn: ['/f', '/b', '/d'] },
          },
        },
        [change('files', '/gone', 'delete'), change('directories', '/dir', 'delete')],
      ),
    );
    expect(text(payload, 'ops/after')).toBe(
      [
        'path|/d|d|root|root|0||a.service',
        'path|/f|f|root|root|644||a.service b.service',
        'path|/l|l|f||||b.service',
        'path|/gone|gone|||||b.service',
        'block|/b|x|a.service',
        'block|/b|y|a.service',
        'text|two',
        'text|\ttabs',
        'package|htop||',
        'group|a|7',
        'group|g|',
        'user|ann|5|ann|/home/ann|/bin/sh|a',
        'unit|a.service||any',
        'unit|b.service|true|running',
        'mount|/m',
        '',
      ].join('\n'),
    );
  });

  it('mounts what is to be mounted, and neither what is only to be in fstab nor what leaves', () => {
    const plan = planOf({ mounts: { '/m': MOUNT, '/later': { ...MOUNT, state: 'present' } } }, [
      change('mounts', '/later'),
      change('mounts', '/m'),
      change('mounts', '/old', 'delete'),
    ]);
    expect([text(build(plan), 'ops/mounts'), text(build(plan), 'ops/umounts')]).toEqual(['/m\n', '/old\n']);
  });

  it('takes away accounts that leave, and only them, and memberships that we gave', () => {
    const seen = {
      uid: 5,
      gid: 5,
      group: 'ann',
      home: '/home/ann',
      shell: '/bin/sh',
      groups: ['a', 'b', 'c'],
    };
    const facts = { group: 'ann', home: '/home/ann', shell: '/bin/sh', groups: ['a', 'b'] };
    const payload = build(
      planOf(
        { users: { ann: USER }, groups: { g: { system: false } } },
        [
          change('users', 'ann', 'update'),
          change('users', 'bob', 'delete'),
          change('users', 'cat', 'update'),
          change('groups', 'g'),
          change('groups', 'h', 'delete'),
        ],
        {
          observed: {
            users: new Map([
              ['ann', seen],
              ['cat', { ...seen, shell: '/bin/zsh' }],
            ]),
            groups: new Map([['ann', 5]]),
            applied: {
              users: {
                ann: facts,
                cat: {
                  ...facts,
                  shell: '/bin/zsh',
                  adopted: true,
                  was: { group: 'ann', home: '/home/ann', shell: '/bin/sh' },
                },
              },
            },
          },
        },
      ),
    );
    expect(text(payload, 'ops/members-remove')).toBe('ann|b\ncat|a\ncat|b\n');
    expect(text(payload, 'ops/users')).toBe(
      'ann|||/home/ann|/bin/sh|a|false|update\ncat||ann|/home/ann|/bin/sh||true|update\n',
    );
    expect(text(payload, 'ops/users-remove')).toBe('bob\n');
    expect([text(payload, 'ops/groups'), text(payload, 'ops/groups-remove')]).toEqual(['g||false\n', 'h\n']);
  });

  it('runs the validators of what it writes', () => {
    const contents = new Map([['/etc/sudoers', Buffer.from('x')]]);
    const plan = planOf({ files: { '/etc/sudoers': ROOT_FILE } }, [change('files', '/etc/sudoers')], {
      contents,
    });
    expect(text(build(plan), 'ops/validate')).toContain('/etc/sudoers');
    expect(text(build(planOf({ files: { '/etc/sudoers': ROOT_FILE } }, [])), 'ops/validate')).toBe('');
  });

  it('knows the units, which of them are to rest, and how long each settles', () => {
    const payload = build(
      planOf(
        {
          units: {
            'b.service': { ...UNIT, enabled: false, state: 'stopped' },
            'a.service': { ...UNIT, settleSec: 0.25 },
            'c.service': { ...UNIT, enabled: null, state: 'any' },
          },
        },
        [],
        {
          unitActions: [
            { unit: 'old.service', verb: 'disable', wave: 0 },
            { unit: 'before.service', verb: 'enable', wave: 0 },
          ],
        },
      ),
    );
    expect(text(payload, 'ops/units-known')).toBe('a.service\nb.service\nc.service\n');
    expect(text(payload, 'ops/units-rest')).toBe('stop|b.service\ndisable|b.service\n');
    expect(text(payload, 'ops/units-settle')).toBe('a.service|3\n');
    expect(text(payload, 'ops/units-before')).toBe('disable|old.service\n');
    expect(text(payload, 'ops/units')).toBe('enable|before.service|0\n');
  });

  it.each<['enable' | 'disable' | 'unmask' | 'start' | 'stop' | 'restart' | 'reload', boolean]>([
    ['enable', true],
    ['disable', true],
    ['unmask', true],
    ['start', false],
    ['stop', false],
    ['restart', false],
    ['reload', false],
  ])('reloads the manager where links of a unit change (%s)', (verb, expected) => {
    const units = { 'a.service': UNIT };
    expect(reload(planOf({ units }, [], { unitActions: [{ unit: 'a.service', verb, wave: 0 }] }))).toBe(
      expected,
    );
  });

  it('reloads the manager where it has not read the files of a unit', () => {
    const seen = (needDaemonReload: boolean): HostPlan => {
      const unit: ObservedUnit = { load: 'loaded', active: 'active', fileState: 'enabled', needDaemonReload };
      return planOf({ units: { 'a.service': UNIT } }, [], {
        observed: { units: new Map([['a.service', unit]]) },
      });
    };
    expect([reload(seen(true)), reload(seen(false))]).toEqual([true, false]);
    expect(reload(planOf({}, [], { observed: { units: null } }))).toBe(false);
  });

  it('says of which commit and tool it is, and how long generations are kept, where that is known', () => {
    const all = build(
      planOf({}, []),
      { commit: 'c0ffee', tool: '1.2', settleSec: 0.11, retention: { keep: 3, maxAgeDays: 9 } },
      { observe: 'ob', apply: 'ap' },
    );
    expect(['commit', 'tool', 'bin/observe.sh', 'bin/apply.sh'].map((name) => text(all, name))).toEqual([
      'c0ffee\n',
      '1.2\n',
      'ob',
      'ap',
    ]);
    expect(text(all, 'meta')).toContain('commit=c0ffee\n');
    expect(text(all, 'meta')).toContain('settle=2\nkeep=3\nmax_age_days=9\n');
    const none = build(planOf({}, []));
    expect(['commit', 'tool', 'bin/observe.sh', 'bin/apply.sh'].map((name) => text(none, name))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(text(none, 'meta')).not.toMatch(/commit|keep|max_age/);
  });
});
