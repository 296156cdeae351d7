import { lookup } from 'node:dns/promises';
import { isBeforeLogIn, limitError } from '../connect.js';
import { forwardAdvice } from '../by-hand.js';
import { DroppedAgain } from '../dropped.js';
import { SshError, type SshFault, type SshParty } from '../errors.js';
import { mistypeOf } from '../host-key.js';
import { unusableAgent } from '../key-advice.js';
import { formatSeconds, type Limit, startLimit } from '../limit.js';
import type { Progress } from '../session.js';
import type { ConnectOptions, Person, SshAuth } from '../types.js';
import { loginFailure } from './faults.js';
import { configurationFault } from './configuration.js';
import { BadConfiguration, type ConfiguredWay, configuredWay, EndlessWay } from './configured-way.js';
import { makeFolder } from './folder.js';
import type { Failure } from './host-key-failure.js';
import { Leftovers } from './leftovers.js';
import type { Seen } from './log.js';
import { Login, type LoginPlan, NoSsh, type Via } from './login.js';
import { type Machine, nextTry } from './machines.js';
import { Mux } from './mux.js';
import { wayFault } from './way-there.js';

/** Seconds that a person has for all answers of one log-in; sshd's LoginGraceTime is 120 by default. */
const PERSON_SEC = 120;
/** Kinds of keys that a host may have, and one more. */
const MOST_TRIES = 4;

/** A master that has logged in. */
export interface Master {
  readonly mux: Mux;
  readonly login: Login;
  readonly left: Leftovers;
}

/**
 * Logs in; a host that shows a key which is not pinned is asked for its others before that is an alarm.
 *
 * @throws SshError with the step that failed, within `deadlineSec` (and, where a person may be asked, their time)
 */
export async function logIn(
  options: ConnectOptions,
  machine: Machine,
  via: Via | undefined,
  keepaliveSec: number,
): Promise<Master> {
  const { party } = machine;
  let way: ConfiguredWay = { hops: [] };
  const current: { login?: Login; dropped?: SshError } = {};
  const limit = startLimit(options.deadlineSec, options.signal, (kind) =>
    kind === 'timeout' &&
    current.dropped !== undefined &&
    isBeforeLogIn(progressOf(current.login, party).step)
      ? current.dropped
      : lateError(kind, current.login, machine, way, options),
  );
  const over = new AbortController();
  let alarm: SshError | undefined;
  const dropped = new DroppedAgain(options.deadlineSec);
  try {
    const { address } = machine.endpoint;
    if (via === undefined)
      way = await Promise.race([configuredWay(machine.endpoint, over.signal), limit.expired]);
    // A person may be asked by a jump host of ssh_config too, and OpenSSH counts that as time to connect.
    const patience = options.deadlineSec + (options.person === undefined ? 0 : PERSON_SEC);
    const connectSec =
      via === undefined && (await Promise.race([hasSeveralAddresses(address), limit.expired]))
        ? options.deadlineSec / 2
        : patience;
    for (let count = 1; ;) {
      const outcome = await tryOnce(options, machine, via, { way, keepaliveSec, connectSec }, limit, current);
      if ('mux' in outcome) return outcome;
      const { fault, hostKey } = outcome;
      const error = new SshError(party, fault, hostKey === undefined ? {} : { hostKey });
      if (fault.dropped !== undefined) {
        current.dropped = error;
        await Promise.race([dropped.wait(error), limit.expired]);
        continue;
      }
      // A host of certificates only is asked for one after all, so that its authority can be named: it is not trusted either.
      const asked = machine.next.withoutHostKeys === undefined || alarm !== undefined;
      if (outcome.certificatesOnly === true && !asked) {
        machine.next = {};
        continue;
      }
      // Asked for its other keys, the host has none: the first answer stands.
      if (fault.kind !== 'host-key') throw fault.kind === 'protocol' ? (alarm ?? error) : error;
      if (hostKey !== undefined && mistypeOf(hostKey, machine.endpoint.hostKeys) !== undefined) throw error;
      alarm ??= error;
      const next = count < MOST_TRIES ? nextTry(machine.next, outcome, machine.endpoint.hostKeys) : undefined;
      if (next === undefined) throw alarm;
      machine.next = next;
      count += 1;
    }
  } catch (error) {
    if (error instanceof EndlessWay) throw new SshError(party, endlessFault(error.message));
    const refused =
      error instanceof BadConfiguration
        ? configurationFault(error.message.split('\n'), machine.endpoint)
        : undefined;
    throw refused === undefined ? error : new SshError(party, refused);
  } finally {
    over.abort();
    limit.stop();
  }
}

