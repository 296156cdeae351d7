import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Asker } from '../../lib/roles/ai/weights/ask.js';
import { readSource } from '../../lib/roles/ai/weights/read-source.js';
import type { LockWorld } from '../../lib/site/index.js';
import { HubServer, sha256 } from '../doubles/hub-server.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { problemTexts } from '../constructs/host/support.js';
import { call } from './call.js';

const COMMIT = 'c'.repeat(40);
const LOCK = 'models.lock.yaml';

let hub: HubServer;
beforeAll(async () => {
  hub = await HubServer.start();
});
afterAll(() => hub.stop());
beforeEach(() => {
  hub.asked.length = 0;
  for (const name of Object.keys(hub.repositories)) delete hub.repositories[name];
  hub.repositories['org/phi'] = {
    commit: COMMIT,
    files: {
      'model.safetensors': { content: 'weights'.repeat(300), large: true },
      'config.json': { content: '{}' },
      'original/old.bin': { content: 'old', large: true },
    },
  };
});

/** An AI node whose models have `weights` as given, by name. */
function inventory(weights: Readonly<Record<string, string>>, more = ''): string {
  const models = Object.entries(weights).map(
    ([name, text], index) =>
      `        ${name}: { port: ${11400 + index}, directory: ${name}, weightsGiB: 1, gpus: [0], weights: ${text} }\n`,
  );
  return `operator: { addresses: [10.0.0.9] }
hosts:
  ai-node:
    address: 10.0.0.1
    ai:
      gpus: [{ memoryGiB: 80 }]
      huggingFaceEndpoint: ${hub.url}
      firstModel: ${Object.keys(weights)[0] ?? ''}
      models:
${models.join('')}${more}`;
}
const PHI = "{ from: hf://org/phi@main, exclude: ['original/*'] }";

/** Calls in one folder, as a person works: the lock file stays. */
function work() {
  const cwd = temporaryFolder('citadel-models-');
  return {
    cwd,
    lock: () => readFileSync(join(cwd, LOCK), 'utf8'),
    run: (line: string, text: string, env: Record<string, string> = {}) =>
      call(line, { cwd, inventory: text, env }),
  };
}

