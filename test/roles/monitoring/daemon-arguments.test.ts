import { RootConstruct } from 'constructs';
import { describe, expect, it } from 'vitest';
import { Host } from '../../../lib/constructs/host/index.js';
import { DaemonArguments } from '../../../lib/roles/monitoring/index.js';
import { CitadelError } from '../../../lib/manifest/index.js';

function contentWith(list: readonly string[]): string | undefined {
  const host = new Host(new RootConstruct(), 'dev-ops');
  new DaemonArguments(host, 'arguments', { package: 'prometheus', arguments: list });
  return host.manifest().files?.['/etc/default/prometheus']?.content;
}

describe('DaemonArguments', () => {
  it('without arguments sets none', () => {
    expect(contentWith([])).toBe('# Arguments of the daemon, one a line.\nARGS=""\n');
  });

  it('writes one argument a line, as systemd reads an environment file', () => {
    expect(contentWith(['--a=1', '--b=^/(dev|proc)($|/)', '--c='])).toBe(
      '# Arguments of the daemon, one a line.\nARGS="--a=1 \\\n  --b=^/(dev|proc)($|/) \\\n  --c="\n',
    );
  });

  it.each(['', 'two words', 'a"b', "a'b", 'a\\d', 'a`b', 'a\nb'])(
    'refuses %j, which would arrive as something else',
    (word) => {
      expect(() => contentWith(['--fine', word])).toThrow(
        new CitadelError({
          code: 'construct.daemon.argument',
          path: 'dev-ops/arguments',
          property: 'arguments[1]',
          got: `${JSON.stringify(word)} is empty or has white space, a quote or a backslash, which /etc/default/prometheus cannot hold`,
          fix: 'Use another spelling, for example [0-9] for \\d',
        }),
      );
    },
  );
});
