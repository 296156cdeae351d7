import type { SshFault, SshStep } from '../errors.js';
import { CLOSED_EARLY, greetingFault } from '../handshake-faults.js';
import { sshByHand } from '../by-hand.js';
import { lacksInterface, NO_INTERFACE, REFUSED } from '../tcp.js';
import { configurationFault, proxyCommandPlace } from './configuration.js';
import { type Failure, hostKeyFailure } from './host-key-failure.js';
import { readLog, type Seen } from './log.js';
import type { Machine } from './machines.js';
import { refusalFault } from './refusal.js';
import type { ConfiguredWay } from './configured-way.js';
import { wayFault } from './way-there.js';

const UNREACHABLE =
  'Check that the host is on, that the address is right, and the network and firewalls between. Try it by hand: ';
const LOG_FIX = 'Look at the host\'s log ("journalctl -u ssh") for the reason';

const NO_LINK = /Invalid argument|Could not resolve hostname|Network is unreachable|Cannot assign/;

export interface LoginEnd {
  readonly seen: Seen;
  readonly machine: Machine;
  /** What it and the programs it started (ProxyCommand) wrote to standard error. */
  readonly other: string;
  /** Whether it could ask on the terminal. */
  readonly mayAsk: boolean;
  /** It went through a jump host of the inventory, or directly if its own configuration says no other way. */
  readonly viaJump: boolean;
  readonly way: ConfiguredWay;
}

/** Why OpenSSH did not log in. */
export async function loginFailure({
  seen,
  machine,
  other,
  mayAsk,
  viaJump,
  way,
}: LoginEnd): Promise<Failure> {
  const { endpoint, hops } = machine;
  const { step } = seen;
  const lines = [...readLog(`${other}\n`).said, ...seen.said];
  const said = lines.join('\n');
  const byHand = `${UNREACHABLE}${sshByHand(endpoint, hops, '-v')}`;
  const fault = (kind: SshFault['kind'], got: string, fix: string, at: SshStep = step): Failure => ({
    fault: { step: at, kind, got, fix },
  });

  // What a host says before a log-in (its banner) stands among these lines from here on, and may be anything.
  if (step === 'authentication') return { fault: await refusalFault({ seen, endpoint, lines, mayAsk }) };
  // What a ProxyCommand says is another program's.
  const parsed = seen.proxied !== undefined || step !== 'tcp connect';
  const configuration = parsed ? undefined : configurationFault(lines, endpoint);
  if (configuration !== undefined) return { fault: configuration };
  const isOnItsWay =
    seen.proxied !== undefined && !viaJump && seen.serverVersion === '' && seen.strange === '';
  const onTheWay = isOnItsWay ? wayFault(seen, endpoint, way, other) : undefined;
  if (onTheWay !== undefined) return { fault: onTheWay };
  if (way.proxyCommand !== undefined && !viaJump && seen.strange !== '') {
    const { fault: strange } = fault(
      'protocol',
      `the ProxyCommand of your ssh_config leads to what is not an SSH server; it says ${inQuotes(seen.strange)}`,
      `Correct it in ${proxyCommandPlace(seen)}; nothing was sent to the host`,
    );
    return { fault: strange };
  }
  if (step === 'tcp connect' && lacksInterface(endpoint.address) && NO_LINK.test(said))
    return { fault: NO_INTERFACE };
  if (/Could not resolve hostname/.test(said)) {
    const { fault: unknown } = fault(
      'unknown-name',
      `the name does not resolve (${lastWith(lines, 'Could not resolve hostname')})`,
      'Correct the address, write an IP address, or name a host of your ssh_config',
    );
    return { fault: { ...unknown, about: ['address'] } };
  }
  if (/Connection refused/.test(said) && step === 'tcp connect' && !/channel \d+: open failed/.test(said))
    return { fault: REFUSED };
  if (/Connection timed out|Operation timed out|timed out during banner exchange/.test(said))
    return fault('timeout', 'no answer (ETIMEDOUT)', byHand);
  if (/No route to host|Network is unreachable|Cannot assign requested address/.test(said))
    return fault('unreachable', `no way to this address (${lines.at(-1) ?? ''})`, byHand);
  const hostKey = hostKeyFailure(seen, machine, said);
  if (hostKey !== undefined) return hostKey;
  if (/Unable to negotiate/.test(said)) {
    const certificates = /no matching host key type found\. Their offer: (\S+-cert-v01@openssh\.com)$/m.exec(
      said,
    )?.[1];
    if (certificates !== undefined) {
      const failure = fault(
        'host-key',
        `the host shows certificates only (${certificates}), and hostKeys pins no authority`,
        'Put the authority that signed them into hostKeys: "@cert-authority [NAME] SHA256:…", as "ssh-keygen -lf" prints its public key',
        'host key',
      );
      return { ...failure, certificatesOnly: true };
    }
    return fault(
      'protocol',
      lastWith(lines, 'Unable to negotiate'),
      `Your OpenSSH and the host share no algorithm: update the older one (${/mlkem768/.test(said) ? 'mlkem768 came with OpenSSH 9.9; ' : ''}"ssh -V"), or allow what the host offers in your ssh_config`,
      'key exchange',
    );
  }
  return { fault: { step, ...closedFault(seen, lines, byHand) } };
}

/** The connection ended before a log-in began. */
function closedFault(seen: Seen, lines: readonly string[], byHand: string): Omit<SshFault, 'step'> {
  const kind = 'connection-lost';
  const last = lines.at(-1);
  const got = last === undefined ? 'the connection was closed' : `the connection was closed (${last})`;
  const early = seen.serverVersion === '';
  const greeting = early ? greetingFault(seen.step, inQuotes(seen.strange)) : undefined;
  if (greeting !== undefined) return greeting;
  const hungUp = /^(kex_exchange_identification: |Connection (closed|reset) )/.test(last ?? '');
  const fix = seen.step === 'tcp connect' ? byHand : early ? CLOSED_EARLY : LOG_FIX;
  return { kind, got, fix, ...(early && hungUp && { dropped: 'silent' }) };
}

/** A line of a server as the built-in client shows it. */
function inQuotes(line: string): string {
  return line === '' ? '' : JSON.stringify(line.slice(0, 60).replace(/[^ -~]/g, '.'));
}

/** Why a connection that stood has ended. */
export function lossFault(seen: Seen, keepaliveSec: number): SshFault {
  const silent = seen.said.some((line) => /^Timeout, server .* not responding/.test(line));
  const last = seen.said.at(-1);
  return {
    step: 'exec',
    kind: 'connection-lost',
    got: silent
      ? `the host has not answered for ${String(Math.max(1, Math.ceil(keepaliveSec)) * 3)} s`
      : last === undefined
        ? 'the connection was closed'
        : `the connection was closed (${last})`,
    fix: 'Check the network and the host, then connect again; what the host was asked to do may have been done or not',
  };
}

function lastWith(lines: readonly string[], text: string): string {
  return lines.filter((line) => line.includes(text)).at(-1) ?? text;
}