describe('models lock', () => {
  it('writes size and digest of each file, by what the hub knows and by reading', async () => {
    const { run, lock } = work();
    const { code, printed } = await run('models lock', inventory({ phi: PHI }));
    expect(code).toBe(0);
    expect(printed.out).toBe(
      `ai-node/phi: hf://org/phi@main at cccccccccccc: 2 files, 2.1 KiB
  + config.json  2 B
  + model.safetensors  2.1 KiB
${LOCK} was written. Commit it.
`,
    );
    expect(lock()).toContain(`revision: ${COMMIT}
    files:
      config.json:
        size: 2
        sha256: ${sha256('{}')}
      model.safetensors:
        size: 2100
        sha256: ${sha256('weights'.repeat(300))}
`);
    // Weights are not read, and nothing that is left out.
    expect(hub.asked).toEqual([
      '/api/models/org/phi/revision/main?blobs=true -',
      `/org/phi/resolve/${COMMIT}/config.json -`,
    ]);
  });

  it('shows what changed, and leaves what did not', async () => {
    const { run, lock } = work();
    const text = inventory({ phi: PHI });
    await run('models lock', text);
    const before = lock();
    expect((await run('models lock phi', text)).printed.out).toBe(
      `ai-node/phi: hf://org/phi@main at cccccccccccc: 2 files, 2.1 KiB, unchanged\n${LOCK} is as it was.\n`,
    );
    expect(lock()).toBe(before);
    hub.repositories['org/phi'] = {
      commit: 'd'.repeat(40),
      files: { 'config.json': { content: '[]' }, 'new.safetensors': { content: 'new', large: true } },
    };
    const { printed } = await run('models lock', text);
    expect(printed.out).toContain(`at dddddddddddd (was cccccccccccc): 2 files, 5 B
  ~ config.json  2 B, other bytes
  - model.safetensors  2.1 KiB
  + new.safetensors  3 B
`);
    const json = await run('models lock --json', text);
    expect(JSON.parse(json.printed.out)).toMatchObject({
      sources: [{ models: ['ai-node/phi'], changes: [] }],
    });
  });

  it('reads a folder, and leaves entries of other models and inventories', async () => {
    const { run, lock, cwd } = work();
    await run('models lock', inventory({ phi: PHI }));
    const folder = join(cwd, 'share');
    mkdirSync(join(folder, 'sub'), { recursive: true });
    writeFileSync(join(folder, 'sub', 'a.bin'), 'abc');
    const { code, printed } = await run('models lock', inventory({ own: `{ from: "dir:${folder}" }` }));
    expect([code, printed.out]).toEqual([
      0,
      `ai-node/own: dir:${folder}: 1 file, 3 B
  + sub/a.bin  3 B
hf://org/phi@main: kept, although no model of this inventory has it; another inventory may
${LOCK} was written. Commit it.
`,
    ]);
    expect(lock()).toContain(sha256('abc'));
    expect(lock()).toContain(COMMIT);
  });

  it('sends a token that the inventory names, and never shows it', async () => {
    hub.repositories['org/phi'] = { ...hub.repositories['org/phi']!, gate: 'canary-1234' };
    const text = inventory(
      { phi: '{ from: hf://org/phi@main, token: hub }' },
      'secrets: { hub: { env: HUB_TOKEN } }\n',
    );
    const { run, lock } = work();
    const { code, printed } = await run('models lock', text, { HUB_TOKEN: 'canary-1234' });
    expect(code).toBe(0);
    expect(hub.asked[0]).toContain('Bearer canary-1234');
    expect(printed.out + printed.err + lock()).not.toContain('canary');
  });

  it.each([
    [
      'a gated model, without a token',
      '{ from: hf://org/gated@main }',
      'its list of files: the server answers 401: Access to model org/gated is restricted. You must have access to it and be authenticated. Accept its conditions on its page, and name the secret of a token: "weights.token".',
    ],
    [
      'a gated model, with a token of someone else',
      '{ from: hf://org/gated@main, token: hub }',
      'its list of files: the server answers 403: Access to model org/gated is restricted. You must have access to it and be authenticated. Accept its conditions on its page, with the account whose token "weights.token" is.',
    ],
    [
      'a repository that is not there',
      '{ from: hf://org/none@main }',
      'its list of files: the server answers 401: Invalid username or password. Compare the name; if it is right, give "weights.token" of an account that sees it.',
    ],
    [
      'a revision that is not there',
      '{ from: hf://org/phi@v9 }',
      'its list of files: the server answers 404: Invalid rev id: v9. Name a commit, tag or branch that is there, after the "@".',
    ],
  ])('says of %s what the hub says, and writes nothing', async (_name, weights, message) => {
    hub.repositories['org/gated'] = { ...hub.repositories['org/phi']!, gate: 'other' };
    const { run, lock } = work();
    const text = inventory({ phi: weights }, 'secrets: { hub: { env: HUB_TOKEN } }\n');
    const { code, printed } = await run('models lock', text, { HUB_TOKEN: 'mine' });
    expect(code).toBe(1);
    expect(printed.err).toContain(message);
    expect(lock).toThrow('ENOENT');
  });

  it('refuses a secret that is no token without showing it', async () => {
    const { run } = work();
    const text = inventory(
      { phi: '{ from: hf://org/phi@main, token: hub }' },
      'secrets: { hub: { env: HUB_TOKEN } }\n',
    );
    const { code, printed } = await run('models lock', text, { HUB_TOKEN: 'canary\nline' });
    expect([code, printed.err]).toEqual([
      1,
      '[ai-node/phi] the secret "hub" is no token: it has spaces, line ends or other such characters. Give it the token alone.\n',
    ]);
    expect(hub.asked).toEqual([]);
  });

  it('refuses names of models that have no weights to fetch', async () => {
    const { run } = work();
    const some = await run('models lock phy', inventory({ phi: PHI }));
    expect([some.code, some.printed.err]).toEqual([
      1,
      expect.stringContaining('no model with "weights" is called "phy". Did you mean "phi"?'),
    ]);
    const none = await call('models lock');
    expect(none.printed.err).toContain(
      'no model says where its weights come from. Give one "weights: { from: … }".',
    );
  });
});

