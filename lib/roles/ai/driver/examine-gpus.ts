import type { HostInventory } from '../../../inventory/index.js';
import { failed, ok, warning, type Examiner, type Finding } from '../../../site/index.js';
import { order } from '../../../text/order.js';
import '../keys.js';
import type { AiInventory } from '../schema/ai.js';

const FIELDS = [
  'index',
  'uuid',
  'name',
  'memory.total',
  'driver_version',
  'ecc.mode.current',
  'mig.mode.current',
  'pcie.link.width.current',
  'pcie.link.width.max',
] as const;
/** Makers count memory in different ways, and the driver keeps some for itself. */
const TOLERANCE = 0.05;

/** POSIX sh that writes nothing: lines of a kind and a text, separated by a tab. */
const SCRIPT = `PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
tab=$(printf '\\t')
if ! command -v nvidia-smi >/dev/null; then
  echo "failed\${tab}there is no nvidia-smi"
elif found=$(timeout 20 nvidia-smi --query-gpu=${FIELDS.join(',')} --format=csv,noheader,nounits 2>&1); then
  printf '%s\\n' "$found" | sed "s/^/gpu$tab/"
else
  printf 'failed\\t%s\\n' "$(printf %s "$found" | tr '\\n\\t' '  ')"
fi
if [ -s /run/citadel-driver/reason ]; then printf 'waits\\t%s\\n' "$(tr '\\n\\t' '  ' </run/citadel-driver/reason)"; fi
for variable in /sys/firmware/efi/efivars/SecureBoot-*; do
  if [ -r "$variable" ]; then printf 'secure-boot\\t%s\\n' "$(od -An -j4 -N1 -tu1 "$variable" | tr -d ' ')"; fi
done
`;

/** What the doctor looks at on a GPU node: whether its GPUs and their driver are those that are declared. */
export function examineGpus({ ai }: HostInventory): Examiner | undefined {
  if (ai === undefined) return undefined;
  return { name: 'citadel-examine-gpus', script: SCRIPT, judge: (output) => judgeGpus(ai, output) };
}

/**
 * What the host's GPUs are, against what is declared.
 *
 * @param output of the script: `gpu<TAB>` and nvidia-smi's own line, `failed`, `waits` and `secure-boot`
 */
export function judgeGpus(ai: AiInventory, output: string): Finding[] {
  const lines = output.split('\n').map((line) => line.split('\t') as [kind: string, text?: string]);
  const texts = (of: string): string[] =>
    lines.flatMap(([kind, text = '']) => (kind === of ? [text.trim()] : []));
  const [waits] = texts('waits');
  const [failure] = texts('failed');
  const secure = texts('secure-boot').includes('1')
    ? [
        ai.driver === undefined
          ? ok('Secure Boot', 'on')
          : warning('Secure Boot', 'on: only modules that are signed with an enrolled key are loaded', 'Enrol DKMS’s key once: sudo mokutil --import /var/lib/dkms/mok.pub, reboot, confirm at the console (docs/gpu.md).'), // prettier-ignore
      ]
    : [];
  if (waits !== undefined)
    return [
      failed('GPU driver', waits, 'Where it says reboot: citadel-iac reboot HOST (docs/gpu.md).'),
      ...secure,
    ];
  if (failure !== undefined)
    return [failed('GPU driver', `nvidia-smi fails: ${failure}`, 'A "version mismatch" needs a reboot: citadel-iac reboot HOST. Else install the driver (docs/gpu.md).'), ...secure]; // prettier-ignore
  const found = texts('gpu')
    .map(parseGpu)
    .sort((a, b) => order(a.index, b.index));
  const problems = [...judgeNumber(ai, found), ...found.flatMap((gpu, at) => judgeGpu(ai, gpu, at))];
  const versions = [...new Set(found.map(({ driver }) => driver))].join(', ');
  return [
    ...(problems.length > 0
      ? problems
      : [ok('GPUs', `${String(found.length)}, as declared, driver ${versions}`)]),
    ...secure,
  ];
}

