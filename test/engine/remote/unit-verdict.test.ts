import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withFault } from '../support/faults.js';
import { runText } from '../support/run-text.js';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'citadel-verdict-'));
  mkdirSync(join(dir, 'ops'));
  writeFileSync(join(dir, 'ops/mounts'), '/models\n');
});
afterEach(() => rmSync(dir, { recursive: true }));

interface Verdict {
  readonly accepted: boolean;
  readonly warnings: string;
  /** Units that are judged again after the mounts. */
  readonly later: string;
  readonly messages: string;
}

/** What the transaction makes of a systemd-analyze that says `messages` about /etc/systemd/system/demo-a.service. */
function verdict(messages: readonly string[], status: number, old = false): Verdict {
  const option = `case "$*" in *--recursive-errors*) echo "systemd-analyze: unrecognized option '--recursive-errors=no'" >&2; exit 1 ;; esac`;
  const stub = join(dir, 'systemd-analyze');
  writeFileSync(join(dir, 'says'), messages.map((line) => `${line}\n`).join(''));
  writeFileSync(stub, `#!/bin/sh\n${old ? option : ''}\ncat '${dir}/says' >&2\nexit ${String(status)}\n`);
  chmodSync(stub, 0o755);
  const script = withFault(`DIR='${dir}'
PATH='${dir}':$PATH
judge_units staged /etc/systemd/system/demo-a.service /etc/systemd/system/demo-b@.service
exit $?
`);
  const result = runText(script, ['']);
  expect(result.stderr.toString('utf8')).toBe('');
  const read = (name: string): string => {
    try {
      return readFileSync(join(dir, name), 'utf8');
    } catch {
      return '';
    }
  };
  return {
    accepted: result.status === 0,
    warnings: read('validate.warnings'),
    later: read('validate.mounts'),
    messages: read('words.all'),
  };
}

const OLD =
  '/etc/systemd/system/demo-a.service:5: Standard output type syslog is obsolete, automatically updating.';
const TYPO = "/etc/systemd/system/demo-a.service:6: Unknown key name 'Exec' in section 'Service', ignoring.";

describe('what systemd-analyze says of units', () => {
  it('is a warning when it is of something old that works, whatever the exit status', () => {
    expect(verdict([OLD], 1)).toMatchObject({ accepted: true, warnings: `${OLD}\n` });
  });

  it('is a refusal when a line is not what systemd takes it for', () => {
    expect(verdict([OLD, TYPO], 1).accepted).toBe(false);
    expect(verdict(['demo-b@i.service: Service has no ExecStart=. Refusing.'], 1).accepted).toBe(false);
    expect(verdict(['Unit demo-a.service has a bad unit file setting.'], 1).accepted).toBe(false);
    expect(verdict(['/etc/systemd/system/demo-a.service.d/x.conf:1: Unknown section'], 1).accepted).toBe(
      false,
    );
  });

  it('is a refusal when it fails without a reason, or for one that names no unit', () => {
    expect(verdict([], 1).accepted).toBe(false);
    expect(verdict(['Failed to load units'], 1).accepted).toBe(false);
  });

  it('does not count what it says of others', () => {
    const theirs = TYPO.replaceAll('demo-a', 'theirs');
    expect(verdict([theirs, OLD], 1).accepted).toBe(true);
  });

  it('waits for the mount on which a program lies', () => {
    const on = (path: string): Verdict =>
      verdict([`demo-a.service: Command ${path} is not executable: No such file or directory`], 1);
    expect(on('/models/bin/serve')).toMatchObject({
      accepted: true,
      later: '/etc/systemd/system/demo-a.service\n/etc/systemd/system/demo-b@.service\n',
    });
    const refused = on('/models-not/serve');
    expect(refused.accepted).toBe(false);
    expect(refused.messages).toContain('ConditionPathExists=');
    const inRun = on('/run/demo/serve');
    expect(inRun.accepted).toBe(true);
    expect(inRun.warnings).toContain('/run/demo/serve is not there now');
  });
});

describe('a systemd-analyze that does not know --recursive-errors', () => {
  it('is asked without, and its messages are judged where its exit status says nothing', () => {
    expect(verdict([], 0, true)).toMatchObject({ accepted: true, messages: '' });
    expect(verdict([OLD], 0, true)).toMatchObject({ accepted: true, warnings: `${OLD}\n` });
    expect(verdict([TYPO], 0, true).accepted).toBe(false);
    expect(verdict([], 1, true).accepted).toBe(false);
  });
});
