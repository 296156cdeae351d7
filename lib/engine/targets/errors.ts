import { CitadelError, type Problem } from '../../manifest/index.js';
import { SshError, type SshErrorKind } from '../../ssh/index.js';

/** Problem codes by what went wrong on the way; a deadline that passes is `ssh.unreachable` until we are logged in. */
const CODES: Readonly<Record<SshErrorKind, string>> = {
  timeout: 'ssh.timeout',
  refused: 'ssh.unreachable',
  unreachable: 'ssh.unreachable',
  'unknown-name': 'ssh.unreachable',
  'host-key': 'ssh.host-key',
  protocol: 'ssh.protocol',
  auth: 'ssh.auth',
  identity: 'ssh.identity',
  channel: 'ssh.channel',
  'connection-lost': 'ssh.lost',
  aborted: 'ssh.aborted',
  local: 'ssh.local',
  'too-much': 'ssh.too-much',
};

/** `[ai-node] agent0@192.168.10.35:22: tcp connect: connection refused: … Start sshd there, …` */
export function sshProblem(error: SshError): Problem {
  const loggedIn = error.step === 'open channel' || error.step === 'exec';
  const unreachable = !loggedIn && (error.kind === 'timeout' || error.kind === 'connection-lost');
  return {
    code: unreachable ? 'ssh.unreachable' : CODES[error.kind],
    path: error.host,
    got: `${error.address}: ${error.step}: ${error.got}`,
    fix: error.fix,
    ...(error.about !== undefined && { about: error.about }),
  };
}

/** For `catch`: an error of the SSH room in the product's words, any other as it is. */
export function asCitadelError(error: unknown): unknown {
  return error instanceof SshError ? new CitadelError(sshProblem(error), { cause: error }) : error;
}

/** The answer of a person or of an agent that a log-in waited for when it was called off; `undefined`: it waited for none. */
export function waitedFor(error: unknown): string | undefined {
  const cause = error instanceof CitadelError ? error.cause : undefined;
  return cause instanceof SshError ? cause.waitedFor : undefined;
}

/**
 * True for an error of a transport that says that an established connection ended while the host was at work: the host may have
 * done all of it, a part or nothing, and a new connection can ask.
 */
export function isConnectionLost(error: unknown): boolean {
  return error instanceof CitadelError && error.problems.some((problem) => problem.code === 'ssh.lost');
}
