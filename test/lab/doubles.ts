import { createHash } from 'node:crypto';
import { chmod, chown, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buildGrafanaPackage } from '../doubles/grafana/package.js';
import { vllmWheel } from '../doubles/wheel.js';
import { AGENT_ID, repository } from './layout.js';

/** Installs what stands in for hardware and for models. Only the lab does so; no construct knows of it. */

const source = join(repository, 'test/doubles');
/** Where a lab host has wheels: as `ai.vllm.wheels` of an inventory names them. */
export const WHEELS = '/var/lib/citadel-lab/wheels';
/** Where a lab host has the package of the Grafana double: as `monitoring.grafana.package` of an inventory names it. */
export const GRAFANA_PACKAGE = '/var/lib/citadel-lab/packages/grafana.deb';
/** Directories of the seven models, as the AI node's inventory names them. */
export const MODELS: readonly string[] = [
  'Mixtral-8x7B-Instruct-v0.1',
  'Nous-Hermes-2-Mixtral-8x7B-DPO',
  'openchat-3.5-1210',
  'Phi-3-mini-128k-instruct',
  'Yi-34B-Chat',
  'deepseek-coder-14b-instruct-v1.5',
  'imp-v1_5-7b',
];
const SHARDS = 2;
const SHARD_BYTES = 64 * 1024;

/** Puts `nvidia-smi`, `smartctl` and a folder with the wheel of the vLLM double into a host's root. */
export async function installDoubles(root: string): Promise<void> {
  await install('nvidia-smi', join(root, 'usr/bin/nvidia-smi'));
  // Before Debian's own in every PATH, sudo's included.
  await install('smartctl', join(root, 'usr/local/sbin/smartctl'));
  const wheel = vllmWheel(await readFile(join(source, 'vllm'), 'utf8'));
  await mkdir(join(root, WHEELS), { recursive: true });
  await writeFile(join(root, WHEELS, wheel.fileName), wheel.bytes);
}

/** Puts the package of the Grafana double where an inventory can name it. */
export function installGrafanaPackage(root: string): Promise<void> {
  return buildGrafanaPackage(source, join(root, GRAFANA_PACKAGE));
}

/** Writes `active/<model>/…` below a folder: the files of a downloaded model, each shard 64 KiB, all owned by agent0. */
export async function writeModels(folder: string): Promise<void> {
  const active = join(folder, 'active');
  await mkdir(active, { recursive: true });
  await Promise.all(MODELS.map((model) => writeModel(join(active, model), model)));
  for (const path of [
    'active',
    ...(await readdir(active, { recursive: true })).map((name) => join('active', name)),
  ]) {
    await chown(join(folder, path), AGENT_ID, AGENT_ID);
  }
}

async function writeModel(folder: string, model: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const shards = Array.from(
    { length: SHARDS },
    (_, at) => `model-0000${at + 1}-of-0000${SHARDS}.safetensors`,
  );
  const index = {
    metadata: { total_size: SHARDS * SHARD_BYTES },
    weight_map: Object.fromEntries(shards.map((shard, at) => [`layers.${at}.weight`, shard])),
  };
  const documents: Record<string, unknown> = {
    'config.json': {
      architectures: ['LabDouble'],
      model_type: 'lab-double',
      _name_or_path: model,
      torch_dtype: 'float16',
    },
    'generation_config.json': { do_sample: false },
    'tokenizer_config.json': { tokenizer_class: 'LabDouble' },
    'tokenizer.json': { version: '1.0', model: { type: 'WordLevel', vocab: {} } },
    'model.safetensors.index.json': index,
  };
  for (const [name, value] of Object.entries(documents)) {
    await writeFile(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
  }
  for (const [at, shard] of shards.entries())
    await writeFile(join(folder, shard), safetensors(`${model} ${at}`, at));
}

/** A well-formed safetensors file with one tensor, the same bytes every time for the same seed. */
function safetensors(seed: string, layer: number): Buffer {
  const header = Buffer.from(
    JSON.stringify({
      [`layers.${layer}.weight`]: { dtype: 'F16', shape: [SHARD_BYTES / 2], data_offsets: [0, SHARD_BYTES] },
    }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const blocks = Array.from({ length: SHARD_BYTES / 32 }, (_, at) =>
    createHash('sha256').update(`${seed} ${at}`).digest(),
  );
  return Buffer.concat([length, header, ...blocks]);
}

async function install(name: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await copyFile(join(source, name), target);
  await chmod(target, 0o755);
}
