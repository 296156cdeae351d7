import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasTool } from '../../stacks/tools.js';
import { ask, freePort, LAN, Model, Proxy, SETTINGS, until } from './lan-proxy.js';

const LAN_SIDE = fileURLToPath(
  new URL('../../../templates/ai-node/opt/citadel/scripts/lan_side.py', import.meta.url),
);
async function side(socket: string, what: 'close' | 'open', model: string): Promise<void> {
  const child = spawn('python3', [LAN_SIDE, what, model], {
    env: { ...process.env, CITADEL_LAN_SOCKET: socket },
  });
  const [status] = (await once(child, 'exit')) as [number];
  expect(status).toBe(0);
}

const note = hasTool('haproxy') ? '' : ' (skipped: haproxy is not installed)';

describe.skipIf(note !== '')(`the LAN side, by Debian’s own HAProxy${note}`, () => {
  const open = new Model();
  const guarded = new Model();
  let proxy: Proxy;
  const configuration = (keys: readonly string[]) => ({
    ...SETTINGS,
    announced: true,
    keys,
    models: [
      { name: 'open', address: LAN, port: open.port, hasKey: false },
      { name: 'guarded', address: LAN, port: guarded.port, hasKey: true },
    ],
  });
  const bearer = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });

  beforeAll(async () => {
    await Promise.all([open.start(), guarded.start()]);
    proxy = new Proxy(
      { ...configuration([]), metrics: { address: LAN, port: await freePort() } },
      { 'models/guarded': 'engine-key', 'models.map': 'guarded engine-key\n' },
    );
    await proxy.start();
  }, 60_000);
  afterAll(async () => {
    await proxy.stop();
    await Promise.all([open.stop(), guarded.stop()]);
  });

  it('passes the paths that are allowed', async () => {
    for (const path of [
      '/health',
      '/v1/models',
      '/v1/chat/completions?stream=1',
      '/v1/responses/resp_1-a.b',
    ]) {
      expect((await ask(open.port, path)).status, path).toBe(200);
    }
  });

  it.each([
    '/invocations',
    '/metrics',
    '/',
    '/V1/models',
    '/v1',
    '/v1invocations',
    '/health/',
    '/healthz',
    '//v1/models',
    '/v1//models',
    '/v1/../invocations',
    '//v1/../invocations',
    '/v1/..',
    '/v1/./../invocations',
    '/v1/%2e%2e/invocations',
    '/v1/%2E./invocations',
    '/v1/..%2finvocations',
    '/v1/..%5cinvocations',
    '/v1/..;/invocations',
    '/v1/\\../invocations',
    '/%76%31/models',
    '/v1/models%00',
    '/v1/..?/v1/models',
    'http://192.0.2.1/invocations',
    'http://192.0.2.1/v1/../invocations',
  ])('lets no one reach the model by %s', async (path) => {
    const before = open.asked.length;
    const { status, text } = await ask(open.port, path);
    expect([400, 404]).toContain(status);
    if (status === 404)
      expect(JSON.parse(text)).toMatchObject({ error: { message: 'the path is not served' } });
    expect(open.asked.slice(before)).toEqual([]);
  });

  it('serves methods that APIs use, and no others', async () => {
    for (const method of ['TRACE', 'PUT', 'PATCH', 'PROPFIND']) {
      expect((await ask(open.port, '/v1/models', { method })).status, method).toBe(405);
    }
    expect((await ask(open.port, '/v1/responses/a/cancel', { method: 'POST' })).status).toBe(200);
  });

  it('asks for the model’s own key at every path but /health', async () => {
    expect((await ask(guarded.port, '/health')).status).toBe(200);
    for (const wrong of ['', 'engine-ke', 'engine-keyy', 'Engine-Key', 'engine-key extra']) {
      const { status, headers, text } = await ask(guarded.port, '/v1/models', bearer(wrong));
      expect(status, wrong).toBe(401);
      expect(headers['www-authenticate']).toBe('Bearer');
      expect(JSON.parse(text)).toHaveProperty('error.type', 'authentication_error');
    }
    expect((await ask(guarded.port, '/v1/models')).status).toBe(401);
    expect(
      (await ask(guarded.port, '/v1/models', { headers: { authorization: 'Basic engine-key' } })).status,
    ).toBe(401);
    expect((await ask(guarded.port, '/v1/models', bearer('engine-key'))).status).toBe(200);
    expect(guarded.asked.at(-1)?.headers.authorization).toBe('Bearer engine-key');
  });

  it('shows a model that asks for no key none', async () => {
    await ask(open.port, '/v1/models', bearer('another-key'));
    expect(open.asked.at(-1)?.headers.authorization).toBeUndefined();
  });

  it('takes a body up to its limit, and none without a length', async () => {
    const post = (body: string, headers = {}) =>
      ask(open.port, '/v1/completions', { method: 'POST', body, headers });
    expect((await post('x'.repeat(1000))).status).toBe(200);
    const before = open.asked.length;
    expect((await post('x'.repeat(1001))).status).toBe(413);
    expect((await post('x', { 'transfer-encoding': 'chunked' })).status).toBe(411);
    expect(open.asked.length).toBe(before);
  });

  it('streams: a piece arrives before the answer ends', async () => {
    const pieces: string[] = [];
    const answer = ask(open.port, '/v1/stream', { onPiece: (piece) => pieces.push(piece) });
    await until(() => pieces.length > 0);
    expect(pieces.join('')).toBe('data: one\n\n');
    open.release();
    expect((await answer).text).toBe('data: one\n\ndata: two\n\n');
  });

  it('queues what is too much at once, says 429 to what does not fit, and watches past the queue', async () => {
    const held = [1, 2, 3].map(() => ask(open.port, '/v1/hang'));
    await until(() => open.held === 2);
    // The third waits in the proxy; a fourth would have to.
    await until(async () => {
      const { status, headers, text } = await ask(open.port, '/v1/models').catch(() => ({
        status: 0,
        headers: {},
        text: '',
      }));
      if (status !== 429) return false;
      expect(headers).toHaveProperty('retry-after', '5');
      expect(JSON.parse(text)).toHaveProperty('error.type', 'rate_limit_error');
      return true;
    });
    expect((await ask(open.port, '/health')).status).toBe(200);
    expect(open.held).toBe(2);
    open.release();
    await until(() => open.held === 1);
    open.release();
    expect((await Promise.all(held)).map(({ text }) => text)).toEqual(['done', 'done', 'done']);
  });

  it('writes who asked what, when and with which answer, and nothing of what was said', async () => {
    const before = proxy.lines.length;
    await ask(guarded.port, '/v1/chat/completions?secret=query', {
      method: 'POST',
      body: 'a prompt',
      headers: { authorization: 'Bearer engine-key', 'x-other': 'header' },
    });
    await until(() => proxy.lines.slice(before).some((each) => each.includes('=POST')));
    const line = proxy.lines.find((each) => each.includes('model=guarded') && each.includes('=POST')) ?? '';
    expect(line).toMatch(
      /^model=guarded client=127\.0\.0\.1 key=own method=POST path=\/v1\/chat\/completions status=200 queue_ms=\d+ first_byte_ms=\d+ total_ms=\d+ bytes_in=\d+ bytes_out=\d+ waiting=0 end=--$/,
    );
    for (const word of ['prompt', 'query', 'header', 'engine-key']) expect(proxy.log).not.toContain(word);
    // What cannot be a path is no line of its own either.
    await ask(open.port, '/v1/%0amodel=forged').catch(() => undefined);
    await until(() => proxy.lines.some((each) => each.includes('?0amodel?forged')));
  });

  it('answers 503 for a model that is down, and keeps listening however often it restarts', async () => {
    for (let times = 0; times < 200; times += 1) {
      await open.stop();
      if (times % 50 === 0) {
        const { status, headers } = await ask(open.port, '/v1/models');
        expect([status, headers['retry-after']]).toEqual([503, '5']);
      }
      await open.start();
    }
    expect((await ask(open.port, '/v1/models')).status).toBe(200);
  }, 60_000);

  it('fails at /health where a model is closed, and may fail there first', async () => {
    const socket = join(proxy.folder, 'admin.sock');
    const statuses = async () => [
      (await ask(open.port, '/health')).status,
      (await ask(open.port, '/v1/models')).status,
    ];
    // What `close` does first, for gateways to notice.
    const link = connect(socket);
    link.end('set server open-ready/open state maint\n');
    link.resume();
    await once(link, 'close');
    expect(await statuses()).toEqual([503, 200]);
    await side(socket, 'close', 'open');
    expect(await statuses()).toEqual([503, 503]);
    await side(socket, 'open', 'open');
    expect(await statuses()).toEqual([200, 200]);
  }, 60_000);

  it('gives the proxy’s own metrics, and nothing else, where Prometheus asks', async () => {
    const { port } = proxy.given.metrics;
    expect((await ask(port, '/metrics')).text).toContain(
      'haproxy_frontend_http_requests_total{proxy="open"}',
    );
    expect((await ask(port, '/v1/models')).status).toBe(404);
  });

  it('reads new keys by a reload: an answer that is under way ends, and each key is told by its name', async () => {
    const stream = ask(open.port, '/v1/stream');
    await until(() => open.held === 1);
    const { metrics } = proxy.given;
    proxy.write(
      { ...configuration(['alice', 'bob']), scrapers: ['127.0.0.1'], metrics },
      { 'keys/alice': 'key-of-alice\n', 'keys/bob': 'key-of-bob' },
    );
    proxy.reload();
    await until(async () => (await ask(open.port, '/v1/models').catch(() => ({ status: 0 }))).status === 401);
    open.release();
    expect((await stream).text).toBe('data: one\n\ndata: two\n\n');
    for (const port of [open.port, guarded.port]) {
      expect((await ask(port, '/v1/models', bearer('key-of-alice'))).status).toBe(200);
      expect((await ask(port, '/v1/models', bearer('key-of-bob'))).status).toBe(200);
      expect((await ask(port, '/v1/models', bearer('key-of-eve'))).status).toBe(401);
    }
    expect((await ask(guarded.port, '/v1/models', bearer('engine-key'))).status).toBe(200);
    expect((await ask(open.port, '/v1/models', bearer('engine-key'))).status).toBe(401);
    // Who reads metrics needs no key, and gets to nothing else.
    expect((await ask(guarded.port, '/metrics')).status).toBe(200);
    // The model behind sees its own key, and never that of a person.
    expect(guarded.asked.slice(-4, -1).map(({ headers }) => headers.authorization)).toEqual(
      [1, 2, 3].map(() => 'Bearer engine-key'),
    );
    expect(open.asked.at(-1)?.headers.authorization).toBeUndefined();
    await until(() => proxy.lines.some((line) => /^model=open .* key=alice .* status=200/.test(line)));
  }, 60_000);

  it('is a configuration that HAProxy accepts, with IPv6, more paths and TLS as well', async () => {
    const pair = spawnSync('openssl', [
      'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=lab', '-days', '1', '-keyout', '-', '-out', '-',
    ], { encoding: 'utf8' }).stdout; // prettier-ignore
    const key = /-----BEGIN PRIVATE KEY-----[^]*?-----END PRIVATE KEY-----\n/.exec(pair)?.[0] ?? '';
    const other = new Proxy(
      {
        ...configuration(['alice']),
        models: [{ name: 'a-1', address: '::1', port: await freePort(), hasKey: true }],
        paths: ['/tokenize', '/health', '/v2/'],
        tls: true,
        scrapers: 'any',
        metrics: { address: '::1', port: await freePort() },
      },
      {
        'keys/alice': 'a',
        'models/a-1': 'b',
        'models.map': 'a-1 b\n',
        'tls.pem': pair.replace(key, ''),
        'tls.pem.key': key,
      },
    );
    const { status, stdout, stderr } = spawnSync('haproxy', ['-c', '-f', other.write()], {
      encoding: 'utf8',
    });
    expect(`${stdout}${stderr}`).not.toMatch(/WARNING|ALERT/);
    expect(status).toBe(0);
    await other.stop();
  });
});

describe('lan_side.py', () => {
  it.each([
    ['gives gateways time to notice', '', true],
    ['waits for no one where none watches', 'No such backend.', false],
  ])('%s', async (_, answer, waits) => {
    const said: [command: string, at: number][] = [];
    const server = createServer({ allowHalfOpen: true }, (link) => {
      link.on('data', (piece) => {
        const command = piece.toString().trim();
        said.push([command, Date.now()]);
        link.end(command.includes('-ready/') ? `${answer}\n` : '\n');
      });
    });
    const socket = join(mkdtempSync(join(tmpdir(), 'citadel-lan-')), 'admin.sock');
    server.listen(socket);
    await once(server, 'listening');
    await side(socket, 'close', 'phi3');
    server.close();
    expect(said.map(([command]) => command)).toEqual([
      'set server phi3-ready/phi3 state maint',
      'set server phi3/phi3 state maint',
    ]);
    // A slow machine only waits longer.
    if (waits) expect((said[1]?.[1] ?? 0) - (said[0]?.[1] ?? 0)).toBeGreaterThan(2_900);
  });
});