describe('a source that is not as it should be', () => {
  /** Whatever comes as answer, for a source of `https://`. */
  function world(answer: () => Response | Promise<Response>): LockWorld {
    return {
      fetch: () => Promise.resolve().then(answer),
      folder: () => {
        throw new Error('no folder in this test');
      },
      secret: () => Promise.resolve('token'),
      tell: () => undefined,
    };
  }
  const read = async (answer: () => Response | Promise<Response>, from = 'https://example.net/phi/') => {
    const wanted = { where: 'ai-node/phi', endpoint: 'https://hub', weights: { from, include: ['a.bin'] } };
    const result = await readSource(wanted, world(answer)).catch((error: unknown) => error);
    return problemTexts(() => {
      throw result;
    }).join('\n');
  };
  const at = (url: string, response: Response): Response =>
    Object.defineProperty(response, 'url', { value: url });

  it('cannot steer the terminal by what it says', async () => {
    const answer = () =>
      at('https://example.net/phi/a.bin', new Response('\u001b[31mno\u202e way', { status: 500 }));
    expect(await read(answer)).toBe(
      '[ai-node/phi: https://example.net/phi/] a.bin: the server answers 500: \\u001b[31mno\\u202e way. Try again later, and look at the source in a browser.',
    );
  });

  it('is named where nothing answers, and where it leads to an unencrypted server', async () => {
    const gone = () =>
      Promise.reject(new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') }));
    expect(await read(gone)).toContain('a.bin: connect ECONNREFUSED. Try again later');
    expect(await read(() => at('http://evil.example/', new Response('x')))).toContain(
      'a.bin: the server leads to http://evil.example/, unencrypted.',
    );
  });

  it('may name no file outside of its folder', async () => {
    const lfs = { sha256: 'a'.repeat(64), size: 1 };
    const list = { sha: COMMIT, siblings: [{ rfilename: '../a.bin', lfs }] };
    const answer = () => at('https://hub/', new Response(JSON.stringify(list)));
    const wanted = { where: 'ai-node/phi', endpoint: 'https://hub', weights: { from: 'hf://org/phi@main' } };
    const result = await readSource(wanted, world(answer)).catch((error: unknown) => error);
    expect(String(result)).toContain('has "../a.bin", which is no path inside of a folder');
  });

  it('that is no hub is told as such', async () => {
    const answer = () => at('https://hub/', new Response('<html>', { status: 200 }));
    expect(await read(answer, 'hf://org/phi@main')).toContain(
      'answers with no list of files as the hub has it.',
    );
  });

  it('gets no token after a redirect to another server', async () => {
    const seen: (string | undefined)[] = [];
    const store = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end('x');
    });
    await new Promise<void>((done) => store.listen(0, '127.0.0.1', done));
    const front = createServer((_request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${(store.address() as AddressInfo).port}/x` });
      response.end();
    });
    await new Promise<void>((done) => front.listen(0, '127.0.0.1', done));
    const ask = new Asker({ ...world(() => new Response()), fetch }, 'ai-node/phi', 'canary');
    await ask
      .get(`http://127.0.0.1:${(front.address() as AddressInfo).port}/`, 'a.bin')
      .then((each) => each.text());
    expect(seen).toEqual([undefined]);
    for (const server of [store, front]) {
      server.closeAllConnections();
      server.close();
    }
  });
});
