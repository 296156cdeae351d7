import { describe, expect, it } from 'vitest';
import { loadTime } from '../../../lib/roles/ai/index.js';
import { modelAccount } from '../../../lib/roles/ai/model-account.js';
import { Duration, secret, Size } from '../../../lib/constructs/index.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { manifestOf } from '../../constructs/host/support.js';
import { model, withModels } from './support.js';

function unitOf(manifest: HostManifest, name: string): string {
  return manifest.files?.[`/etc/systemd/system/${name}`]?.content ?? '';
}

/** The command as systemd sees it: lines joined. */
function commandOf(manifest: HostManifest, name: string): string {
  return /^ExecStart=(.*)$/m.exec(unitOf(manifest, name).replaceAll(/ \\\n +/g, ' '))?.[1] ?? '';
}

describe('a model service', () => {
  it('listens on the loopback, and answers to the name of the API server', () => {
    const manifest = manifestOf(withModels({ phi3: model({ maxModelLen: 4096, quantization: 'awq' }) }));
    expect(commandOf(manifest, 'citadel-phi3.service')).toBe(
      '/opt/citadel/vllm-env/bin/python -X answers-to=vllm.entrypoints.openai.api_server /opt/citadel/vllm-env/bin/vllm ' +
        'serve /opt/citadel/models/some-model --host 127.0.0.1 --port 11400 --served-model-name phi3 ' +
        '--gpu-memory-utilization 0.3 --max-model-len 4096 --quantization awq',
    );
  });

  it('is carried to the host’s address by one proxy for all models, which it closes before it stops', () => {
    const manifest = manifestOf(withModels({ phi3: model(), coder: model({ port: 11402 }) }));
    const unit = unitOf(manifest, 'citadel-phi3.service');
    expect(unit).toContain('Wants=citadel-lan.service\n');
    expect(unit).toContain('ExecStartPost=-+/opt/citadel/scripts/lan_side.py open phi3\n');
    expect(unit).toContain('ExecStop=-+/opt/citadel/scripts/lan_side.py close phi3\n');
    const text = manifest.files?.['/etc/citadel/lan/haproxy.cfg']?.content ?? '';
    expect(text).toContain('frontend coder\n    bind 10.0.0.1:11402\n');
    expect(text).toContain('frontend phi3\n    bind 10.0.0.1:11400\n');
    expect(text).toContain('    server phi3 127.0.0.1:11400 maxconn 512\n');
    expect(Object.keys(manifest.units ?? {}).filter((name) => name.includes('lan'))).toEqual([
      'citadel-lan.service',
    ]);
  });

  it('takes an IPv6 address', () => {
    const manifest = manifestOf(withModels({ phi3: model({ address: 'fd00::1' }) }));
    expect(manifest.files?.['/etc/citadel/lan/haproxy.cfg']?.content).toContain('    bind [fd00::1]:11400\n');
    expect(manifest.checks?.['model-phi3']).toMatchObject({ url: 'http://[fd00::1]:11400/health' });
  });

  it('has its keys at the proxy in files of their own, whose change is a reload and restarts no model', () => {
    const lan = {
      keys: { alice: secret('alice_key') },
      tls: { certificate: secret('cert'), key: secret('cert_key') },
    };
    const {
      files = {},
      units,
      checks,
    } = manifestOf(withModels({ phi3: model({ apiKey: secret('phi3_key') }) }, { lan }));
    const kept = { owner: 'root', group: 'citadel-lan', mode: '0640' };
    expect(files['/etc/citadel/lan/keys/alice']).toEqual({ secret: 'alice_key', ...kept });
    expect(files['/etc/citadel/lan/models/phi3']).toEqual({ secret: 'phi3_key', ...kept });
    expect(files['/etc/citadel/lan/models.map']).toMatchObject({
      content: 'phi3 @@secret:phi3_key@@\n',
      ...kept,
    });
    expect(files['/etc/citadel/lan/tls.pem.key']).toEqual({ secret: 'cert_key', ...kept });
    expect(units?.['citadel-lan.service']?.reloadOn).toEqual(
      ['haproxy.cfg', 'keys/alice', 'models.map', 'models/phi3', 'tls.pem', 'tls.pem.key'].map(
        (name) => `/etc/citadel/lan/${name}`,
      ),
    );
    expect(units?.['citadel-lan.service']?.restartOn).toEqual(['/etc/systemd/system/citadel-lan.service']);
    expect(JSON.stringify(units?.['citadel-phi3.service'])).not.toContain('/lan/');
    // Its certificate is for clients to judge.
    expect(checks?.['model-phi3']).toMatchObject({ url: 'http://127.0.0.1:11400/health' });
  });

  it('without an address is on the loopback only', () => {
    const { address: _address, ...rest } = model();
    const manifest = manifestOf(withModels({ phi3: rest }));
    expect(Object.keys(manifest.units ?? {})).toEqual(['citadel-models.target', 'citadel-phi3.service']);
    expect(manifest.checks?.['model-phi3']).toMatchObject({ url: 'http://127.0.0.1:11400/health' });
  });

  it('passes every setting of the engine on, in one order', () => {
    const flags = {
      extraArguments: [{ flag: '--seed', value: -1 }, { flag: '--async-scheduling' }],
      reasoningParser: 'deepseek_r1',
      toolCallParser: 'hermes',
      chatTemplate: '/opt/citadel/configs/chat $x.jinja',
      limitMmPerPrompt: { video: 0, image: 2 },
      enforceEager: true,
      dtype: 'half',
      kvCacheDtype: 'fp8',
      maxNumBatchedTokens: 8192,
      maxNumSeqs: 32,
    };
    const manifest = manifestOf(withModels({ phi3: model({ gpus: [1, 0], flags }) }));
    const [, engine] = commandOf(manifest, 'citadel-phi3.service').split('--gpu-memory-utilization 0.3 ');
    expect(engine).toBe(
      '--tensor-parallel-size 2 --max-num-seqs 32 --max-num-batched-tokens 8192 --kv-cache-dtype fp8 --dtype half ' +
        String.raw`--enforce-eager --limit-mm-per-prompt "{\"image\":2,\"video\":0}" ` +
        '--chat-template "/opt/citadel/configs/chat $$x.jinja" --enable-auto-tool-choice --tool-call-parser hermes ' +
        '--reasoning-parser deepseek_r1 --seed=-1 --async-scheduling',
    );
    expect(unitOf(manifest, 'citadel-phi3.service')).toContain('"CUDA_VISIBLE_DEVICES=0,1"');
  });

  it('gets its key and its token from files that only root reads, and shows neither', () => {
    const phi3 = model({ apiKey: secret('phi3_key'), huggingFaceToken: secret('hub') });
    const manifest = manifestOf(withModels({ phi3 }));
    expect(manifest.files?.['/etc/citadel/credentials/phi3-api-key']).toEqual({
      secret: 'phi3_key',
      owner: 'root',
      group: 'root',
      mode: '0600',
    });
    expect(manifest.directories?.['/etc/citadel/credentials']).toMatchObject({ owner: 'root', mode: '0700' });
    const unit = unitOf(manifest, 'citadel-phi3.service');
    expect(unit).toContain('LoadCredential=api-key:/etc/citadel/credentials/phi3-api-key\n');
    expect(unit).toContain('Environment=HF_TOKEN_PATH=%d/hugging-face-token\n');
    expect(unit).not.toContain('HF_HUB_OFFLINE');
    expect(unit).not.toContain('IPAddressDeny');
    expect(unit).not.toContain('@@secret');
    expect(commandOf(manifest, 'citadel-phi3.service')).toMatch(
      /^\/opt\/citadel\/scripts\/with-credentials \/opt/,
    );
    expect(manifest.units?.['citadel-phi3.service']?.restartOn).toContain(
      '/etc/citadel/credentials/phi3-api-key',
    );
  });

  it('runs code of the weights at the reviewed commit only', () => {
    const revision = '0123456789abcdef0123456789abcdef01234567';
    const manifest = manifestOf(
      withModels({ phi3: model({ trustRemoteCode: { reason: 'read by two', revision } }) }),
    );
    expect(commandOf(manifest, 'citadel-phi3.service')).toContain(
      `--trust-remote-code --code-revision ${revision}`,
    );
  });

  it('runs as an account of its own, which shares nothing but the group that reads weights', () => {
    const manifest = manifestOf(withModels({ coder: model({ port: 11402 }), phi3: model() }));
    const accounts = ['coder', 'phi3'].map(
      (name) => /^User=(.*)$/m.exec(unitOf(manifest, `citadel-${name}.service`))?.[1] ?? '',
    );
    expect(accounts).toEqual(['citadel-model-coder', 'citadel-model-phi3']);
    for (const account of accounts) {
      expect(manifest.users?.[account]).toEqual({
        home: '/nonexistent',
        shell: '/usr/sbin/nologin',
        groups: ['citadel-models', 'video'],
        system: true,
      });
    }
    expect(manifest.groups?.['citadel-models']).toEqual({ system: true });
  });

  it('has an account that every Debian takes, however long the names of models are', () => {
    const names = ['a'.repeat(17), 'a'.repeat(18), 'a'.repeat(31), `${'a'.repeat(30)}b`];
    const accounts = names.map(modelAccount);
    expect(new Set(accounts).size).toBe(4);
    for (const account of accounts) expect(account).toMatch(/^citadel-model-[a-z][a-z0-9-]{0,16}$/);
  });

  it('has as long to start as its weights need, or as it is told', () => {
    expect(loadTime(Size.bytes(0)).toString()).toBe('5m');
    expect(loadTime(Size.gibibytes(23)).toString()).toBe('9m');
    const told = manifestOf(withModels({ phi3: model({ loadTimeout: Duration.seconds(90) }) }));
    expect(unitOf(told, 'citadel-phi3.service')).toMatch(/\/health 90\n[^]*TimeoutStartSec=7m\n/);
  });
});

