import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
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
