import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, hostLayoutOf, labFolder, layoutOf, stateRoot } from '../layout.js';
import { hostsIn } from '../hosts-in.js';
import { withLock } from '../lock.js';
import { hasMountsBelow } from '../mounts.js';
import { LabError, run } from '../process.js';
import { BOOTSTRAP_ENVIRONMENT, UNWANTED, bootstrapCommand } from './debian.js';
import { DISABLED, INSTALLABLE, INSTALLABLE_SOMEWHERE, INSTALLED, MASKED } from './packages.js';

const guest = join(labFolder, 'base/guest');
const customize = join(labFolder, 'base/customize.sh');
/** Part of the name of a folder that is being built; the builder's pid follows. */
const PARTIAL = '.partial-';
const BUILD_TIMEOUT_MS = 15 * 60_000;

/**
 * A root filesystem of a Debian suite, for every host of that suite, as a folder that overlays stand on and no one writes to.
 * Built once (about a minute) and kept under a name with the digest of everything that went into it.
 */
export async function ensureBase(suite: string, progress: (line: string) => void): Promise<string> {
  if (!/^[a-z][a-z0-9-]*$/.test(suite)) {
    throw new LabError(
      `"${suite}" is not a Debian suite.`,
      'Use its code name, for example bookworm or trixie.',
    );
  }
  const cache = cacheFolder(process.env);
  const final = join(cache, `${suite}-${digestOf(suite)}`);
  if (existsSync(final)) return final;
  await mkdir(cache, { recursive: true });
  return withLock(join(cache, `${suite}.lock`), BUILD_TIMEOUT_MS, async () => {
    if (existsSync(final)) return final;
    progress(`building the ${suite} base (once, about a minute)`);
    await removePartials(cache, `${suite}-`);
    const partial = `${final}${PARTIAL}${process.pid}`;
    await bootstrap(suite, partial);
    await rename(partial, final);
    await prune(cache, suite, final);
    return final;
  });
}

async function bootstrap(suite: string, folder: string): Promise<void> {
  const argv = bootstrapCommand(suite, folder, INSTALLED, customize);
  const result = await run(argv, {
    timeoutMs: BUILD_TIMEOUT_MS,
    env: {
      ...BOOTSTRAP_ENVIRONMENT,
      LAB_INSTALLABLE: INSTALLABLE.join(' '),
      LAB_INSTALLABLE_SOMEWHERE: INSTALLABLE_SOMEWHERE.join(' '),
      LAB_DISABLED: DISABLED.join(' '),
      LAB_MASKED: MASKED.join(' '),
      LAB_GUEST: guest,
    },
  });
  if (result.code === 0) return;
  await rm(folder, { recursive: true, force: true });
  const words = result.stderr.trim().split('\n').slice(-15).join('\n');
  throw new LabError(`The ${suite} base could not be built:\n${words}\n`, 'Is a Debian mirror reachable?');
}

function digestOf(suite: string): string {
  const hash = createHash('sha256');
  hash.update(
    JSON.stringify([suite, INSTALLED, INSTALLABLE, INSTALLABLE_SOMEWHERE, DISABLED, MASKED, UNWANTED]),
  );
  hash.update(readFileSync(customize));
  for (const path of readdirSync(guest, { recursive: true, encoding: 'utf8' }).sort()) {
    const file = join(guest, path);
    if (statSync(file).isFile()) hash.update(`${path}\0`).update(readFileSync(file));
  }
  return hash.digest('hex').slice(0, 12);
}

/** Removes what builders that were killed have left, unless something is still mounted there (/dev, for one). */
async function removePartials(cache: string, prefix: string): Promise<void> {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    if (!name.startsWith(prefix) || !name.includes(PARTIAL) || hasMountsBelow(path)) continue;
    await rm(path, { recursive: true, force: true });
  }
}

/** Removes bases that an older recipe made and that no host stands on. */
async function prune(cache: string, suite: string, current: string): Promise<void> {
  const inUse = recordedBases();
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    const old =
      name.startsWith(`${suite}-`) && !name.endsWith('.lock') && !name.includes(PARTIAL) && path !== current;
    if (old && !inUse.has(path)) await rm(path, { recursive: true, force: true });
  }
}

/** The bases that hosts of any lab on this machine were made from. */
function recordedBases(): Set<string> {
  if (!existsSync(stateRoot)) return new Set();
  const files = readdirSync(stateRoot)
    .flatMap((lab) => hostsIn(layoutOf(lab)).map((host) => hostLayoutOf(layoutOf(lab), host).base))
    .filter((file) => existsSync(file));
  return new Set(files.map((file) => readFileSync(file, 'utf8').trim()));
}
