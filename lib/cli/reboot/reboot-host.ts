import { setTimeout as sleep } from 'node:timers/promises';
import { NodeExporter } from '../../constructs/monitoring/node-exporter.js';
import type { CommandAnswer, HostStatus } from '../../engine/model.js';
import { CitadelError } from '../../manifest/index.js';
import type { RebootCare } from '../../site/index.js';
import type { Fleet } from '../fleet.js';
import type { Shell } from '../shell.js';

export interface RebootProps {
  readonly care: readonly RebootCare[];
  /** Seconds until the host must have booted and proved itself. */
  readonly seconds: number;
  readonly onProgress: (text: string) => void;
}

/** Seconds for one proof. */
const PROOF_SEC = 120;
/** Seconds that the units which are stopped before may take. */
const DRAIN_SEC = 600;
/** Milliseconds between two looks at a host that is not there yet: few at first, then this. */
const LOOK_MS = { first: 250, most: 3000 } as const;
/** Later than this command's own answer. */
const REBOOT = [
  'systemd-run',
  '--quiet',
  '--on-active=1',
  '--timer-property=AccuracySec=100ms',
  'systemctl',
  'reboot',
];

/**
 * Drains a host, reboots it, waits for its new boot, and proves it: no unit has failed that had not before, and what roles ask for holds.
 *
 * @returns what is still owed: `HostStatus.reboot` of afterwards
 * @throws CitadelError `reboot.…`, with the state that the host is in
 */
export async function rebootHost(
  shell: Shell,
  fleet: Fleet,
  host: string,
  { care, seconds, onProgress }: RebootProps,
): Promise<readonly string[]> {
  const until = shell.now() + seconds * 1000;
  const leftSec = (): number => Math.max(1, Math.ceil((until - shell.now()) / 1000));
  const ask = async (words: readonly string[], most: number): Promise<CommandAnswer> =>
    fleet.engine.command(
      await fleet.transport(host),
      { words, who: shell.who, seconds: Math.max(1, Math.min(most, leftSec())) },
      shell.signal,
    );
  const before = await statusOf(fleet, host);
  if (before.open !== null)
    throw refusal(host, 'open', 'a transaction on it has not ended; nothing was done', 'End it first: citadel-iac resolve HOST, or the next apply.'); // prettier-ignore
  if (before.boot === undefined)
    throw refusal(host, 'offline', 'it does not say which boot it is in; nothing was done', 'Only a live host with a kernel of its own can be rebooted.'); // prettier-ignore
  const failedBefore = await failedUnits(ask);
  for (const unit of new Set(care.flatMap(({ drain }) => drain))) {
    onProgress(`stopping ${unit}`);
    const { exitCode, stderr } = await ask(['sh', '-c', STOP, 'sh', unit], DRAIN_SEC);
    if (exitCode !== 0)
      throw refusal(host, 'drain', `${unit} does not stop: ${firstLine(stderr)}; it was not rebooted`, `Look: systemctl status ${unit}. To start it again: systemctl start ${unit}`); // prettier-ignore
  }
  onProgress('rebooting');
  const { exitCode, stderr } = await ask(REBOOT, 30);
  if (exitCode !== 0)
    throw refusal(host, 'command', `it was not rebooted: ${firstLine(stderr)}`, 'Look at systemd on the host: systemctl is-system-running'); // prettier-ignore
  await newBoot(fleet, host, before.boot, leftSec, shell);
  onProgress('starting its services');
  await ask(['systemctl', 'is-system-running', '--wait'], seconds);
  const failed = (await failedUnits(ask)).filter((unit) => !failedBefore.includes(unit));
  if (failed.length > 0)
    throw refusal(host, 'units', `it has booted, and ${failed.join(', ')} failed`, `Look: journalctl -b -u ${String(failed[0])}`); // prettier-ignore
  for (const { name, command } of care.flatMap(({ proofs }) => proofs)) {
    onProgress(`proving: ${name}`);
    const answer = await ask(command, PROOF_SEC);
    if (answer.exitCode !== 0)
      throw refusal(host, 'proof', `it has booted, and ${name} fails: ${firstLine(answer.stderr || answer.stdout)}`, 'Look at the driver of the GPUs: docs/gpu.md.'); // prettier-ignore
  }
  return (await statusOf(fleet, host)).reboot;
}

/** A host that lacks the unit has nothing to stop. */
const STOP = 'systemctl cat -- "$1" >/dev/null 2>&1 || exit 0; exec systemctl stop -- "$1"';

async function statusOf(fleet: Fleet, host: string): Promise<HostStatus> {
  return fleet.engine.status(await fleet.transport(host), NodeExporter.TEXTFILES, fleet.readOptions(host));
}

/** Waits until the host answers from another boot. */
async function newBoot(
  fleet: Fleet,
  host: string,
  before: string,
  leftSec: () => number,
  shell: Shell,
): Promise<void> {
  for (let wait: number = LOOK_MS.first; ; wait = Math.min(wait * 2, LOOK_MS.most)) {
    await sleep(wait, undefined, { signal: shell.signal });
    await fleet.forget(host);
    try {
      const { boot } = await statusOf(fleet, host);
      if (boot !== undefined && boot !== before) return;
    } catch (error) {
      // What answers with another key is not waited for: a person has to look.
      if (shell.signal.aborted || isForGood(error)) throw error;
    }
    if (leftSec() <= 1)
      throw refusal(host, 'time', 'it was rebooted and has not come back in time', 'Look at its console; for a longer wait: --timeout'); // prettier-ignore
  }
}

function isForGood(error: unknown): boolean {
  return error instanceof CitadelError && error.problems.some(({ code }) => code.startsWith('ssh.host-key'));
}

async function failedUnits(
  ask: (words: readonly string[], most: number) => Promise<CommandAnswer>,
): Promise<string[]> {
  const { stdout } = await ask(
    ['systemctl', 'list-units', '--failed', '--plain', '--no-legend', '--full'],
    30,
  );
  return stdout.split('\n').flatMap((line) => line.trim().split(/\s+/)[0] || []);
}

function firstLine(text: string): string {
  return text.trim().split('\n').at(-1)?.slice(0, 300) || 'it says nothing';
}

function refusal(host: string, kind: string, got: string, fix: string): CitadelError {
  return new CitadelError({ code: `reboot.${kind}`, path: host, got, fix });
}
