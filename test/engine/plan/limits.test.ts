import { expect, it } from 'vitest';
import { rollbackLimits } from '../../../lib/engine/plan/limits.js';
import { change, planOf } from '../apply/plans.js';

it('says what a rollback cannot take back', () => {
  const plan = planOf({ packages: { old: { version: '1.0' }, any: {}, deb: { source: '/root/deb.deb' } } }, [
    change('packages', 'old'),
    change('packages', 'any'),
    change('packages', 'deb'),
    change('packages', 'new', 'delete'),
    change('users', 'ann', 'delete'),
    change('users', 'bob'),
    change('mounts', '/srv', 'delete'),
    { ...change('files', '/etc/x', 'update'), cause: 'both' },
  ]);
  expect(rollbackLimits(plan)).toEqual([
    'package old 1.0 comes back only if the host’s package sources still offer it; if not, nothing of this rollback will stay',
    'package any comes back in the version that the host’s package sources have now',
    'package deb is installed from /root/deb.deb, if that file is still there',
    'package new is removed; its configuration files stay, and what its scripts did is not undone',
    'user ann goes; the home directory and its files stay',
    'user bob comes back without a password, with the home directory that is there now',
    '/srv is unmounted; what is on the disk stays as it is',
    'changed by hand since the last apply, and overwritten: /etc/x',
    'what programs have written since stays as it is: models, backups, databases, logs, files in home directories',
  ]);
});

it('has nothing to say where nothing changes', () => {
  expect(rollbackLimits(planOf({}, []))).toEqual([]);
});