function endlessFault(jump: string): SshFault {
  return {
    step: 'identity',
    kind: 'local',
    got: `ProxyJump of your ssh_config leads back to itself (${jump})`,
    fix: 'Write "ProxyJump none" for the first jump host there, before what says "ProxyJump" for all hosts',
  };
}

/** OpenSSH spends all of its time to connect on a first address that is dead: where there are others, that is half of ours. */
async function hasSeveralAddresses(name: string): Promise<boolean> {
  const addresses = await lookup(name, { all: true }).catch(() => []);
  return new Set(addresses.map((each) => each.address)).size > 1;
}

async function tryOnce(
  options: ConnectOptions,
  machine: Machine,
  via: Via | undefined,
  plan: Pick<LoginPlan, 'way' | 'keepaliveSec' | 'connectSec'>,
  limit: Limit,
  current: { login?: Login },
): Promise<Master | Failure> {
  const { person } = options;
  const { party, endpoint } = machine;
  const { auth } = endpoint;
  const agent = auth.kind === 'agent' ? auth.socket : auth.agentSocket;
  const folder = makeFolder();
  const left = new Leftovers(folder);
  try {
    const login = new Login({
      machine,
      via,
      folder,
      mayAsk: person !== undefined,
      ...plan,
      ...(agent !== undefined && { agent }),
    });
    current.login = login;
    left.stop = () => login.stop();
    const quiet = person === undefined ? undefined : tellOf(login, party, options.host, person);
    const ok = await ended(login, limit, options, party).finally(quiet);
    if (!ok) {
      const seen = login.seen();
      const other = login.other();
      const failure =
        forwardFailure(machine, seen, other, via) ??
        (await loginFailure({
          seen,
          machine,
          other,
          mayAsk: person !== undefined,
          viaJump: via !== undefined,
          way: plan.way,
        }));
      left.clear();
      return failure;
    }
    const mux = await Mux.open(login.socket, limit.expired).catch((error: unknown): never => {
      throw error instanceof SshError ? error : new SshError(party, masterFault(error), { cause: error });
    });
    left.stop = () => endMaster(mux.pid, 'SIGTERM');
    return { mux, login, left };
  } catch (error) {
    left.clear();
    if (error instanceof NoSsh) throw new SshError(party, NO_SSH, { cause: error });
    throw error;
  }
}

/** Resolves to whether OpenSSH logged in; a person's time at the questions of the log-in comes on top of the deadline. */
async function ended(
  login: Login,
  limit: Limit,
  { person, signal }: ConnectOptions,
  party: SshParty,
): Promise<boolean> {
  try {
    return await Promise.race([login.ended, limit.expired]);
  } catch (error) {
    const asking = askedBy(login, person) !== undefined;
    if (!asking || !(error instanceof SshError) || error.kind !== 'timeout') throw error;
    const longer = startLimit(PERSON_SEC, signal, (kind) =>
      limitError(kind, progressOf(login, party), PERSON_SEC, askedBy(login, person)),
    );
    return await Promise.race([login.ended, longer.expired]).finally(() => longer.stop());
  }
}

/** What OpenSSH may be waiting for that is not the host: it does not say that it asks. */
function askedBy(login: Login | undefined, person: Person | undefined): string | undefined {
  if (login === undefined || person === undefined) return undefined;
  const seen = login.seen();
  return seen.step === 'authentication' || isOnItsWay(seen)
    ? 'an answer to what OpenSSH asks (a second factor, a passphrase, a touch)'
    : undefined;
}

