import type { OfferedHostKey, SshFault, SshStep } from '../errors.js';
import { CLOSED_EARLY, greetingFault } from '../handshake-faults.js';
import { isPinned, unpinnedFault } from '../host-key.js';
import type { SshEndpoint } from '../types.js';
import type { Seen } from './log.js';

export interface Failure {
  readonly fault: SshFault;
  readonly hostKey?: OfferedHostKey;
}

const UNREACHABLE =
  'Check that the host is on, that the address is right, and the network and firewalls between. Try it by hand: "ssh -v';
/** OpenSSH's last line where the other side ended the connection, and no refusal came before it. */
const HUNG_UP = /^(Connection (closed|reset) by|Disconnected from|Timeout, server|Read from remote host) /;
const LOG_FIX = 'Look at the host\'s log ("journalctl -u ssh") for the reason';

/**
 * Why OpenSSH did not log in.
 *
 * @param other what it and the programs it started (ProxyCommand) wrote to standard error
 */
export function loginFailure(seen: Seen, endpoint: SshEndpoint, other: string, mayAsk: boolean): Failure {
  const { step } = seen;
  const lines = [
    ...seen.said,
    ...other.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('debug')),
  ];
  const said = lines.join('\n');
  const byHand = `${UNREACHABLE} ${endpoint.user}@${endpoint.address}"`;
  const fault = (kind: SshFault['kind'], got: string, fix: string, at: SshStep = step): Failure => ({
    fault: { step: at, kind, got, fix },
  });

  // What a host says before a log-in (its banner) stands among these lines from here on, and may be anything.
  if (step === 'authentication') return { fault: authenticationFault(seen, endpoint, lines, mayAsk) };
  const configuration =
    /^(.*(?:Bad configuration option|[Bb]ad configuration|line \d+: .*|keyword .*))$/m.exec(said)?.[1];
  if (
    step === 'tcp connect' &&
    configuration !== undefined &&
    /config|command-line|line \d+/.test(configuration)
  ) {
    return fault(
      'local',
      `OpenSSH does not take its configuration (${configuration})`,
      'Correct your ssh_config; the system client wants OpenSSH 8.5 or newer ("ssh -V")',
      'identity',
    );
  }
  if (/Could not resolve hostname/.test(said)) {
    return fault(
      'unknown-name',
      `the name does not resolve (${lastWith(lines, 'Could not resolve hostname')})`,
      'Correct the address, write an IP address, or name a host of your ssh_config',
    );
  }
  if (/Connection refused/.test(said) && step === 'tcp connect' && !/channel \d+: open failed/.test(said))
    return fault(
      'refused',
      'connection refused: nothing listens on this port',
      'Start sshd there, or correct address and port',
    );
  if (/Connection timed out|Operation timed out|timed out during banner exchange/.test(said))
    return fault('timeout', 'no answer (ETIMEDOUT)', byHand);
  if (/No route to host|Network is unreachable|Cannot assign requested address/.test(said))
    return fault('unreachable', `no way to this address (${lines.at(-1) ?? ''})`, byHand);
  const hostKey = hostKeyFailure(seen, endpoint, said);
  if (hostKey !== undefined) return hostKey;
  if (/Unable to negotiate/.test(said)) {
    const certificates = /no matching host key type found\. Their offer: (\S+-cert-v01@openssh\.com)$/m.exec(
      said,
    )?.[1];
    if (certificates !== undefined) {
      return fault(
        'protocol',
        `the host shows certificates only (${certificates}), and hostKeys pins no authority`,
        'Put the authority that signed them into hostKeys: "@cert-authority [NAME] SHA256:…", as "ssh-keygen -lf" prints its public key',
        'host key',
      );
    }
    return fault(
      'protocol',
      lastWith(lines, 'Unable to negotiate'),
      'Your OpenSSH and the host share no algorithm: update the older one, or allow what the host offers in your ssh_config',
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

function hostKeyFailure(seen: Seen, endpoint: SshEndpoint, said: string): Failure | undefined {
  const { hostKey, authority } = seen;
  const step = 'host key';
  const kind = 'host-key';
  if (/incorrect signature|signature verification failed/.test(said)) {
    return {
      fault: {
        step,
        kind,
        got: 'the host shows a pinned key but cannot prove that it owns it',
        fix: 'Another machine is answering for the host; nothing was sent to it. Look at the address and the network',
      },
    };
  }
  if (!/Host key verification failed|No .* host key is known|host key .* revoked/i.test(said))
    return undefined;
  if (hostKey === undefined) return undefined;
  const certificate = /Certificate invalid: (.*)$/m.exec(said)?.[1];
  if (certificate !== undefined) {
    return {
      fault: {
        step,
        kind,
        got: `the host shows a certificate of a pinned authority (${authority ?? 'unknown'}) that is not valid for it: ${certificate}`,
        fix: 'Let the authority sign one for this host ("ssh-keygen -Lf" shows what it says), or write the name that it is for into the pin: "@cert-authority NAME SHA256:…"',
      },
      hostKey,
    };
  }
  if (authority !== undefined) {
    return {
      fault: {
        step,
        kind,
        got: `the host shows a certificate of the authority ${authority}, and neither that nor the key ${hostKey.fingerprint} is pinned (pinned: ${endpoint.hostKeys.join(', ') || 'nothing'})`,
        fix: 'Compare the authority\'s fingerprint with "ssh-keygen -lf" of its public key, where that is kept; when they are equal, put "@cert-authority SHA256:…" into hostKeys. Nothing was sent to the host',
      },
      hostKey,
    };
  }
  if (isPinned(hostKey, endpoint.hostKeys)) return undefined;
  return { fault: unpinnedFault([hostKey], endpoint.hostKeys), hostKey };
}

function authenticationFault(
  seen: Seen,
  endpoint: SshEndpoint,
  lines: readonly string[],
  mayAsk: boolean,
): SshFault {
  const step = 'authentication';
  const words = endpoint.auth.kind === 'identity' ? `the key ${endpoint.auth.path}` : 'what your OpenSSH has';
  const keys = seen.offered === 1 ? '1 key' : `${String(seen.offered)} keys`;
  if (seen.partial) {
    return {
      step,
      kind: 'auth',
      got: `the host took the first proof and also wants ${seen.methods}, ${mayAsk ? 'which was not given' : 'which cannot be given without a terminal'}`,
      fix: mayAsk
        ? 'Run it again and answer its question'
        : 'Run it on a terminal, or let the host ask for no second factor for this account',
    };
  }
  const tooMany = lines.find((line) => /Too many authentication failures/.test(line));
  const last = lines.at(-1) ?? '';
  if (tooMany === undefined && HUNG_UP.test(last)) {
    return {
      step,
      kind: 'connection-lost',
      got: `the host hung up while logging in (${last})`,
      fix: `The host waits for a log-in as long as LoginGraceTime in its sshd_config says; otherwise look${LOG_FIX.slice('Look'.length)}`,
    };
  }
  const agent = lines.find((line) => /agent refused operation|sign_and_send_pubkey: /.test(line));
  const locked = lines.find((line) => /^Load key /.test(line));
  const reason =
    tooMany !== undefined ? ` (Too many authentication failures, after ${keys})` : bracketed(agent ?? locked);
  const ask = mayAsk ? '' : ' A passphrase, a PIN or a second factor is asked for on a terminal only;';
  return {
    step,
    kind: 'auth',
    got: `the host does not let user "${endpoint.user}" in with ${words}${reason}`,
    fix:
      tooMany !== undefined
        ? 'Name the one key or certificate as identityFile, or raise MaxAuthTries on the host'
        : `${ask === '' ? '' : `${ask.trim()} load the key into an agent where there is none. `}Renew the certificate (its validity: "ssh-keygen -Lf FILE-cert.pub"), or add the public key to ~${endpoint.user}/.ssh/authorized_keys on the host; ${keys} offered. It may also be AllowUsers or AuthorizedPrincipalsFile there; the host's log says which`,
  };
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

function bracketed(text: string | undefined): string {
  return text === undefined ? '' : ` (${text})`;
}
