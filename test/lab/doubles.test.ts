import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { waitFor } from './api.js';
import { repository } from './layout.js';
import { MODELS, WHEELS } from './doubles.js';
import { describeLab } from './suite.js';

const ENVIRONMENT = '/srv/vllm-env';
const VLLM = `${ENVIRONMENT}/bin/vllm`;
const SERVICE = ['--quiet', '--collect', '--uid=agent0', '--unit=lab-vllm'];

describeLab('the doubles on ai-node', (lab) => {
  const host = lab.host('ai-node');
  const curl = (path: string, ...rest: string[]): Promise<string> =>
    host.mustExec(['curl', '-fsS', '-m', '5', ...rest, `http://127.0.0.1:11403${path}`]);

  beforeAll(async () => {
    await host.reset();
    await host.mustExec('mkdir -p /mnt/citadel-models && mount /dev/nvme1n1p1 /mnt/citadel-models');
    const requirements = await readFile(join(repository, 'test/doubles/vllm-requirements.txt'));
    await host.writeFile('/srv/requirements.txt', requirements);
    await host.mustExec(
      `apt-get -qq -y --no-install-recommends install python3-venv >/dev/null 2>&1 && python3 -m venv ${ENVIRONMENT} &&
       ${ENVIRONMENT}/bin/pip install --quiet --require-hashes --no-index --find-links ${WHEELS} -r /srv/requirements.txt`,
      { timeoutMs: 120_000 },
    );
  });

  it('finds the seven models, owned by agent0, in well-formed files', async () => {
    expect((await host.mustExec(['ls', '/mnt/citadel-models/active'])).trim().split('\n').sort()).toEqual(
      [...MODELS].sort(),
    );
    const script = [
      'import glob, json, struct',
      "for name in glob.glob('/mnt/citadel-models/active/*/*.safetensors'):",
      "    data = open(name, 'rb').read()",
      "    size = struct.unpack('<Q', data[:8])[0]",
      '    (tensor,) = json.loads(data[8:8 + size]).values()',
      "    assert tensor['data_offsets'][1] == len(data) - 8 - size",
    ].join('\n');
    await host.mustExec(['python3', '-c', script], { user: 'agent0' });
    expect((await host.mustExec('find /mnt/citadel-models/active ! -user agent0')).trim()).toBe('');
  });

  it('serves a model as vLLM does, and nvidia-smi sees it', async () => {
    const flags = [
      '--host',
      '127.0.0.1',
      '--port',
      '11403',
      '--served-model-name',
      'phi3',
      '--gpu-memory-utilization',
      '0.25',
    ];
    const model = '/mnt/citadel-models/active/Phi-3-mini-128k-instruct';
    await host.mustExec([
      'systemd-run',
      ...SERVICE,
      '--setenv=CUDA_VISIBLE_DEVICES=1',
      VLLM,
      'serve',
      model,
      ...flags,
    ]);
    await waitFor('vLLM', 180_000, async () =>
      (await host.exec(['curl', '-fsS', 'http://127.0.0.1:11403/health'])).code === 0 ? true : undefined,
    );
    expect(JSON.parse(await curl('/v1/models'))).toMatchObject({ data: [{ id: 'phi3', root: model }] });
    const body = JSON.stringify({ model: 'phi3', messages: [{ role: 'user', content: 'test' }] });
    const answer = await curl('/v1/chat/completions', '-H', 'Content-Type: application/json', '-d', body);
    expect(JSON.parse(answer)).toMatchObject({
      choices: [{ message: { role: 'assistant', content: 'Echo: test' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1, completion_tokens: 2 },
    });
    const metrics = await curl('/metrics');
    expect(metrics).toContain('vllm:generation_tokens_total{engine="0",model_name="phi3"} 2.0');
    expect(metrics).toMatch(
      /vllm:e2e_request_latency_seconds_bucket\{engine="0",model_name="phi3",le="\+Inf"\} 1\.0/,
    );
    const used = await host.mustExec(
      'nvidia-smi --query-gpu=index,memory.used --format=csv,noheader,nounits',
      {
        user: 'agent0',
      },
    );
    expect(used).toBe('0, 4\n1, 20484\n');
  });

  it('is wedged on demand: healthy, and serves nothing', async () => {
    await host.mustExec(
      `mkdir -p /run/citadel-lab && echo '{"wedged": true}' >/run/citadel-lab/vllm-phi3.json`,
    );
    const ask = ['curl', '-sS', '-m', '1', '-d', '{"prompt": "x"}', 'http://127.0.0.1:11403/v1/completions'];
    expect(await curl('/health')).toBe('');
    expect((await host.exec(ask)).code).toBe(28);
    await host.mustExec(['rm', '/run/citadel-lab/vllm-phi3.json']);
    expect((await host.exec(ask)).code).toBe(0);
    await host.mustExec(['systemctl', 'stop', 'lab-vllm']);
  });

  it('starts as a module as well, asks for the key, and refuses what vLLM does not know', async () => {
    const python = `${ENVIRONMENT}/bin/python3`;
    const model = '/mnt/citadel-models/active/imp-v1_5-7b';
    const module = [
      python,
      '-m',
      'vllm.entrypoints.openai.api_server',
      '--model',
      model,
      '--port',
      '11403',
      '--api-key',
      'k',
    ];
    await host.mustExec(['systemd-run', ...SERVICE, ...module]);
    await waitFor('vLLM', 180_000, async () =>
      (await host.exec(['curl', '-fsS', 'http://127.0.0.1:11403/health'])).code === 0 ? true : undefined,
    );
    expect((await host.exec(['curl', '-fsS', 'http://127.0.0.1:11403/v1/models'])).code).toBe(22);
    expect(await curl('/v1/models', '-H', 'Authorization: Bearer k')).toContain(model);
    await host.mustExec(['pkill', '-f', 'vllm.entrypoints.openai.api_server']);
    const unknown = await host.exec([VLLM, 'serve', model, '--no-such-flag', '1']);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('unrecognized arguments: --no-such-flag 1');
    expect((await host.exec([VLLM, 'serve', '/nowhere'])).stderr).toContain('config.json');
  });

  it('sets power limits as root only, and forgets them at a boot', async () => {
    const query = 'nvidia-smi --query-gpu=power.limit,persistence_mode --format=csv,noheader';
    expect((await host.exec('nvidia-smi -pl 250', { user: 'agent0' })).code).toBe(4);
    await host.mustExec('nvidia-smi -pm 1 && nvidia-smi -i 0 -pl 250');
    expect(await host.mustExec(query)).toBe('250.00 W, Enabled\n300.00 W, Enabled\n');
    expect((await host.exec('nvidia-smi -pl 900')).code).toBe(2);
    await host.reboot();
    expect(await host.mustExec(query)).toBe('300.00 W, Disabled\n300.00 W, Disabled\n');
  });

  it('answers smartctl for the two disks of the guide', async () => {
    expect(
      await host.mustExec('sudo smartctl -a /dev/nvme1n1 && sudo smartctl -a /dev/sda', { user: 'agent0' }),
    ).toMatch(/PASSED[\s\S]*PASSED/);
    expect((await host.exec('smartctl -a /dev/sdb')).code).toBe(2);
  });
});
