import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { waitFor, type Finished, type Lab } from '../lab/api.js';
import { repository } from '../lab/layout.js';
import { describeLab } from '../lab/suite.js';
import { mainPid } from '../e2e/harness.js';
import { ensureRealVllm, type RealVllm } from './wheels.js';

/** On the lab's addresses and ports; their folders are those of the lab's models, with weights that a real engine can load. */
const CHAT = { name: 'phi3', port: 11403, folder: 'Phi-3-mini-128k-instruct' };
const EMBEDDING = { name: 'vision', port: 11500, folder: 'imp-v1_5-7b' };
const MODELS = '/mnt/citadel-models/active';
const KEY = 'key-of-the-real-one';
const WHEELS = '/var/lib/citadel-lab/real-wheels';
/** The build for processors takes a share of the machine's memory, where the others take one of a GPU's. */
const SHARE = 0.06;
const MINUTES = 60_000;

const unit = (model: { name: string }): string => `citadel-${model.name}.service`;

describeLab('the real vLLM under its unit', (lab: Lab) => {
  const host = lab.host('ai-node');
  let folder = '';
  let real: RealVllm;

  const inventory = async (start: 'boot' | 'manual'): Promise<void> => {
    const document = parse(await readFile(join(repository, 'stacks/inventory/lab.yaml'), 'utf8')) as {
      hosts: { 'ai-node': { ai: Record<string, unknown> } };
      secrets: Record<string, unknown>;
    };
    const common = { weightsGiB: 0.001, gpuMemoryUtilization: SHARE, loadTimeoutSec: 1800, start };
    Object.assign(document.hosts['ai-node'].ai, {
      vllm: { requirements: 'requirements.txt', wheels: WHEELS },
      models: {
        [CHAT.name]: {
          ...common,
          port: CHAT.port,
          directory: CHAT.folder,
          gpus: [0],
          maxModelLen: 2048,
          apiKey: 'chat_key',
        },
        [EMBEDDING.name]: {
          ...common,
          port: EMBEDDING.port,
          directory: EMBEDDING.folder,
          gpus: [1],
          maxModelLen: 512,
          probe: 'embedding',
          flags: { enforceEager: true },
        },
      },
    });
    document.secrets['chat_key'] = { command: ['echo', KEY] };
    await writeFile(join(folder, 'requirements.txt'), real.requirements);
    await writeFile(join(folder, 'inventory.yaml'), stringify(document));
  };
  const apply = async (): Promise<void> => {
    const run = await lab.operator.exec(['node', 'bin/citadel-iac.mjs', 'apply', 'ai-node', '--yes'], {
      env: {
        ...(process.env as Record<string, string>),
        CITADEL_INVENTORY: join(folder, 'inventory.yaml'),
        CITADEL_TARGETS: lab.layout.inventory,
      },
      timeoutMs: 60 * MINUTES,
    });
    expect(run.code, `${run.stdout.slice(-4000)}\n${run.stderr.slice(-4000)}`).toBe(0);
  };
  const agent = (command: string): Promise<Finished> =>
    host.exec(command, { user: 'agent0', timeoutMs: 20 * MINUTES });
  /** From another machine: status and body. */
  const ask = async (port: number, path: string, body?: object, key?: string): Promise<[number, string]> => {
    const { stdout } = await lab.operator.exec(
      [
        ...['curl', '-sS', '-m', '300', '-w', '\n%{http_code}', `http://192.168.10.35:${port}${path}`],
        ...(body === undefined ? [] : ['-H', 'Content-Type: application/json', '-d', JSON.stringify(body)]),
        ...(key === undefined ? [] : ['-H', `Authorization: Bearer ${key}`]),
      ],
      { timeoutMs: 6 * MINUTES },
    );
    const end = stdout.lastIndexOf('\n');
    return [Number(stdout.slice(end)), stdout.slice(0, end)];
  };
  const serving = (model: typeof CHAT): Promise<true> =>
    waitFor(`${model.name} to serve`, 30 * MINUTES, async () =>
      (await ask(model.port, '/health'))[0] === 200 ? true : undefined,
    );
  const metrics = (model: typeof CHAT): Promise<string> =>
    host.mustExec(['curl', '-fsS', '-m', '60', `http://127.0.0.1:${model.port}/metrics`]);

  beforeAll(async () => {
    real = await ensureRealVllm();
    await host.reset();
    folder = await mkdtemp(join(tmpdir(), 'citadel-real-'));
    await mkdir(join(host.root, WHEELS), { recursive: true });
    await cp(real.wheels, join(host.root, WHEELS), { recursive: true });

    // The environment first: it makes the weights that the models then serve.
    await inventory('manual');
    const began = Date.now();
    await apply();
    console.log(`environment and node: ${(Date.now() - began) / 1000} s`);
    await host.mustExec(`rm -r ${WHEELS}`);
    await host.writeFile(
      '/root/tiny_models.py',
      await readFile(join(repository, 'test/doubles/recordings/tiny_models.py')),
    );
    await host.mustExec(
      `cd /root && mkdir -p weights && /opt/citadel/vllm-env/bin/python tiny_models.py weights
       for pair in chat:${CHAT.folder} embedding:${EMBEDDING.folder}; do
         rm -r "${MODELS}/\${pair#*:}"; cp -r "weights/\${pair%%:*}" "${MODELS}/\${pair#*:}"
       done; chown -R agent0:agent0 ${MODELS}
       # As a failed citadel-storage.service says to type: save_pretrained leaves weights that their owner alone reads.
       chgrp -R citadel-models ${MODELS} && chmod -R g+rX ${MODELS}`,
      { timeoutMs: 20 * MINUTES },
    );
    await inventory('boot');
    const start = Date.now();
    await apply();
    console.log(`both models served after ${(Date.now() - start) / 1000} s`);
  }, 120 * MINUTES);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('serves completions and chat on the network with its key, and nothing else', async () => {
    const completion = { model: CHAT.name, prompt: 'abc', max_tokens: 3 };
    const messages = [{ role: 'user', content: 'abc' }];
    expect((await ask(CHAT.port, '/v1/completions', completion))[0]).toBe(401);
    const [status, text] = await ask(CHAT.port, '/v1/completions', completion, KEY);
    expect(status, text).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ model: CHAT.name, usage: { prompt_tokens: 3 } });
    const chat = { model: CHAT.name, messages, max_tokens: 3 };
    expect((await ask(CHAT.port, '/v1/chat/completions', chat, KEY))[0]).toBe(200);
    for (const path of ['/invocations', '/tokenize', '/metrics', '/version', '/load', '/docs'])
      expect((await ask(CHAT.port, path, completion, KEY))[0], path).toBe(404);
  });

  it('serves embeddings, and their probe sees that', async () => {
    const [status, text] = await ask(EMBEDDING.port, '/v1/embeddings', {
      model: EMBEDDING.name,
      input: 'abc',
    });
    expect(status, text.slice(0, 400)).toBe(200);
    expect((JSON.parse(text) as { data: { embedding: number[] }[] }).data[0]?.embedding).toHaveLength(128);
    for (const { name } of [CHAT, EMBEDDING])
      await waitFor(`a good probe of ${name}`, 10 * MINUTES, async () =>
        (await agent('curl -fsS http://localhost:8000/metrics/models')).stdout.includes(
          `citadel_model_probe_success{model="${name}"} 1.0\n`,
        )
          ? true
          : undefined,
      );
  });

  it('gives every metric that rules and panels ask for, of the recorded kind', async () => {
    const recording = JSON.parse(
      await readFile(join(repository, 'test/doubles/recordings', `vllm-${real.version}.json`), 'utf8'),
    ) as { after: Record<string, { kind: string }> };
    const page = await metrics(CHAT);
    const kinds = Object.fromEntries(
      [...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', kind = '']) => [name, kind]),
    );
    const wanted = Object.entries(recording.after).filter(([name]) => /^(vllm:|http_)/.test(name));
    expect(wanted.length).toBeGreaterThan(40);
    for (const [name, { kind }] of wanted) expect(kinds[name], name).toBe(kind);
  });

  it('is shown, measured and logged by the guide’s commands', async () => {
    const status = await agent('citadel status');
    expect(status.code, status.stderr).toBe(0);
    for (const { name } of [CHAT, EMBEDDING]) expect(status.stdout).toContain(name);
    const health = await agent('citadel health');
    expect(health.code, health.stdout + health.stderr).toBe(0);
    expect((await agent(`citadel logs ${CHAT.name}`)).stdout).toContain('(APIServer pid=');
  });

  it('comes back after its server was killed, and after a restart by its person', async () => {
    const before = await mainPid(host, unit(CHAT));
    await host.mustExec(['kill', '-9', before]);
    await waitFor('another process', 10 * MINUTES, async () =>
      [before, '0'].includes(await mainPid(host, unit(CHAT))) ? undefined : true,
    );
    await serving(CHAT);
    const between = await mainPid(host, unit(CHAT));
    expect((await agent(`citadel restart ${CHAT.name}`)).code).toBe(0);
    await serving(CHAT);
    expect(await mainPid(host, unit(CHAT))).not.toBe(between);
  });

  it('is restarted by the monitor when its engine is wedged', async () => {
    const engine = (await host.mustExec(`systemctl show -p ControlGroup --value ${unit(CHAT)}`)).trim();
    const before = await mainPid(host, unit(CHAT));
    const pids = await host.mustExec(`cat /sys/fs/cgroup${engine}/cgroup.procs`);
    const frozen = pids.split('\n').filter((pid) => pid !== '' && pid !== before);
    expect(frozen.length).toBeGreaterThan(0);
    await host.mustExec(['kill', '-STOP', ...frozen]);
    await waitFor('the monitor to restart it', 25 * MINUTES, async () =>
      [before, '0'].includes(await mainPid(host, unit(CHAT))) ? undefined : true,
    );
    await serving(CHAT);
  });

  it('leaves nothing behind in an emergency, not even an engine that was started by hand', async () => {
    await host.mustExec(
      `systemd-run --quiet --collect --unit=by-hand --uid=agent0 -p KillMode=process /opt/citadel/vllm-env/bin/vllm serve ${MODELS}/${CHAT.folder} --host 127.0.0.1 --port 18999 --max-model-len 512 --gpu-memory-utilization ${SHARE} --enforce-eager`,
    );
    await waitFor('the one by hand', 30 * MINUTES, async () =>
      (await host.exec('curl -fsS -m 5 http://127.0.0.1:18999/health')).code === 0 ? true : undefined,
    );
    const orphans = 'pgrep -f "^VLLM::"';
    await host.mustExec(`kill -9 $(systemctl show -p MainPID --value by-hand.service)`);
    expect((await host.exec(orphans)).code, 'an engine outlives its server').toBe(0);
    const emergency = await agent('citadel-rollback emergency');
    expect(emergency.code, emergency.stdout + emergency.stderr).toBe(0);
    expect((await host.exec(orphans)).stdout).toBe('');
  });
});
