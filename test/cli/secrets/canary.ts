import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, inflateRawSync } from 'node:zlib';

/** Values that are looked for everywhere: what is planted once stays planted. */
export class Canaries {
  readonly #planted = new Set<string>();

  /** A new value that can be nothing else. */
  next(kind: string): string {
    const value = `cnry-${kind}-${randomBytes(12).toString('hex')}`;
    this.add(value);
    return value;
  }

  add(value: string): void {
    this.#planted.add(value);
  }

  /** Kinds of the planted values that bytes hold, in any of the ways in which tools write bytes down. */
  in(bytes: Buffer): string[] {
    const texts = [bytes, ...unpacked(bytes)].map((part) => part.toString('latin1'));
    return [...this.#planted]
      .filter((value) => forms(value).some((form) => texts.some((text) => text.includes(form))))
      .map((value) => value.split('-').slice(0, 2).join('-'));
  }
}

function forms(value: string): string[] {
  // Base64 of a longer text that holds the value: three places in a group of three bytes, less its ends.
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.from('x'.repeat(shift) + value)
      .toString('base64')
      .slice(4, -4),
  );
  return [value, Buffer.from(value).toString('hex'), ...base64];
}

/** Contents of a zip archive (Terraform's saved plans) or of a gzip file (a generation's documents). */
function unpacked(bytes: Buffer): Buffer[] {
  if (bytes.subarray(0, 2).toString('hex') === '1f8b') return [gunzipSync(bytes)];
  const parts: Buffer[] = [];
  for (let at = bytes.indexOf('PK\x03\x04'); at !== -1; at = bytes.indexOf('PK\x03\x04', at + 4)) {
    const start = at + 30 + bytes.readUInt16LE(at + 26) + bytes.readUInt16LE(at + 28);
    const rest = bytes.subarray(start);
    if (bytes.readUInt16LE(at + 8) === 8) parts.push(inflateRawSync(rest));
  }
  return parts;
}

export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** What the engine runs on a host that is a directory begins with these words. */
const ON_HOST = '/bin/sh\0-c\0';

/**
 * Looks many times a second at the argument lists and environments of all processes below this one. Those that the engine
 * runs on a host, and those below them, go by the name of `host`.
 */
export class ProcessWatch {
  /** What held which kind: `argv of sh: cnry-file`. */
  readonly found = new Set<string>();
  /** Programs that were seen, by the name of their file. */
  readonly programs = new Set<string>();
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly canaries: Canaries) {
    this.#timer = setInterval(() => this.#look(), 15);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const parents = new Map<string, string>();
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? '';
      parents.set(pid, /^.*\) \S (\d+)/s.exec(stat)?.[1] ?? '0');
    }
    for (const pid of parents.keys()) {
      const family = ancestry(pid, parents);
      if (!family.slice(1).includes(String(process.pid))) continue;
      const file = attempt(() => readlinkSync(`/proc/${pid}/exe`))
        ?.split('/')
        .at(-1);
      if (file === undefined) continue;
      const program = family.some(onHost) ? 'host' : file;
      this.programs.add(program);
      for (const [what, name] of [
        ['argv', 'cmdline'],
        ['environment', 'environ'],
      ] as const) {
        const bytes = attempt(() => readFileSync(`/proc/${pid}/${name}`));
        for (const kind of this.canaries.in(bytes ?? Buffer.alloc(0)))
          this.found.add(`${what} of ${program}: ${kind}`);
      }
    }
  }
}

/** A process and those above it. */
function ancestry(pid: string, parents: ReadonlyMap<string, string>): string[] {
  const all: string[] = [];
  for (let at: string | undefined = pid; at !== undefined && at !== '0'; at = parents.get(at)) all.push(at);
  return all;
}

function onHost(pid: string): boolean {
  return attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'latin1'))?.startsWith(ON_HOST) === true;
}

/** @returns `undefined` of a process that has ended */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** What a process of node started: nothing that ends too soon for {@link ProcessWatch} is missing here. */
export interface Spawned {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Makes every node below keep a record of what it starts. @returns the environment that does so */
export function recordSpawns(folder: string): Record<string, string> {
  const hook = join(folder, 'record-spawns.cjs');
  writeFileSync(
    hook,
    `const processes = require('node:child_process');
     const { spawn } = processes;
     processes.spawn = (file, args, options) => {
       const env = options?.env ?? process.env;
       require('node:fs').appendFileSync(process.env.RECORD_SPAWNS, JSON.stringify({ file, args, env }) + '\\n');
       return spawn(file, args, options);
     };
     require('node:module').syncBuiltinESMExports();`,
  );
  return { NODE_OPTIONS: `--require ${hook}`, RECORD_SPAWNS: join(folder, 'spawns.jsonl') };
}

export function recordedSpawns(folder: string): Spawned[] {
  const lines = readFileSync(join(folder, 'spawns.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Spawned);
}