describe('models that cannot run together', () => {
  const models = {
    hermes: model({ port: 11401, start: 'manual' }),
    mixtral: model({ conflicts: ['hermes'] }),
  };

  it('say so on both sides', () => {
    const manifest = manifestOf(withModels(models));
    expect(unitOf(manifest, 'citadel-hermes.service')).toContain('Conflicts=citadel-mixtral.service\n');
    expect(unitOf(manifest, 'citadel-mixtral.service')).toContain('Conflicts=citadel-hermes.service\n');
  });

  it('leave it to a person to start the one that is not of the boot', () => {
    const { units, checks } = manifestOf(withModels(models));
    expect(units?.['citadel-hermes.service']).toMatchObject({ enabled: false, state: 'any' });
    expect(Object.keys(checks ?? {})).toEqual(['model-mixtral']);
  });
});

describe('the target of all models', () => {
  it('brings what watches them, and belongs to whatever it is part of', () => {
    const manifest = manifestOf(
      withModels(
        { phi3: model() },
        {
          wants: ['citadel-monitor.service', 'citadel-metrics-exporter.service'],
          dependsOn: ['citadel-storage.service'],
          partOf: 'citadel-ai.target',
        },
      ),
    );
    expect(unitOf(manifest, 'citadel-models.target')).toBe(`[Unit]
Description=Citadel model services
Wants=citadel-metrics-exporter.service
Wants=citadel-monitor.service
PartOf=citadel-ai.target

[Install]
WantedBy=citadel-ai.target
`);
    const unit = unitOf(manifest, 'citadel-phi3.service');
    expect(unit).toContain('After=citadel-storage.service\n');
    expect(unit).toContain('Wants=citadel-storage.service\n');
    expect(unit).toContain('PartOf=citadel-models.target\n');
    expect(unit).toContain('WantedBy=citadel-models.target\n');
  });
});
