import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { requireLab } from '../lab/api.js';
import { ensureBase } from '../lab/base/build.js';
import { ensurePrerequisites } from '../lab/prerequisites.js';

/** Debian's releases, and the Alertmanager of each. */
const RELEASES = [
  { suite: 'bookworm', title: 'Debian 12', alertmanager: '0.25' },
  { suite: 'trixie', title: 'Debian 13', alertmanager: '0.28' },
] as const;

export interface DebianPrograms {
  readonly title: string;
  readonly alertmanager: '0.25' | '0.28';
  /** Starts a program of the release on this machine, in a mount namespace with what its package has below /usr/share. */
  start(program: string, args: readonly string[]): ChildProcess;
  /** Runs one to its end. */
  run(program: string, args: readonly string[]): { readonly status: number; readonly output: string };
}

const HOOK_MS = 900_000;

/**
 * A group of tests for each Debian release, with the real daemons of its packages: they are taken from the lab's bases, and run on this machine's
 * loopback. What was started ends with the group. Skipped, with the reason, where no lab can be.
 */
export function describeDebian(
  title: string,
  packages: readonly string[],
  body: (programs: DebianPrograms) => void,
): void {
  for (const release of RELEASES) {
    describeReleases(`${title}, ${release.title}`, packages, [release], ([programs]) => {
      if (programs !== undefined) body(programs);
    });
  }
}

/** As above, with all releases in one group: what takes long is done to them at once. */
export function describeAllDebian(
  title: string,
  packages: readonly string[],
  body: (programs: readonly DebianPrograms[]) => void,
): void {
  describeReleases(title, packages, RELEASES, body);
}

function describeReleases(
  title: string,
  packages: readonly string[],
  releases: readonly (typeof RELEASES)[number][],
  body: (programs: readonly DebianPrograms[]) => void,
): void {
  const gate = requireLab();
  if (!gate.available) {
    describe.skip(`${title} (skipped: ${gate.reason})`, () => {
      it('needs real packages', () => undefined);
    });
    return;
  }
  describe(title, () => {
    const unpacked = releases.map((release) => new Unpacked(release, packages));
    beforeAll(async () => {
      await ensurePrerequisites(() => undefined);
      for (const each of unpacked) await each.open();
    }, HOOK_MS);
    afterAll(() => Promise.all(unpacked.map((each) => each.close())));
    body(unpacked);
  });
}

/** Packages of a release in a folder of their own, and what runs of them. */
class Unpacked implements DebianPrograms {
  readonly title: string;
  readonly alertmanager: DebianPrograms['alertmanager'];
  #root = '';
  readonly #children: ChildProcess[] = [];

  constructor(
    private readonly release: (typeof RELEASES)[number],
    private readonly packages: readonly string[],
  ) {
    this.title = release.title;
    this.alertmanager = release.alertmanager;
  }

  async open(): Promise<void> {
    this.#root = mkdtempSync(join(tmpdir(), 'citadel-debian-'));
    mkdirSync(join(this.#root, 'usr/share'), { recursive: true });
    unpack(await ensureBase(this.release.suite, () => undefined), this.packages, this.#root);
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.map(end));
    if (this.#root !== '') rmSync(this.#root, { recursive: true, force: true });
  }

  start(program: string, args: readonly string[]): ChildProcess {
    const child = spawn('unshare', this.words(program, args), { stdio: ['ignore', 'ignore', 'inherit'] });
    this.#children.push(child);
    return child;
  }

  run(program: string, args: readonly string[]): { readonly status: number; readonly output: string } {
    const { status, stdout, stderr } = spawnSync('unshare', this.words(program, args), {
      encoding: 'utf8',
      timeout: 60_000,
    });
    return { status: status ?? -1, output: stdout + stderr };
  }

  private words(program: string, args: readonly string[]): string[] {
    return [
      '--mount',
      'sh',
      '-c',
      'mount -t overlay overlay -o "lowerdir=$0/usr/share:/usr/share" /usr/share && PATH="$0/usr/bin:$PATH" exec "$@"',
      this.#root,
      program,
      ...args,
    ];
  }
}

function unpack(base: string, packages: readonly string[], root: string): void {
  const mirror = join(base, 'usr/local/share/citadel-lab/mirror');
  for (const name of packages) {
    const archive = readdirSync(mirror).find((file) => file.startsWith(`${name}_`));
    // Debian 12 has the tools in the packages of the daemons.
    if (archive === undefined) continue;
    const { status } = spawnSync('dpkg-deb', ['-x', join(mirror, archive), root]);
    if (status !== 0) throw new Error(`${archive} could not be unpacked`);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

/** A TCP port of the loopback interface that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Waits until something is so, at most a minute. */
export async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`after a minute still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
