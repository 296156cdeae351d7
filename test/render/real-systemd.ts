import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SYSTEMD = '/usr/lib/systemd/systemd';

/** Why the machine's own systemd cannot be asked, or `undefined` when it can. */
export function systemdMissing(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root, to become nobody';
  if (!existsSync(SYSTEMD)) return `needs ${SYSTEMD}`;
  return undefined;
}

/** What systemd understood of a unit. */
export interface LoadedUnit {
  readonly description: string;
  /** Argument vectors of ExecStart=, before variables are replaced. */
  readonly commands: readonly (readonly string[])[];
}

/**
 * Lets the machine's systemd load unit files in its test mode (no PID 1 needed, nothing is started), and reads what it
 * understood from the state that it prints.
 */
export function loadUnits(files: Readonly<Record<string, string>>): Map<string, LoadedUnit> {
  const directory = mkdtempSync(join(tmpdir(), 'citadel-units-'));
  try {
    chmodSync(directory, 0o755);
    for (const [name, text] of Object.entries(files))
      writeFileSync(join(directory, name), text, { mode: 0o644 });
    const wants = Object.keys(files).map((name) => `Wants=${name}\n`);
    writeFileSync(join(directory, 'default.target'), `[Unit]\n${wants.join('')}`, { mode: 0o644 });
    const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    const { stdout, stderr } = spawnSync('setpriv', [...nobody, SYSTEMD, '--test', '--system'], {
      encoding: 'utf8',
      timeout: 60_000,
      maxBuffer: 512 * 1024 ** 2,
      env: { PATH: process.env.PATH, SYSTEMD_UNIT_PATH: directory },
    });
    const complaints = stderr.split('\n').filter((line) => line.includes(directory));
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
    return new Map(
      stdout
        .split('\t-> Unit ')
        .map((part) => part.split('\n'))
        .filter(([head]) => files[head?.replace(/:$/, '') ?? ''] !== undefined)
        .map((lines) => [(lines[0] ?? '').replace(/:$/, ''), loadedUnit(lines)]),
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function loadedUnit(lines: readonly string[]): LoadedUnit {
  const values = (prefix: string) =>
    lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
  return {
    description: values('\t\tDescription: ')[0] ?? '',
    commands: values('\t\t\tCommand Line: ').map(splitShell),
  };
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\u0007',
  b: '\b',
  f: '\f',
  v: '\v',
};

/** systemd prints arguments for a shell: bare, or in double quotes with backslash escapes. */
function splitShell(text: string): string[] {
  const words: string[] = [];
  for (const match of text.matchAll(/"((?:[^"\\]|\\[\s\S])*)"|([^ ]+)/g)) {
    words.push(
      (match[1] ?? match[2] ?? '').replace(/\\([0-7]{3}|x[0-9a-f]{2}|[\s\S])/g, (_, code: string) => {
        if (/^[0-7]{3}$/.test(code)) return String.fromCharCode(Number.parseInt(code, 8));
        if (/^x[0-9a-f]{2}$/.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
        return ESCAPES[code] ?? code;
      }),
    );
  }
  return words;
}
