import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GatewayConfiguration } from '../../../lib/roles/gateway/configuration.js';
import { hasTool } from '../../stacks/tools.js';
import { freePort, until } from '../ai/lan-proxy.js';
import { Door, DOOR, Node, NODE_KEY, STREAM } from './doubles.js';

const LAN_SIDE = fileURLToPath(
  new URL('../../../templates/ai-node/opt/citadel/scripts/lan_side.py', import.meta.url),
);
const note = hasTool('haproxy') ? '' : ' (skipped: haproxy is not installed)';
const KEYS = { alice: 'key-of-alice', one: 'key-of-one', few: 'key-of-few' };

async function lanSide(node: Node, what: 'close' | 'open'): Promise<void> {
  const child = spawn('python3', [LAN_SIDE, what, 'phi3'], {
    env: { ...process.env, CITADEL_LAN_SOCKET: join(node.lan.folder, 'admin.sock') },
  });
  expect(await once(child, 'exit')).toEqual([0, null]);
}

describe.skipIf(note !== '')(`a gateway, by Debian’s own HAProxy${note}`, () => {
  const nodes = [new Node('node-a'), new Node('node-b')] as const;
  const [a, b] = nodes;
  let door: Door;
  const settings = {
    host: 'door',
    address: DOOR,
    paths: ['/v1/'],
    keys: [{ name: 'alice' }, { name: 'one', concurrent: 1 }, { name: 'few', requestsPerMinute: 3 }],
    upstreamKey: true,
    tls: false,
    maxBodyBytes: 32 * 1024 ** 2,
    idleSec: 20,
    maxRequests: 512,
    maxQueued: 512,
  } satisfies Partial<GatewayConfiguration>;
  const files = {
    'upstream.map': `nodes ${NODE_KEY}\n`,
    ...Object.fromEntries(Object.entries(KEYS).map(([name, key]) => [`keys/${name}`, `${key}\n`])),
  };
  const held = () => a.model.held + b.model.held;
  const release = () => nodes.forEach(({ model }) => model.release());

  beforeAll(async () => {
    for (const node of nodes) await node.start();
    door = new Door(
      {
        ...settings,
        models: [{ name: 'phi3', port: await freePort(), servers: nodes.map(({ server }) => server) }],
        metricsPort: await freePort(),
      },
      files,
    );
    await door.start();
  }, 60_000);
  afterAll(async () => {
    await door.stop();
    for (const node of nodes) await node.stop();
  });

  it('lets in who has a key, and shows nodes their own', async () => {
    expect((await door.ask('/health', undefined)).status).toBe(200);
    for (const key of [undefined, 'key-of-alic', NODE_KEY]) {
      const answer = await door.ask('/v1/models', key);
      expect(answer.status).toBe(401);
      expect(await answer.json()).toHaveProperty('error.type', 'authentication_error');
    }
    expect((await door.ask('/metrics', KEYS.alice)).status).toBe(404);
    const answer = await door.ask('/v1/models', KEYS.alice);
    expect([answer.status, await answer.text()]).toEqual([200, STREAM]);
    // The LAN side has taken the key of nodes; a person's never came so far.
    expect([...a.model.asked, ...b.model.asked].map(({ authorization }) => authorization)).toEqual([
      undefined,
    ]);
  });

  it('sends each request to the node that has the fewest', async () => {
    const answers = [];
    for (let count = 1; count <= 6; count += 1) {
      answers.push(door.ask('/v1/hang', KEYS.alice));
      await until(() => held() === count);
    }
    expect([a.model.held, b.model.held]).toEqual([3, 3]);
    release();
    expect(await Promise.all(answers.map(async (answer) => (await answer).text()))).toEqual(
      Array<string>(6).fill('done'),
    );
  });

  it('keeps a key to its requests at once', async () => {
    const first = door.ask('/v1/hang', KEYS.one);
    await until(() => held() === 1);
    const second = await door.ask('/v1/models', KEYS.one);
    expect([second.status, second.headers.get('retry-after')]).toEqual([429, '5']);
    expect(await second.json()).toHaveProperty('error.type', 'rate_limit_error');
    expect((await door.ask('/v1/models', KEYS.alice)).status).toBe(200);
    release();
    expect((await first).status).toBe(200);
    await until(async () => (await door.ask('/v1/models', KEYS.one)).status === 200);
  });

  it('keeps a key to its requests a minute', async () => {
    const statuses = [];
    for (let count = 0; count < 5; count += 1) statuses.push((await door.ask('/v1/models', KEYS.few)).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    expect((await door.ask('/v1/models', KEYS.alice)).status).toBe(200);
  });

  it('passes large bodies, up to its limit', async () => {
    const answer = await door.ask('/v1/models', KEYS.alice, 'x'.repeat(20 * 1024 ** 2));
    expect([answer.status, await answer.text()]).toEqual([200, STREAM]);
    expect([...a.model.asked, ...b.model.asked].some(({ bytes }) => bytes === 20 * 1024 ** 2)).toBe(true);
    const refused = await door
      .ask('/v1/models', KEYS.alice, 'x'.repeat(32 * 1024 ** 2 + 1))
      .catch(() => undefined);
    // Who is still sending may see the connection closed before the answer.
    if (refused !== undefined) expect(refused.status).toBe(413);
  });

  it('loses no request without a first byte when a node’s model is killed', async () => {
    const answers = Array.from({ length: 10 }, () => door.ask('/v1/hang', KEYS.alice, 'a prompt'));
    await until(() => held() === 10);
    const before = b.model.asked.length;
    await a.model.kill();
    await until(() => b.model.held === 10);
    release();
    expect(await Promise.all(answers.map(async (answer) => (await answer).text()))).toEqual(
      Array<string>(10).fill('done'),
    );
    expect(b.model.asked.length - before).toBe(5);
    await until(
      () => door.lines.filter((line) => /node=node-b .* retries=\+?1 end=--$/.test(line)).length >= 5,
    );
    await until(async () => (await door.ready()) === 1);
  }, 60_000);

  it('says 503 in the form of the API where no node serves', async () => {
    await b.model.kill();
    await until(async () => (await door.ready()) === 0);
    for (const path of ['/health', '/v1/models']) {
      const answer = await door.ask(path, KEYS.alice);
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
      expect(await answer.json()).toEqual({
        error: { message: 'no node serves the model at the moment', type: 'server_error' },
      });
    }
    for (const { model } of nodes) await model.start();
    await until(async () => (await door.ready()) === 2);
  }, 60_000);

  it('does not send a request again whose answer has begun', async () => {
    const before = a.model.asked.length + b.model.asked.length;
    const answer = await door.ask('/v1/break', KEYS.alice);
    await until(() => held() === 1);
    release();
    await expect(answer.text()).rejects.toThrow();
    expect(a.model.asked.length + b.model.asked.length - before).toBe(1);
  });

  it('loses no request while its nodes are restarted one after another', async () => {
    const failures: string[] = [];
    let answered = 0;
    let working = true;
    const client = async (number: number) => {
      for (let count = 0; working; count += 1) {
        // Some are too large to be sent twice.
        const body = 'x'.repeat((number + count) % 4 === 0 ? 300_000 : 1000);
        try {
          const answer = await door.ask('/v1/chat/completions', KEYS.alice, body);
          const text = await answer.text();
          if (answer.status === 200 && text === STREAM) answered += 1;
          else failures.push(`${answer.status} ${text}`);
        } catch (error) {
          failures.push(String(error));
        }
      }
    };
    const clients = Array.from({ length: 24 }, (_, number) => client(number));
    const served = nodes.map(({ model }) => model.asked.length);
    for (const node of nodes) {
      await lanSide(node, 'close');
      // As vLLM does within its shutdown timeout.
      await until(() => node.model.running === 0);
      await node.model.kill();
      await node.model.start();
      await lanSide(node, 'open');
    }
    await until(async () => (await door.ready()) === 2);
    working = false;
    await Promise.all(clients);
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThan(100);
    nodes.forEach(({ model }, index) => expect(model.asked.length).toBeGreaterThan(served[index] ?? 0));
  }, 120_000);

  it('closes no connection at a reload before an answer on it has said so', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const url = `http://${DOOR}:${door.given.models[0]?.port ?? 0}/nothing`;
    const answer = async () => {
      const outgoing = get(url, { agent });
      const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
      incoming.resume();
      await once(incoming, 'end');
      return [incoming.statusCode, outgoing.reusedSocket, incoming.headers.connection];
    };
    // The process from before the reload ends with the last request that is under way.
    const hanging = door.ask('/v1/hang', KEYS.alice);
    await until(() => held() === 1);
    expect(await answer()).toEqual([404, false, undefined]);
    door.reload();
    await until(() => door.log.includes('Proxy phi3 stopped'));
    expect(await answer()).toEqual([404, true, 'close']);
    expect(await answer()).toEqual([404, false, undefined]);
    agent.destroy();
    release();
    expect((await hanging).status).toBe(200);
  });

  it('writes who asked what of which node, and nothing of what was said', async () => {
    await door.ask('/v1/chat/completions?secret=query', KEYS.alice, 'the prompt');
    await until(() =>
      door.lines.some((line) =>
        /^model=phi3 client=127\.0\.0\.1 key=alice node=node-[ab] method=POST path=\/v1\/chat\/completions status=200 queue_ms=\d+ first_byte_ms=\d+ total_ms=\d+ bytes_in=\d+ bytes_out=\d+ waiting=0 retries=0 end=--$/.test(
          line,
        ),
      ),
    );
    for (const said of ['prompt', 'query', 'key-of']) expect(door.log).not.toContain(said);
  });

  it('gives the metrics that alerts and dashboard ask for', async () => {
    const text = await door.metrics();
    for (const series of [
      'haproxy_backend_active_servers{proxy="phi3"}',
      'haproxy_backend_active_servers{proxy="gateway.limits"}',
      'haproxy_backend_current_queue{proxy="phi3"}',
      'haproxy_backend_retry_warnings_total{proxy="phi3"}',
      'haproxy_frontend_http_responses_total{proxy="phi3",code="5xx"}',
      'haproxy_server_current_sessions{proxy="phi3",server="node-a"}',
      'haproxy_server_status{proxy="phi3",server="node-a",state="UP"}',
    ]) {
      expect(text).toContain(series);
    }
  });

  it('is a configuration that HAProxy accepts, with IPv6 and TLS on both sides as well', async () => {
    const pair = spawnSync('openssl', [
      'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=lab', '-days', '1', '-keyout', '-', '-out', '-',
    ], { encoding: 'utf8' }).stdout; // prettier-ignore
    const key = /-----BEGIN PRIVATE KEY-----[^]*?-----END PRIVATE KEY-----\n/.exec(pair)?.[0] ?? '';
    const certificate = pair.replace(key, '');
    const other = new Door(
      {
        ...settings,
        address: '::1',
        shared: 'fd00::9',
        tls: true,
        models: [
          { name: 'a-1', port: 18_001, servers: [{ host: 'n', address: 'fd00::1', port: 1, tls: true }] },
          { name: 'b', port: 18_002, servers: [] },
        ],
        metricsPort: 18_003,
      },
      { ...files, 'tls.pem': certificate, 'tls.pem.key': key, 'nodes-ca.pem': certificate },
    );
    const { status, stdout, stderr } = spawnSync('haproxy', ['-c', '-f', other.write()], {
      encoding: 'utf8',
    });
    expect(`${stdout}${stderr}`).not.toMatch(/WARNING|ALERT/);
    expect(status).toBe(0);
    await other.stop();
  });
});
