import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../support/temporary-folder.js';

const CHECKS = new URL('../../../lib/engine/remote/tx-checks.sh', import.meta.url).pathname;

/** Checks a server on `host`, which is `name` in a URL, and expects that in the `Host` header (RFC 9112, 3.2). */
async function expectAsked(host: string, name: string): Promise<void> {
  let asked: string | undefined;
  const server = createServer((request, response) => {
    asked = request.headers.host;
    response.end('well');
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  const dir = temporaryFolder('citadel-check-');
  try {
    const script = 'DIR=$0; . "$1"; shift; check_http 200 "$@"';
    const url = `http://${name}:${port}/health`;
    await promisify(execFile)('/bin/sh', ['-c', script, dir, CHECKS, url, host, String(port), '/health']);
    expect(asked).toBe(`${name}:${port}`);
  } finally {
    server.close();
  }
}

it.each(['127.0.0.1', 'localhost'])('a health check names the host %s in its request', (host) =>
  expectAsked(host, host),
);

const hasIpv6 = (networkInterfaces()['lo'] ?? []).some(({ address }) => address === '::1');
it.skipIf(!hasIpv6)(
  'a health check names an IPv6 host in brackets (skipped where loopback has no IPv6)',
  () => expectAsked('::1', '[::1]'),
);

/** Functions of the program with what they need of others, in a folder of their own. */
function inChecks(script: string): { status: number | null; dir: string; words: string; seconds: number } {
  const dir = temporaryFolder('citadel-check-');
  const around = `DIR=$0; ROOT=; US=$(printf '\\037'); on_host() { :; }; say() { :; }
    without_locks() { "$@"; }; WAVE=0; mkdir "$DIR/ops"; . "$1"\n`;
  const begun = performance.now();
  const { status } = spawnSync('timeout', ['60', '/bin/sh', '-c', around + script, dir, CHECKS]);
  const words = existsSync(join(dir, 'words')) ? readFileSync(join(dir, 'words'), 'utf8') : '';
  return { status, dir, words, seconds: (performance.now() - begun) / 1000 };
}

it('a check ends in its time whatever is done to the clock meanwhile', () => {
  const check = String.raw`printf 'command\037sick\0370\0372\037/bin/false\n' >"$DIR/ops/checks"`;
  // Set back so that it never reaches the end, and far ahead between two looks.
  for (const clock of ['echo 1', 'head -c 3 /dev/urandom | od -An -tu4 -N3 | tr -d " "']) {
    const { status, seconds } = inChecks(`date() { ${clock}; }; ${check}; run_checks`);
    expect(status).toBe(1);
    expect(seconds).toBeGreaterThan(1);
  }
});

it('a check that prints without end does not fill the disk', () => {
  const { status, dir, words } = inChecks('CHECK_LEFT=2; check_command yes "no good"');
  expect(status).toBe(1);
  expect(words.slice(0, 18)).toBe('no good\nno good\nno');
  expect(words.length).toBe(16 * 1024 * 1024);
  expect(readdirSync(dir).sort()).toEqual(['ops', 'words']);
});

it('a check may print much, and may leave a process behind', () => {
  const much = inChecks('CHECK_LEFT=30; check_command sh -c "head -c 3000000 /dev/zero; exit 0"');
  expect(much.status).toBe(0);
  const behind = inChecks('CHECK_LEFT=30; check_command sh -c "echo said; setsid sleep 20 & exit 3"');
  expect(behind.status).toBe(1);
  expect(behind.words).toBe('said\n');
  expect(behind.seconds).toBeLessThan(15);
});
