import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { LabHost } from '../lab/api.js';

export const BACKUP = '/mnt/citadel-backup';
export const ACTIVE = '/mnt/citadel-models/active';
/** The model that is made large; its service is `mixtral`, as in the guide's example of a restore. */
export const MODEL = 'Mixtral-8x7B-Instruct-v0.1';
/** Room for the large model, its copy in staging and several archives. Images are sparse. */
export const DISK_MIB = 12_288;
const LARGE_MIB = 2048;

/** Mounts the disks as the inventory would and installs the programs with settings, as a deployment does. */
export async function prepareHost(host: LabHost): Promise<void> {
  const { stdout } = await promisify(execFile)(
    'tar',
    ['-C', 'templates/ai-node', '--owner=0', '--group=0', '--exclude=*.ejs', '-cf', '-', 'opt/citadel'],
    { encoding: 'buffer', maxBuffer: 64 * 1024 * 1024 },
  );
  await host.mustExec('apt-get install -y zstd >/dev/null', { timeoutMs: 120_000 });
  await host.mustExec(['tar', '-C', '/', '--no-overwrite-dir', '-xf', '-'], { input: stdout });
  await host.mustExec(`set -eu
    chmod 0755 /opt/citadel/scripts/*.py
    mkdir -p /mnt/citadel-models ${BACKUP} /opt/citadel/configs /var/lib/prometheus/node-exporter
    printf '%s\\n' '/dev/nvme1n1p1 /mnt/citadel-models ext4 defaults,nofail 0 2' \\
      'LABEL=citadel-backup ${BACKUP} ext4 defaults,nofail 0 2' >>/etc/fstab
    systemctl daemon-reload
    mount /mnt/citadel-models && mount ${BACKUP}
    mkdir -p ${ACTIVE} /mnt/citadel-models/staging
    chown agent0:agent0 ${ACTIVE} /mnt/citadel-models/staging ${BACKUP}
    chown root:agent0 /var/lib/prometheus/node-exporter && chmod 0775 /var/lib/prometheus/node-exporter`);
  const settings = await readFile('test/node/support/storage_settings.py', 'utf8');
  await host.writeFile('/opt/citadel/configs/storage_settings.py', settings);
}

/**
 * Makes the model 2 GiB: numbers like weights in bfloat16, whose upper byte is one of a few and whose lower byte is noise.
 * The same bytes every time. zstd makes about four fifths of it, as of real weights.
 */
export async function makeLargeModel(host: LabHost): Promise<void> {
  const program = `
import random
source = random.Random(7)
piece = 16 << 20
for at in range(${LARGE_MIB} // 256):
    with open(f"${ACTIVE}/${MODEL}/model-{at}.safetensors", "wb") as weights:
        for _ in range(16):
            values = bytearray(piece)
            values[0::2] = source.randbytes(piece // 2)
            values[1::2] = source.randbytes(piece // 2).translate(bytes([0x3B, 0x3C, 0x3D, 0x3E, 0xBB, 0xBC, 0xBD, 0xBE] * 32))
            weights.write(values)
`;
  await host.mustExec(['python3', '-c', program], { user: 'agent0', timeoutMs: 300_000 });
  await host.mustExec('sync');
}

/** Runs a line of the guide as the person who types it would: agent0's login shell. */
export function typed(host: LabHost, line: string, timeoutMs = 300_000) {
  return host.exec(['bash', '-c', line], { user: 'agent0', timeoutMs });
}

/** Seconds that a line takes, measured inside the host; the line must succeed. */
export async function seconds(host: LabHost, line: string): Promise<number> {
  const timed = `set -e; begin=$(date +%s%N); { ${line}; } >/tmp/timed 2>&1 || { cat /tmp/timed >&2; exit 1; }; echo $(( $(date +%s%N) - begin ))`;
  const text = await host.mustExec(['bash', '-c', timed], { user: 'agent0', timeoutMs: 600_000 });
  return Number(text.trim()) / 1e9;
}

/** Names in the folder of daily archives. */
export async function dailyArchives(host: LabHost): Promise<string[]> {
  const text = await host.mustExec(`ls -A ${BACKUP}/models/daily 2>/dev/null || true`);
  return text.split('\n').filter((line) => line !== '');
}
