import type { HostOs, OwnProblem } from '../../../constructs/host/index.js';
import type { DriverInventory } from '../schema/driver.js';
import { oldestBranch, pinnedCuda } from './cuda.js';

/** The branch that each release of Debian has. Source: its non-free packages, `nvidia-driver`. */
export const DEBIAN_BRANCH: Readonly<Record<HostOs, number>> = { 'debian-12': 535, 'debian-13': 550 };
/** NVIDIA's packages for hosts without a screen have their names since this one. */
const OLDEST_OF_NVIDIA = 560;

/** `580` of `580.*`, `580.95.05-1`; of Debian's, where nothing is said, what the release has. */
export function branchOf({ from, version }: DriverInventory, os: HostOs | undefined): number | undefined {
  if (version !== undefined) return Number.parseInt(version, 10);
  return from === 'debian' && os !== undefined ? DEBIAN_BRANCH[os] : undefined;
}

/**
 * What cannot work of a driver that is declared.
 *
 * @param requirements what the environment of the models is made from, and its name for messages
 */
export function driverProblems(
  driver: DriverInventory,
  os: HostOs | undefined,
  requirements?: { readonly file: string; readonly text: string },
): OwnProblem[] {
  const branch = branchOf(driver, os);
  const found: OwnProblem[] = [];
  const refuse = (property: string, got: string, fix: string): void => {
    found.push({ code: 'construct.driver', property, got, fix });
  };
  if (os === undefined)
    refuse('from', 'packages of the driver are those of one release, and the host says none', 'Say os: debian-12 or os: debian-13 of the host'); // prettier-ignore
  if (driver.from === 'nvidia') {
    if (driver.key === undefined)
      refuse('key', 'nothing says whose signature NVIDIA’s repository has', 'Name the file of its public key: it is in the repository, *.pub'); // prettier-ignore
    if (branch === undefined)
      refuse('version', 'NVIDIA’s repository has many branches, and none is named', 'Name one: version: 580.*');
    else if (branch < OLDEST_OF_NVIDIA)
      refuse('version', `packages of ${branch} have other names in NVIDIA’s repository`, `Take ${OLDEST_OF_NVIDIA} or newer, or from: debian`); // prettier-ignore
  } else {
    if (driver.fabricManager)
      refuse('fabricManager', 'Debian has no fabric manager', 'Take the driver from: nvidia');
    if (os !== undefined && branch !== DEBIAN_BRANCH[os])
      refuse('version', `Debian ${os.replace('debian-', '')} has ${DEBIAN_BRANCH[os]}, not ${branch}`, `Leave it out, or take the driver from: nvidia`); // prettier-ignore
  }
  if (branch !== undefined && requirements !== undefined) found.push(...cudaProblems(branch, requirements));
  return found;
}

function cudaProblems(branch: number, { file, text }: { file: string; text: string }): OwnProblem[] {
  const cuda = pinnedCuda(text);
  const oldest = cuda === undefined ? undefined : oldestBranch(cuda.version);
  if (cuda === undefined || oldest === undefined || branch >= oldest) return [];
  return [
    {
      code: 'construct.driver.cuda',
      property: 'version',
      got: `driver ${branch} cannot run CUDA ${cuda.version} of PyTorch (${file}:${cuda.line}, ${cuda.from}), which needs ${oldest} or newer`,
      fix: `Take the driver from: nvidia, version: ${oldest}.* or newer, or pin a PyTorch of an older CUDA`,
    },
  ];
}
