import { describe, expect, it } from 'vitest';
import { buildPayload, summary, type Payload } from '../../../lib/engine/apply/payload.js';
import type { HostPlan } from '../../../lib/engine/model.js';
import { change, planOf, ROOT_DIR, ROOT_FILE } from './plans.js';

const SETTINGS = {
  id: 'ab-1',
  nonce: 'n',
  who: 'ada@desk',
  deadlineSec: 100,
  confirmSec: 0,
  settleSec: 0.2,
  waitSec: 0,
};
const SCRIPTS = { transaction: 'tx', expect: 'ex' };

function build(plan: HostPlan, settings: Partial<typeof SETTINGS> = {}): Payload {
  return buildPayload(plan, { ...SETTINGS, ...settings }, SCRIPTS);
}

function text(payload: Payload, name: string): string {
  return (payload.get(name)?.toString() ?? `no ${name}`).replaceAll('\x1f', '|');
}

function meta(payload: Payload, key: string): string | undefined {
  return new RegExp(`^${key}=(.*)$`, 'm').exec(text(payload, 'meta'))?.[1];
}

describe('buildPayload', () => {
  it('ends with the file that proves the archive whole', () => {
    expect([...build(planOf({}, [])).keys()].at(-1)).toBe('complete');
  });

  it('gives equal bytes for equal plans', () => {
    const plan = (): HostPlan =>
      planOf({ files: { '/a': ROOT_FILE } }, [change('files', '/a')], {
        contents: new Map([['/a', Buffer.from('x\n')]]),
      });
    expect(build(plan())).toEqual(build(plan()));
  });

  it('stages contents by path and groups them by owner and mode', () => {
    const secret = { ...ROOT_FILE, mode: '0600' };
    const plan = planOf(
      { files: { '/a': ROOT_FILE, '/b c': ROOT_FILE, '/s': secret } },
      [change('files', '/a'), change('files', '/b c'), change('files', '/s')],
      { contents: new Map(['/a', '/b c', '/s'].map((path) => [path, Buffer.from(path)])) },
    );
    const payload = build(plan);
    expect(text(payload, 'tree/b c')).toBe('/b c');
    expect(text(payload, 'ops/own')).toBe('0|root|root|0600\n1|root|root|0644\n');
    expect(text(payload, 'own/1')).toBe('./a\0./b c\0');
  });

  it('does what lies below a new mount after mounting, and owns the mount point once more', () => {
    const plan = planOf(
      {
        directories: { '/mnt/m': { ...ROOT_DIR, owner: 'agent0' }, '/mnt/m/active': ROOT_DIR },
        mounts: { '/mnt/m': { source: '/dev/sda1', type: 'ext4', options: ['defaults'], state: 'mounted' } },
      },
      [change('directories', '/mnt/m'), change('directories', '/mnt/m/active'), change('mounts', '/mnt/m')],
    );
    const payload = build(plan);
    expect(text(payload, 'ops/paths-a')).toBe('dir|/mnt/m|agent0|root|0755\n');
    expect(text(payload, 'ops/mounts')).toBe('/mnt/m\n');
    expect(text(payload, 'ops/paths-b')).toBe(
      'attr|/mnt/m|agent0|root|0755\ndir|/mnt/m/active|root|root|0755\n',
    );
  });

  it('unmounts what is mounted within another mount before that', () => {
    const plan = planOf({}, [change('mounts', '/mnt/m', 'delete'), change('mounts', '/mnt/m/in', 'delete')]);
    expect(text(build(plan), 'ops/umounts')).toBe('/mnt/m/in\n/mnt/m\n');
  });

  it('stops units that leave before anything changes, and others after', () => {
    const unit = { enabled: true, state: 'running' as const, restartOn: [], reloadOn: [], wave: 3 };
    const plan = planOf({ units: { 'b.service': unit } }, [], {
      unitActions: [
        { unit: 'a.service', verb: 'stop', wave: 0 },
        { unit: 'b.service', verb: 'enable', wave: 3 },
        { unit: 'b.service', verb: 'start', wave: 3 },
      ],
      checks: { web: { kind: 'tcp', host: '127.0.0.1', port: 80, timeoutSec: 5, wave: 1 } },
    });
    const payload = build(plan);
    expect(text(payload, 'ops/units-before')).toBe('stop|a.service\n');
    expect(text(payload, 'ops/units')).toBe('enable|b.service|3\nstart|b.service|3\n');
    expect(meta(payload, 'waves')).toBe('0 1 3');
    expect(meta(payload, 'daemon_reload')).toBe('1');
  });

  it('reloads the manager for a unit file and for fstab, and not for another file', () => {
    const reload = (path: string): string | undefined =>
      meta(
        build(
          planOf({ files: { [path]: ROOT_FILE } }, [change('files', path)], {
            contents: new Map([[path, Buffer.of()]]),
          }),
        ),
        'daemon_reload',
      );
    expect(['/etc/systemd/system/a.service', '/etc/fstab', '/etc/a'].map(reload)).toEqual(['1', '1', '0']);
  });

  it('writes packages and accounts as the tools want them', () => {
    const plan = planOf(
      {
        packages: { jq: { version: '1.7' }, tree: {}, exim4: { state: 'absent' } },
        groups: { g: { system: true, gid: 42 } },
        users: { u: { group: 'g', home: '/home/u', shell: '/bin/sh', groups: ['a', 'b'], system: false } },
      },
      [
        change('packages', 'jq'),
        change('packages', 'tree'),
        change('packages', 'exim4', 'delete'),
        change('packages', 'nano', 'delete'),
        change('groups', 'g'),
        change('users', 'u'),
      ],
    );
    const payload = build(plan);
    expect(text(payload, 'ops/packages-install')).toBe('jq|1.7|\ntree||\n');
    expect(text(payload, 'ops/packages-remove')).toBe('exim4|absent\nnano\n');
    expect(text(payload, 'ops/groups')).toBe('g|42|true\n');
    expect(text(payload, 'ops/users')).toBe('u||g|/home/u|/bin/sh|a,b|false|create\n');
  });

  it('proves packages that are to be there, and none that is to be absent', () => {
    const plan = planOf({ packages: { htop: {}, jq: { version: '1' }, nano: { state: 'absent' } } }, []);
    expect(text(build(plan), 'ops/after')).toBe('package|htop||\npackage|jq|1|\n');
  });

  it('puts units of the way in before the waves where the operator confirms', () => {
    const units = { enabled: null, state: 'running' as const, restartOn: [], reloadOn: [], wave: 3 };
    const plan = {
      ...planOf({ units: { 'ssh.service': units, 'web.service': units } }, []),
      unitActions: ['ssh.service', 'web.service'].map((unit) => ({ unit, verb: 'start' as const, wave: 3 })),
    };
    const all = (confirmSec: number) => text(build(plan, { confirmSec }), 'ops/units');
    expect([all(60), all(0)]).toEqual([
      'start|ssh.service|first\nstart|web.service|3\n',
      'start|ssh.service|3\nstart|web.service|3\n',
    ]);
  });

  it('gives the host time for the work, the wait and the confirmation', () => {
    const payload = build(planOf({}, []), { deadlineSec: 100, confirmSec: 60, waitSec: 5 });
    expect([meta(payload, 'deadline'), meta(payload, 'confirm'), meta(payload, 'wait')]).toEqual([
      '165',
      '60',
      '5',
    ]);
  });
});

describe('summary', () => {
  it('counts by section', () => {
    expect([
      summary([]),
      summary([change('files', '/a')]),
      summary([change('files', '/a'), change('units', 'a.service'), change('files', '/b')]),
    ]).toEqual(['no change', '1 change: files 1', '3 changes: files 2, units 1']);
  });
});
