import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exec, renderUnitFile, specifier, variable, words, type UnitFile } from '../../lib/render/index.js';
import { hostileText } from './hostile.js';
import { loadUnits, systemdMissing } from './real-systemd.js';

describe('renderUnitFile', () => {
  it('writes sections and keys in their order, lists as repeated keys', () => {
    expect(
      renderUnitFile({
        Install: { WantedBy: ['multi-user.target', 'graphical.target'] },
        Service: {
          Type: 'oneshot',
          RemainAfterExit: true,
          PrivateTmp: false,
          Nice: 5,
          ExecStart: ['', exec(['/bin/true'])],
          Restart: undefined,
        },
        Timer: {},
        Unit: { Description: '100% of it', After: 'network.target' },
      }),
    ).toBe(`[Unit]
Description=100%% of it
After=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
PrivateTmp=no
Nice=5
ExecStart=
ExecStart=/bin/true

[Install]
WantedBy=multi-user.target
WantedBy=graphical.target
`);
  });

  it('leaves percentages and specifiers as they are', () => {
    expect(
      renderUnitFile({
        Service: { CPUQuota: '150%', MemoryMax: '50%', WorkingDirectory: specifier('/srv/%i') },
      }),
    ).toBe('[Service]\nCPUQuota=150%\nMemoryMax=50%\nWorkingDirectory=/srv/%i\n');
  });

  it.each<[UnitFile, string]>([
    [
      { Unit: { Description: 'a\nExecStart=/bin/evil' } },
      'Unit.Description: "a\\nExecStart=/bin/evil" has a line end inside. Give one line.',
    ],
    [
      { Unit: { Description: 'a\u0000' } },
      'Unit.Description: "a\\u0000" has a control character. Take it out.',
    ],
    [
      { Unit: { Description: ' a' } },
      'Unit.Description: " a" begins or ends with white space, which systemd drops. Take it away.',
    ],
    [
      { Unit: { Description: 'a\\' } },
      'Unit.Description: "a\\\\" ends with a backslash, which would join the next line. Take it away.',
    ],
    [
      { Unit: { Description: '\ud800' } },
      'Unit.Description: "\\ud800" is not well-formed Unicode. Correct the text.',
    ],
    [
      { Unit: { Description: 'a'.repeat(1_048_576) } },
      'Unit.Description: the value is longer than 1 MiB. Shorten it.',
    ],
    [{ Unit: { 'a=b': 'c' } }, 'Unit.a=b: "a=b" is not a key. Use letters and digits.'],
    [{ 'a]': { b: 'c' } }, 'a]: "a]" is not a section name. Use letters and digits.'],
    [{ Service: { Nice: Number.NaN } }, 'Service.Nice: NaN is not a number. Give a finite number.'],
    [
      { Service: { User: variable('X') } },
      'Service.User: ${X} stands outside of a command. Use variable() only inside exec().',
    ],
  ])('refuses %#', (file, message) => {
    expect(() => renderUnitFile(file)).toThrow(message);
  });

  const missing = systemdMissing();
  it.skipIf(missing !== undefined)(
    `says the same to the real systemd, or refuses${missing === undefined ? '' : ` (${missing})`}`,
    () => {
      const wanted = new Map<string, string>();
      const files: Record<string, string> = {};
      fc.sample(hostileText, 300).forEach((text, index) => {
        const name = `case${index}.service`;
        try {
          files[name] = renderUnitFile({
            Unit: { Description: text },
            Service: { ExecStart: '/bin/true', Type: 'oneshot' },
          });
          // Without a description, systemd shows the unit's name.
          wanted.set(name, text === '' ? name : text);
        } catch {
          expect(text).toMatch(/[\u0000-\u0008\u000a-\u001f\u007f]|^\s|\s$|\\$/); // eslint-disable-line no-control-regex
        }
      });
      const loaded = loadUnits(files);
      for (const [name, text] of wanted) expect(loaded.get(name)?.description).toBe(text);
      expect(wanted.size).toBeGreaterThan(50);
    },
  );

  it('passes systemd-analyze verify', () => {
    const directory = mkdtempSync(join(tmpdir(), 'citadel-verify-'));
    try {
      const path = join(directory, 'citadel-test.service');
      writeFileSync(
        path,
        renderUnitFile({
          Unit: { Description: 'odd 100% "name" \\x41' },
          Service: {
            ExecStart: exec(['/bin/echo', '%h', '$HOME', '"\\', 'a\nb', ';', '#']),
            ReadWritePaths: words(['/var/tmp', '/srv/a b']),
            MemoryMax: '50%',
          },
          Install: { WantedBy: 'multi-user.target' },
        }),
      );
      const result = spawnSync('systemd-analyze', ['verify', '--man=no', path], {
        encoding: 'utf8',
        timeout: 30_000,
      });
      expect(result.stderr.split('\n').filter((line) => line.includes('citadel-test'))).toEqual([]);
      writeFileSync(path, '[Service]\nExecStart=nonsense/x\n');
      expect(() =>
        execFileSync('systemd-analyze', ['verify', '--man=no', path], { stdio: 'pipe', timeout: 30_000 }),
      ).toThrow();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