interface Gpu {
  readonly index: string;
  readonly uuid: string;
  readonly name: string;
  /** Of memory; NaN where nvidia-smi does not tell. */
  readonly memoryMiB: number;
  readonly driver: string;
  readonly ecc: string;
  readonly mig: string;
  readonly width: number;
  readonly widthMax: number;
}

function parseGpu(line: string): Gpu {
  const [
    index = '',
    uuid = '',
    name = '',
    memory = '',
    driver = '',
    ecc = '',
    mig = '',
    width = '',
    widthMax = '',
  ] = line.split(',').map((cell) => cell.trim());
  const number = (text: string): number => Number.parseFloat(text);
  return {
    index: index.padStart(3, '0'),
    uuid,
    name,
    memoryMiB: number(memory),
    driver,
    ecc,
    mig,
    width: number(width),
    widthMax: number(widthMax),
  };
}

function judgeNumber({ gpus }: AiInventory, found: readonly Gpu[]): Finding[] {
  if (found.length === gpus.length) return [];
  const got = `the driver shows ${String(found.length)}, and ${String(gpus.length)} are declared`;
  return found.length < gpus.length
    ? [failed('GPUs', got, 'Look: nvidia-smi -L, and journalctl -k -g NVRM. Or correct ai.gpus.')]
    : [warning('GPUs', got, 'Declare all of them in ai.gpus, in the driver’s order.')];
}

function judgeGpu({ gpus, driver }: AiInventory, gpu: Gpu, at: number): Finding[] {
  const declared = gpus[at];
  const name = `GPU ${String(at)}`;
  const findings: Finding[] = [];
  const wanted = (declared?.memoryGiB ?? NaN) * 1024;
  if (Math.abs(gpu.memoryMiB - wanted) > wanted * TOLERANCE)
    findings.push(failed(name, `${gpu.name} has ${(gpu.memoryMiB / 1024).toFixed(1)} GiB of memory, and ${String(declared?.memoryGiB)} are declared`, 'Correct memoryGiB in ai.gpus, and with it the shares of the models.')); // prettier-ignore
  if (declared?.uuid !== undefined && declared.uuid !== gpu.uuid)
    findings.push(failed(name, `it is ${gpu.uuid}, and ${declared.uuid} is declared`, 'Another card is in its place, or their order has changed: correct ai.gpus.')); // prettier-ignore
  if (declared?.ecc !== undefined && known(gpu.ecc) && (gpu.ecc === 'Enabled') !== declared.ecc)
    findings.push(warning(name, `ECC is ${gpu.ecc.toLowerCase()}`, `sudo nvidia-smi -i ${String(at)} -e ${declared.ecc ? '1' : '0'}, then reboot`)); // prettier-ignore
  if (gpu.mig === 'Enabled')
    findings.push(failed(name, 'it is divided (MIG), and models are given whole GPUs', `sudo nvidia-smi -i ${String(at)} -mig 0, while no model runs on it`)); // prettier-ignore
  if (gpu.width < (declared?.pcieWidth ?? gpu.widthMax))
    findings.push(warning(name, `it uses ${String(gpu.width)} lanes of PCIe of ${String(declared?.pcieWidth ?? gpu.widthMax)}`, 'Take the card out and put it back in, with the machine off.')); // prettier-ignore
  if (driver?.version !== undefined && !isVersion(gpu.driver, driver.version))
    findings.push(warning(name, `driver ${gpu.driver} is loaded, and ${driver.version} is declared`, 'Apply, then reboot: citadel-iac apply HOST --reboot.')); // prettier-ignore
  return findings;
}

/** `[N/A]`: cards without it. */
function known(text: string): boolean {
  return text === 'Enabled' || text === 'Disabled';
}

/** Whether `580.95.05` is one of `580.*`, or `580.95.05-1`. */
function isVersion(version: string, pattern: string): boolean {
  const plain = pattern.replace(/-.*$/, '');
  return plain.endsWith('.*') ? version.startsWith(plain.slice(0, -1)) : version === plain || version.startsWith(`${plain}.`); // prettier-ignore
}
