import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { VLLM_FLAGS } from '../../lib/roles/ai/generated/vllm-flags.js';

/** The double next to what was recorded of the real vLLM (recordings/record-vllm.py). Skipped where there is no python3. */

interface Family {
  readonly kind: string;
  readonly samples: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}
interface Ending {
  readonly exit: number;
  readonly lastOfStream: readonly string[];
}
interface Recording {
  readonly version: string;
  readonly titles: readonly string[];
  readonly models: readonly string[];
  readonly before: Readonly<Record<string, Family>>;
  readonly after: Readonly<Record<string, Family>>;
  readonly sigterm: Ending;
  readonly sigtermWithTimeout: Ending;
  readonly engineKilled: Ending;
  readonly chat: Readonly<Record<'withKey' | 'withoutKey', Readonly<Record<string, number>>>>;
}

const DOUBLE = join(import.meta.dirname, 'vllm');
const PYTHON = '/usr/bin/python3';
const KEY = 'key-of-the-test';
const REAL = JSON.parse(
  readFileSync(join(import.meta.dirname, 'recordings/vllm-0.32.0.json'), 'utf8'),
) as Recording;
/** What Python itself says, and families that this machine's Python decides. */
const OURS = /^(vllm:|http_|process_)/;

let folder = '';
let server: ChildProcess | undefined;
let base = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'citadel-vllm-'));
  for (const [name, architecture] of [
    ['chat', 'LlamaForCausalLM'],
    ['embedding', 'BertModel'],
  ] as const) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'config.json'), JSON.stringify({ architectures: [architecture] }));
  }
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  for (const pid of children()) process.kill(pid, 'SIGKILL');
  server?.kill('SIGKILL');
  server = undefined;
});

