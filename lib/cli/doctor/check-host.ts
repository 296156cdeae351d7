import type { Transport } from '../../engine/transport.js';
import { CitadelError, type Target } from '../../manifest/index.js';
import type { Fleet } from '../fleet.js';
import type { Shell } from '../shell.js';
import { EXAMINE, parseExamination } from './examination.js';
import { failed, ok, skipped, warning, type Finding } from './finding.js';
import { judgeExamination, judgeHostKeys, judgeState } from './judge.js';

/** For an offline root, which has no deadlines of its own. */
const EXAMINE_SEC = 30;

type SshWay = Extract<Target, { address: string }>;

/** Everything that an apply to `host` needs, in the order in which it is needed; what rests on a failure is skipped. */
export async function checkHost(shell: Shell, fleet: Fleet, host: string): Promise<Finding[]> {
  let target: Target;
  try {
    target = fleet.target(host);
  } catch (error) {
    return [...complaints('way to the host', error), skipped('everything else', 'no way to the host')];
  }
  if ('root' in target) {
    const opened = await attempt('directory', () => fleet.transport(host));
    if (!('value' in opened)) return opened.findings;
    return [ok('directory', target.root), ...(await checkInside(shell, fleet, host, opened.value))];
  }
  const way = await checkWay(fleet, host, target);
  if (way.some(({ status }) => status === 'failed'))
    return [...way, skipped('log-in, sudo, tools, space', 'not tried')];
  const opened = await attempt('log-in', () => fleet.transport(host));
  if (!('value' in opened)) return [...way, ...opened.findings, skipped('sudo, tools, space', 'not tried')];
  const login = ok('log-in', `as ${target.user}, with ${target.identityFile ?? 'a key of the SSH agent'}`);
  return [...way, login, ...(await checkInside(shell, fleet, host, opened.value, target.user))];
}

/** Reach and host key, without logging in. Behind a jump host both are seen by logging in only. */
async function checkWay(fleet: Fleet, host: string, target: SshWay): Promise<Finding[]> {
  const { address, port, hostKeys, jump, connectTimeoutSec } = target;
  if (jump !== undefined) return [skipped('reach, host key', `behind ${jump.address}: seen by logging in`)];
  const scan = await attempt('reach', () =>
    fleet.engine.scanHostKeys(host, address, port, connectTimeoutSec),
  );
  if (!('value' in scan)) return scan.findings;
  return [
    ok('reach', `${address}:${port} answers`),
    judgeHostKeys(host, scan.value, hostKeys, fleet.inventory.source.file),
  ];
}

async function checkInside(
  shell: Shell,
  fleet: Fleet,
  host: string,
  transport: Transport,
  user?: string,
): Promise<Finding[]> {
  const before = shell.now();
  const ran = await attempt('privilege', () =>
    transport.read(EXAMINE, Buffer.alloc(0), { deadlineSec: EXAMINE_SEC, ...fleet.readOptions(host) }),
  );
  if (!('value' in ran)) return [...ran.findings, skipped('tools, space', 'not tried')];
  const nowSec = (before + shell.now()) / 2000;
  const parsed = await attempt('examination', () =>
    Promise.resolve(parseExamination(ran.value.stdout.toString('utf8'), host)),
  );
  if (!('value' in parsed)) return parsed.findings;
  const offline = transport.kind === 'root';
  const state = await attempt('transaction', () =>
    fleet.engine.observe(transport, host, fleet.readOptions(host)),
  );
  return [
    judgePrivilege(parsed.value.uid, user),
    ...judgeExamination(parsed.value, nowSec, offline),
    ...('value' in state ? judgeState(host, state.value) : state.findings),
  ];
}

function judgePrivilege(uid: number, user: string | undefined): Finding {
  if (uid === 0)
    return ok(
      'privilege',
      user === undefined || user === 'root' ? 'root' : `${user} may sudo without a password`,
    );
  if (user === undefined) {
    return warning(
      'privilege',
      'this is not root: owners cannot be set, and are not compared',
      'Run citadel-iac as root to have them.',
    );
  }
  return failed(
    'privilege',
    `sudo runs programs as user ${uid}, not as root`,
    'Let sudo run commands as root for this account.',
  );
}

type Attempt<T> = { readonly value: T } | { readonly findings: Finding[] };

async function attempt<T>(name: string, action: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await action() };
  } catch (error) {
    return { findings: complaints(name, error) };
  }
}

function complaints(name: string, error: unknown): Finding[] {
  if (!(error instanceof CitadelError)) throw error;
  return error.problems.map((problem) => failed(name, problem.got, problem.fix));
}
