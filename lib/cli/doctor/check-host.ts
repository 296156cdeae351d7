import type { Transport } from '../../engine/transport.js';
import { CitadelError, hopsOf, type Target } from '../../manifest/index.js';
import type { Fleet } from '../fleet.js';
import type { Shell } from '../shell.js';
import { isOfJumpHost } from '../ssh-place.js';
import { hostPort } from '../../text/address.js';
import { EXAMINE, parseExamination } from './examination.js';
import { failed, ok, skipped, warning, type Finding } from '../../site/finding.js';
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
  const opened = await openHost(fleet, host);
  if (!('transport' in opened)) return judgeClosed(fleet, host, target, opened.error);
  const { transport } = opened;
  // The host says what other keys it has right after the log-in: by the end of the examination that has come.
  const inside = await checkInside(shell, fleet, host, transport, target.user);
  const { hostKeys, user, identityFile } = target;
  const { file } = fleet.inventory.source;
  // OpenSSH tries keys of its own configuration after the one that is named, and does not say which one it was.
  const by =
    target.client === 'system' ? 'by your own OpenSSH' : `with ${identityFile ?? 'a key of the SSH agent'}`;
  return [
    ok('reach', answers(target, transport)),
    transport.hostKeys === undefined
      ? ok('host key', 'pinned')
      : judgeHostKeys(host, transport.hostKeys, hostKeys, file),
    ok('log-in', `as ${user}, ${by}`),
    ...inside,
  ];
}

/** An address may be a name of ssh_config, which then says port and address. */
function answers({ address, port, client }: SshWay, transport?: Transport): string {
  const { reached } = transport ?? {};
  if (client !== 'system') return `${hostPort(address, port)} answers`;
  const asked = port === 22 ? address : hostPort(address, port);
  const at = reached === undefined ? '' : hostPort(reached.address, reached.port);
  return at === '' || at === hostPort(address, port) ? `${asked} answers` : `${asked} answers, at ${at}`;
}

async function openHost(
  fleet: Fleet,
  host: string,
): Promise<{ readonly transport: Transport } | { readonly error: CitadelError }> {
  try {
    return { transport: await fleet.transport(host) };
  } catch (error) {
    if (error instanceof CitadelError) return { error };
    throw error;
  }
}

/** Nothing is known of the host: it did not answer as one, or this side did not get as far as to ask it. */
const UNREACHED: readonly string[] = ['ssh.unreachable', 'ssh.protocol', 'ssh.lost', 'ssh.local'];

/** What is known of a host that did not let us in: one connection was made, and it is not asked again what it said. */
async function judgeClosed(
  fleet: Fleet,
  host: string,
  target: SshWay,
  error: CitadelError,
): Promise<Finding[]> {
  const { address, port, hostKeys, connectTimeoutSec } = target;
  const { file } = fleet.inventory.source;
  const rest = skipped('sudo, tools, space', 'not tried');
  const reached = ok('reach', answers(target));
  const [first] = error.problems;
  const code = first?.code ?? '';
  if (first !== undefined && isOfJumpHost(first, host)) {
    return [
      ...complaints('jump host', error),
      skipped('reach, host key, log-in, sudo, tools, space', 'behind the jump host'),
    ];
  }
  if (UNREACHED.includes(code))
    return [...complaints('reach', error), skipped('log-in, sudo, tools, space', 'not tried')];
  if (code === 'ssh.host-key') {
    return [reached, ...complaints('host key', error), skipped('log-in, sudo, tools, space', 'not tried')];
  }
  if (code !== 'ssh.identity')
    return [reached, ok('host key', 'pinned'), ...complaints('log-in', error), rest];
  // Nothing could be offered, so nothing may have been asked yet; behind a jump host nothing can be.
  const login = [...complaints('log-in', error), rest];
  const hop = hopsOf(target).at(-1);
  if (hop !== undefined) return [skipped('reach, host key', `behind ${hop.address}`), ...login];
  if (target.client === 'system') return [skipped('reach, host key', 'by your own OpenSSH'), ...login];
  const scan = await attempt('reach', () =>
    fleet.engine.scanHostKeys(host, address, port, connectTimeoutSec, hostKeys),
  );
  if (!('value' in scan)) return [...scan.findings, ...login];
  return [reached, judgeHostKeys(host, scan.value, hostKeys, file), ...login];
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
    ...(offline ? [] : await askRoles(shell, fleet, host, transport)),
  ];
}

/** What roles look at on their hosts. */
async function askRoles(shell: Shell, fleet: Fleet, host: string, transport: Transport): Promise<Finding[]> {
  const inventory = fleet.inventory.hosts[host];
  if (inventory === undefined) return [];
  const { roles = [] } = await shell.app();
  const examiners = roles.flatMap(({ examine }) => examine?.(inventory) ?? []);
  const found = examiners.map(async ({ name, script, judge }) => {
    const program = { name, script, effect: 'read' } as const;
    const ran = await attempt(name, () =>
      transport.read(program, Buffer.alloc(0), { deadlineSec: EXAMINE_SEC, ...fleet.readOptions(host) }),
    );
    return 'value' in ran ? judge(ran.value.stdout.toString('utf8')) : ran.findings;
  });
  return (await Promise.all(found)).flat();
}

function judgePrivilege(uid: number, user: string | undefined): Finding {
  if (uid === 0)
    return ok('privilege', user === undefined || user === 'root' ? 'root' : `${user} becomes root`);
  if (user === undefined) {
    return warning(
      'privilege',
      'this is not root: owners cannot be set, and are not compared',
      'Run citadel-iac as root to have them.',
    );
  }
  return failed(
    'privilege',
    `programs run as user ${uid}, not as root`,
    'Let the account run commands as root, or set "become: sudo" under ssh.',
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
