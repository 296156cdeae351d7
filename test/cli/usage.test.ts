import { describe, expect, it } from 'vitest';
import { CitadelError, type HostManifest } from '../../lib/manifest/index.js';
import { call } from './call.js';

describe('render', () => {
  const alpha: HostManifest = {
    version: 1,
    host: 'alpha',
    packages: { htop: {} },
    files: { '/etc/motd': { mode: '0644', content: 'hello\nworld\n', owner: 'root', group: 'root' } },
  };
  const app = { buildHosts: () => [{ version: 1 as const, host: 'beta' }, alpha] };

  it('of one host as JSON is what --manifest takes, with members in order', async () => {
    const { code, printed, engineDouble } = await call('render --json alpha', { app });
    expect(code).toBe(0);
    expect(printed.out).toBe(`{
  "files": {
    "/etc/motd": {
      "content": "hello\\nworld\\n",
      "group": "root",
      "mode": "0644",
      "owner": "root"
    }
  },
  "host": "alpha",
  "packages": {
    "htop": {}
  },
  "version": 1
}
`);
    expect(engineDouble.calls).toEqual([]);
    const again = await call('render --json alpha --manifest m.json', { files: { 'm.json': printed.out } });
    expect(again.printed.out).toBe(printed.out);
  });

  it('of all hosts as JSON is by host', async () => {
    const { printed } = await call('render --json', { app });
    expect(JSON.parse(printed.out)).toEqual({ hosts: { alpha, beta: { version: 1, host: 'beta' } } });
  });

  it('is a list for reading', async () => {
    const { printed } = await call('render --list alpha', { app });
    expect(printed.out).toMatch(/^alpha {2}digest [0-9a-f]{12}\n/);
    expect(printed.out.slice(printed.out.indexOf('\n'))).toBe(`

  packages
    htop

  files
    /etc/motd  group root, lines 2, mode 0644, owner root
`);
  });

  it('passes on what synthesis says', async () => {
    const error = new CitadelError({
      code: 'x',
      path: 'alpha/ssh',
      property: 'port',
      got: '22 is taken',
      fix: 'Take another.',
    });
    const { code, printed } = await call('render', { app: { buildHosts: () => Promise.reject(error) } });
    expect(code).toBe(1);
    expect(printed.err).toBe('[alpha/ssh] port: 22 is taken. Take another.\n');
  });
});

describe('errors', () => {
  it('that are mistakes of the program say so, without a stack trace', async () => {
    const app = { buildHosts: () => Promise.reject(new TypeError('x is undefined')) };
    const { code, printed } = await call('render', { app });
    expect(code).toBe(1);
    expect(printed.err).toBe(
      'internal error: x is undefined\nThis is a mistake in citadel-iac. Run it again with CITADEL_DEBUG=1 and report what it prints.\n',
    );
  });

  it('show their stack and causes on request', async () => {
    const app = {
      buildHosts: () =>
        Promise.reject(
          new CitadelError({ code: 'x', path: 'p', got: 'g', fix: 'F.' }, { cause: new TypeError('inner') }),
        ),
    };
    const { printed } = await call('render', { app, env: { CITADEL_DEBUG: '1' } });
    expect(printed.err).toMatch(/^\[p\] g\. F\.\nCitadelError: .*\n {4}at /);
    expect(printed.err).toContain('caused by: TypeError: inner');
  });

  it('of usage are one line and a suggestion', async () => {
    expect(await call('dif')).toMatchObject({
      code: 1,
      printed: { err: "error: unknown command 'dif'\n(Did you mean diff?)\n" },
    });
    expect(await call('diff --jsn')).toMatchObject({
      code: 1,
      printed: { err: "error: unknown option '--jsn'\n(Did you mean --json?)\n" },
    });
    expect(await call('rollback')).toMatchObject({
      code: 1,
      printed: { err: "error: missing required argument 'host'\n" },
    });
    expect(await call('rollback alpha --to 0')).toMatchObject({ code: 1 });
  });
});

describe('help', () => {
  it('without arguments is on standard error, and an error', async () => {
    const { code, printed } = await call('');
    expect(code).toBe(1);
    expect(printed.err).toMatch(/^Usage: citadel-iac /);
  });

  it.each([
    'diff',
    'apply',
    'verify',
    'adopt',
    'render',
    'history',
    'rollback',
    'resolve',
    'rebuild',
    'secrets',
    'init',
    'doctor',
    'completion',
  ])('of %s has examples', async (name) => {
    const { code, printed } = await call(`${name} --help`);
    expect(code).toBe(0);
    expect(printed.out).toContain(`Usage: citadel-iac ${name} `);
    expect(printed.out).toContain(`\nExamples:\n  $ citadel-iac ${name}`);
    expect(printed.out).toContain('--inventory <file>');
  });

  it('offers no command that does not exist', async () => {
    expect((await call('--help')).printed.out).not.toContain('destroy');
    expect(await call('--version')).toMatchObject({ code: 0, printed: { out: '1.2.3\n' } });
  });

  it('takes options of the program before and after the command', async () => {
    expect((await call('--json diff alpha')).printed.out).toMatch(/^\{/);
    expect((await call('diff alpha -i inv.yaml --json')).printed.out).toMatch(/^\{/);
  });
});
