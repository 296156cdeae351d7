import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Duration, type Host, ScheduledJob } from '../../../lib/constructs/index.js';
import { hasTool, tool } from '../../stacks/tools.js';
import { manifestOf, problemsOf } from '../host/support.js';

const build = (host: Host): ScheduledJob =>
  new ScheduledJob(host, 'dump', {
    command: ['/bin/sh', '-c', 'echo "100% of $HOME"'],
    schedule: ['Mon *-*-* 02:30', '*:0/15'],
    user: 'postgres',
    spread: Duration.minutes(5),
    service: { Nice: 10 },
  });

describe('ScheduledJob', () => {
  it('is a timer that an apply starts, and a service that it does not', () => {
    const { units, files } = manifestOf(build, { assumedUsers: ['postgres'] });
    expect(units).toMatchObject({
      'dump.timer': { enabled: true, state: 'running' },
      'dump.service': { enabled: null, state: 'any' },
    });
    expect(files?.['/etc/systemd/system/dump.timer']?.content).toContain(
      '[Timer]\nOnCalendar=Mon *-*-* 02:30\nOnCalendar=*:0/15\nPersistent=yes\nRandomizedDelaySec=5m\n',
    );
    expect(files?.['/etc/systemd/system/dump.service']?.content).toContain('$$HOME');
  });

  it.skipIf(!hasTool('systemd-analyze'))('is read by systemd', () => {
    const folder = mkdtempSync(join(tmpdir(), 'citadel-timer-'));
    const { files = {} } = manifestOf(build);
    const paths = Object.entries(files).map(([path, { content = '' }]) => {
      writeFileSync(join(folder, basename(path)), content);
      return join(folder, basename(path));
    });
    expect(tool('systemd-analyze', ['verify', '--recursive-errors=no', ...paths])).toEqual({
      status: 0,
      output: '',
    });
  });

  it.each<[object, string]>([
    [{ schedule: '30 2 * * *' }, '"30 2 * * *" is a time of cron. Write it as systemd does, *-*-* 02:30'],
    [{ schedule: [] }, 'schedule: there is no time'],
    [{ schedule: 'daily\nx' }, 'is not a time'],
    [{ command: [] }, 'command: there is none'],
    [{ shedule: 'daily' }, 'Did you mean schedule?'],
  ])('is refused: %j', (props, text) => {
    const given = { command: ['/bin/true'], schedule: 'daily', ...props };
    expect(problemsOf((host) => new ScheduledJob(host, 'x', given)).join('\n')).toContain(text);
  });
});