async function start(model: 'chat' | 'embedding', ...flags: string[]): Promise<void> {
  const port = await new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address() as AddressInfo;
      probe.close(() => {
        resolve(free);
      });
    });
  });
  base = `http://127.0.0.1:${port}`;
  const words = ['serve', join(folder, model), '--host', '127.0.0.1', '--port', String(port)];
  server = spawn(PYTHON, [DOUBLE, ...words, '--served-model-name', 'm', 'second-name', ...flags], {
    env: { ...process.env, VLLM_API_KEY: KEY },
    stdio: 'ignore',
  });
  for (;;) {
    const up = await fetch(`${base}/health`).catch(() => undefined);
    if (up?.status === 200) return;
    if (server.exitCode !== null) throw new Error(`the double ended with ${server.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function ask(path: string, body?: unknown, key: string | null = KEY): Promise<Response> {
  return fetch(base + path, {
    headers: {
      'Content-Type': 'application/json',
      ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
    },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
}

/** As record-vllm.py reads a page of metrics. */
function families(text: string): Record<string, Family> {
  const found: Record<string, { kind: string; samples: Record<string, Record<string, string[]>> }> = {};
  let current = '';
  for (const line of text.split('\n')) {
    const [, name, kind] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (name !== undefined && kind !== undefined) {
      current = name;
      found[name] = { kind, samples: {} };
    } else if (line !== '' && !line.startsWith('#')) {
      const [, sample = '', labels = ''] = /^([a-zA-Z0-9_:]+)(?:\{(.*)\})?/.exec(line) ?? [];
      const values = ((found[current] ??= { kind: '', samples: {} }).samples[sample] ??= {});
      for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
        if (!(values[label] ??= []).includes(value)) values[label].push(value);
    }
  }
  return found;
}

/** What of a family rules and panels can see; values of labels that depend on what was asked are left out. */
function shape(page: Readonly<Record<string, Family>>) {
  return Object.fromEntries(
    Object.entries(page)
      .filter(([name]) => OURS.test(name) && name !== 'vllm:cache_config_info')
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { kind, samples }]) => [
        name,
        {
          kind,
          samples: Object.fromEntries(
            Object.entries(samples).map(([sample, labels]) => [
              sample,
              Object.fromEntries(
                Object.entries(labels).map(([label, values]) => [
                  label,
                  ['handler', 'method', 'status'].includes(label) ? '…' : [...values].sort(),
                ]),
              ),
            ]),
          ),
        },
      ]),
  );
}

function children(): number[] {
  const pid = server?.pid;
  if (pid === undefined) return [];
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
  return stdout.split('\n').filter(Boolean).map(Number);
}

function ended(): Promise<number | null> {
  return new Promise((resolve) => {
    if (server?.exitCode !== null && server?.exitCode !== undefined) resolve(server.exitCode);
    else server?.on('exit', resolve);
  });
}

const BODIES: Readonly<Record<string, unknown>> = {
  '/v1/completions': { model: 'm', prompt: 'hello', max_tokens: 3 },
  '/v1/chat/completions': { model: 'm', messages: [{ role: 'user', content: 'hello' }], max_tokens: 3 },
  '/v1/embeddings': { model: 'm', input: 'hello' },
  '/invocations': { model: 'm', prompt: 'hello', max_tokens: 3 },
  '/tokenize': { model: 'm', prompt: 'hello' },
  '/detokenize': { model: 'm', tokens: [10, 11] },
  '/pooling': { model: 'm', input: 'hello' },
  '/nowhere': { model: 'm' },
  '/v1/nowhere': { model: 'm' },
};

describe.skipIf(!existsSync(PYTHON))('the double of vLLM', () => {
  it('knows the flags of its release, and no others', () => {
    const text = readFileSync(DOUBLE, 'utf8');
    const release = Number(/^VERSION = "0\.(\d+)\./m.exec(text)?.[1]);
    const number = (minor: string | undefined) => Number(minor?.split('.')[1] ?? 99);
    const own = ['model', 'host', 'port', 'served-model-name', 'api-key'];
    const kinds = {
      VALUES: 'value',
      REPEATED: 'append',
      LISTS: 'list',
      SWITCHES: 'switch',
      ON: 'on',
      OPTIONAL: 'optional',
    };
    for (const [name, kind] of Object.entries(kinds)) {
      const listed =
        new RegExp(`^${name} = """\\n([^"]*)"""`, 'm').exec(text)?.[1]?.split(/\s+/).filter(Boolean) ?? [];
      const known = Object.entries(VLLM_FLAGS).flatMap(([flag, spans]) =>
        spans.some(
          ([what, since, until]) => what === kind && number(since) <= release && release <= number(until),
        ) && !own.includes(flag.slice(2))
          ? [flag.slice(2)]
          : [],
      );
      expect(listed.sort(), name).toEqual(known.sort());
    }
  });

  it('has the metrics of the real one, before a request and after', async () => {
    await start('chat');
    const page = async () => families(await (await ask('/metrics')).text());
    expect(shape(await page())).toEqual(shape(REAL.before));
    for (const [path, body] of Object.entries(BODIES)) await (await ask(path, body)).text();
    expect(shape(await page())).toEqual(shape(REAL.after));
  });

  it.each(['withKey', 'withoutKey'] as const)('answers %s as the real one', async (key) => {
    await start('chat', '--gpu-mem', '0.1');
    const found: Record<string, number> = {};
    for (const asked of Object.keys(REAL.chat[key])) {
      const [method, path = ''] = asked.split(' ');
      const answer = await ask(
        path,
        method === 'POST' ? BODIES[path] : undefined,
        key === 'withKey' ? KEY : null,
      );
      await answer.text();
      found[asked] = answer.status;
    }
    expect(found).toEqual(REAL.chat[key]);
    const models = (await (await ask('/v1/models')).json()) as { data: { id: string }[] };
    expect(models.data.map(({ id }) => id)).toEqual(REAL.models);
  });

  it('of an embedding model generates nothing, and has no completions', async () => {
    await start('embedding');
    expect((await ask('/v1/embeddings', BODIES['/v1/embeddings'])).status).toBe(200);
    expect((await ask('/v1/completions', BODIES['/v1/completions'])).status).toBe(404);
    const page = await (await ask('/metrics')).text();
    expect(page).toContain('vllm:generation_tokens_total{engine="0",model_name="m"} 0.0');
    expect(page).toContain('vllm:prompt_tokens_total{engine="0",model_name="m"} 1.0');
  });

  it('has an engine by its title, and ends well when that dies', async () => {
    await start('chat');
    const [pid = 0] = children();
    const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', '');
    expect(title).toBe('VLLM::EngineCore');
    expect(REAL.titles).toContain(title);
    process.kill(pid, 'SIGKILL');
    expect(await ended()).toBe(REAL.engineKilled.exit);
  });

  it.each([
    [[], 'abort'],
    [['--shutdown-timeout', '60'], 'length'],
  ])('told to stop with %j ends a stream with %s', async (flags, reason) => {
    await start('chat', ...flags);
    const real = flags.length > 0 ? REAL.sigtermWithTimeout : REAL.sigterm;
    expect(real).toMatchObject({ exit: 0, lastOfStream: [`finish_reason: "${reason}"`, 'data: [DONE]'] });
    const prompt = 'word '.repeat(1500);
    const answer = await ask('/v1/completions', { model: 'm', prompt, max_tokens: 1000, stream: true });
    const body = answer.text();
    server?.kill('SIGTERM');
    const text = await body;
    expect(text).toContain(`"finish_reason": "${reason}"`);
    expect(text.trim().endsWith('data: [DONE]')).toBe(true);
    expect(await ended()).toBe(0);
  });
});