/** Ends the process of a master; it says goodbye to the host by itself. */
export function endMaster(pid: number, signal: NodeJS.Signals): void {
  try {
    if (pid > 0) process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}

function progressOf(login: Login | undefined, party: SshParty): Progress {
  return { party, step: login === undefined ? 'tcp connect' : login.seen().step };
}

/** The machine in between let us in, and then did not reach this one. */
function forwardFailure(
  { endpoint }: Machine,
  seen: Seen,
  other: string,
  via: Via | undefined,
): Failure | undefined {
  if (via === undefined || seen.loggedIn || !/Stdio forwarding request failed/.test(other)) return undefined;
  // All hosts behind it are in this one log: a reason that is not the only one may be another host's.
  const reasons = new Set(
    via.seen().said.flatMap((line) => /^channel \d+: open failed: (.*)$/.exec(line)?.[1] ?? []),
  );
  const [reason] = reasons;
  return {
    fault: {
      step: 'tcp connect',
      kind: 'unreachable',
      got: `the jump host ${via.address} cannot reach it${reasons.size === 1 ? ` (${String(reason)})` : ''}`,
      fix: forwardAdvice('on the jump host', seen.target ?? endpoint),
    },
  };
}

const TELL_MS = 150;

/** Passes on what OpenSSH says to the person, and that a key waits for a touch, which it says on a terminal only. */
function tellOf(login: Login, party: SshParty, host: string, person: Person): () => void {
  const told = new Set<string>();
  const tell = (line: string): void => {
    if (told.has(line)) return;
    told.add(line);
    person.tell(line);
  };
  const look = (): void => {
    const seen = login.seen();
    if (seen.step !== 'authentication') return;
    const name = party.host === host ? host : `${party.host} (${party.address})`;
    for (const line of seen.said) tell(`${name}: ${line}`);
    if (seen.touch !== undefined) tell(`${name}: touch the security key (${seen.touch})`);
  };
  const timer = setInterval(look, TELL_MS);
  return () => clearInterval(timer);
}

/** What OpenSSH has started to reach the host (ProxyJump, ProxyCommand) is still at it. */
function isOnItsWay({ proxied, serverVersion }: Seen): boolean {
  return proxied !== undefined && serverVersion === '';
}

function lateError(
  kind: 'timeout' | 'aborted',
  login: Login | undefined,
  { party, endpoint }: Machine,
  way: ConfiguredWay,
  { deadlineSec, person }: ConnectOptions,
): SshError {
  const configured = way.hops.length > 0 || way.proxyCommand !== undefined;
  if (kind === 'timeout' && configured && login !== undefined && isOnItsWay(login.seen())) {
    const fault = wayFault(login.seen(), endpoint, way, login.other(), deadlineSec);
    if (fault !== undefined) return new SshError(party, fault);
  }
  if (kind === 'timeout' && login?.seen().asksAgent === true)
    return new SshError(party, silentAgent(endpoint.auth, deadlineSec));
  return limitError(kind, progressOf(login, party), deadlineSec, askedBy(login, person));
}

function silentAgent(auth: SshAuth, seconds: number): SshFault {
  const socket = auth.kind === 'agent' ? auth.socket : auth.agentSocket;
  const advice = unusableAgent(socket ?? '?', `no answer within ${formatSeconds(seconds)}`);
  return { step: 'identity', kind: 'identity', ...advice };
}

const NO_SSH: SshFault = {
  step: 'identity',
  kind: 'local',
  got: 'there is no program "ssh" in the PATH',
  fix: 'Install OpenSSH 8.5 or newer, or leave "client: system" out',
};

function masterFault(error: unknown): SshFault {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (/^(ECONNRESET|EPIPE)$/.test(code)) {
    return {
      step: 'open channel',
      kind: 'connection-lost',
      got: `the connection was closed right after the log-in (${code})`,
      fix: 'Run it again; if it stays, look at what stands between this machine and the host, and at the host\'s log ("journalctl -u ssh")',
    };
  }
  return {
    step: 'open channel',
    kind: 'local',
    got: `OpenSSH logged in, and its connection cannot be shared (${error instanceof Error ? error.message : String(error)})`,
    fix: 'The system client wants OpenSSH 8.5 or newer with control sockets, which Windows does not have: look at "ssh -V"',
  };
}
