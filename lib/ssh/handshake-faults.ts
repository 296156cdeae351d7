import { offeredAlgorithms } from './algorithms.js';
import { isCertificate } from './certificate.js';
import type { SshFault, SshParty, SshStep } from './errors.js';
import type { FirstBytes, ServerOffer } from './first-bytes.js';
import type { Credentials } from './identity.js';
import { addKey, AGENT_ASKS, noKeys } from './key-advice.js';
import { errorCode } from './tcp.js';

/** An error of `ssh2`, with the layer that it comes from. */
export type Ssh2Error = Error & { readonly level?: string };

/** What is known of a connection that is being made. */
export interface Handshake {
  readonly party: SshParty;
  readonly step: SshStep;
  readonly firstBytes: FirstBytes;
  readonly credentials?: Credentials;
  /**
   * Keys that the host refused, or accepted without being content (`partial`: the methods that it also wants), and the methods that
   * it takes from the account.
   */
  readonly refusals: { count: number; partial?: readonly string[]; methods?: readonly string[] };
  /** The last line that the host told the account, since it was shown a key. */
  readonly said?: string | undefined;
  /** The agent's own error. */
  readonly agentTrouble?: string | undefined;
  /** What is being waited for, where it is not the host. */
  readonly waiting?: string | undefined;
}

const LOG = 'look at the host\'s log ("journalctl -u ssh") for the reason';
const LOG_FIX = `${LOG.charAt(0).toUpperCase()}${LOG.slice(1)}`;

/** What an error of `ssh2` means at this point. */
export function handshakeFault(error: Ssh2Error, handshake: Handshake): SshFault {
  const { step } = handshake;
  const lost = error.level === 'client-socket' || /connection lost/i.test(error.message);
  if (step === 'authentication' && !lost) return authFault(error, handshake);
  if (lost) return closedEarlyFault(handshake, errorCode(error));
  if (/signature verification failed/i.test(error.message)) {
    return {
      step: 'host key',
      kind: 'host-key',
      got: 'the host shows a pinned key but cannot prove that it owns it',
      fix: 'Another machine is answering for the host; nothing was sent to it. Look at the address and the network',
    };
  }
  const { offer, strange } = handshake.firstBytes;
  const kind = /no matching (.*)$/i.exec(error.message)?.[1];
  if (offer !== undefined && kind !== undefined) return nothingShared(handshake, kind, offer);
  if (strange !== '') return notSsh(step, strange);
  return {
    step,
    kind: 'protocol',
    got: error.message,
    fix: 'Check that this port is an SSH server, OpenSSH 7.2 or newer',
  };
}

/**
 * Why a server hung up that said this in the place of an SSH version; `undefined` where it said nothing.
 *
 * @param strange its first line, in quotes
 */
export function greetingFault(step: SshStep, strange: string): SshFault | undefined {
  const kind = 'connection-lost';
  if (/Exceeded MaxStartups/.test(strange)) {
    return {
      step,
      kind,
      got: 'sshd dropped the connection, because too many others were being made at that time (MaxStartups)',
      dropped: 'busy',
      fix: 'Try again; if it happens often, look who connects there ("journalctl -u ssh"), or raise MaxStartups in its sshd_config',
    };
  }
  if (/Not allowed at this time/.test(strange)) {
    return {
      step,
      kind,
      // OpenSSH 9.8 and newer say the same of both.
      got: 'sshd takes no connection from this address now (PerSourcePenalties or MaxStartups)',
      dropped: 'silent',
      fix: 'The host\'s log says which ("journalctl -u ssh"). Penalties: something at this address, or behind the same address translation, failed to log in or connected without logging in too often; wait a minute (PerSourcePenaltyExemptList in its sshd_config exempts an address). MaxStartups: others were logging in at that time; try again, or raise it',
    };
  }
  return strange === '' ? undefined : notSsh(step, strange);
}

/** What may be between, where a connection is closed before the server has said its version. */
export const CLOSED_EARLY =
  'Something between may be in the way (a firewall, a load balancer without a host behind it), or sshd refuses this address for a while (PerSourcePenalties, fail2ban): ' +
  LOG;

/** The host hung up before we were logged in. @param code the system's name of the error, if there was one */
export function closedEarlyFault(handshake: Handshake, code = ''): SshFault {
  const { step, firstBytes, waiting } = handshake;
  const kind = 'connection-lost';
  const greeting = greetingFault(step, firstBytes.strange);
  if (greeting !== undefined) return greeting;
  if (waiting !== undefined) {
    return {
      step,
      kind,
      got: `the host hung up while this side waited for ${waiting}`,
      fix: 'It waits for a log-in as long as LoginGraceTime in its sshd_config says (120 s by default): answer sooner, and run it again',
    };
  }
  const got = code === '' ? 'the host closed the connection' : `the connection broke (${code})`;
  if (step === 'authentication' && handshake.said !== undefined)
    return hungUpFault(handshake.party.user, got, handshake.said);
  return step === 'key exchange'
    ? { step, kind, got, fix: CLOSED_EARLY, ...(!firstBytes.any && { dropped: 'silent' }) }
    : { step, kind, got, fix: LOG_FIX };
}

/**
 * The host ended a log-in that had begun.
 *
 * @param said what it told the account just before that, if anything: PAM gives its reason so
 */
export function hungUpFault(user: string, got: string, said: string | undefined): SshFault {
  const step = 'authentication';
  if (said === undefined) {
    const fix = `The host waits for a log-in as long as LoginGraceTime in its sshd_config says; /etc/nologin or /run/nologin there lets only root in; otherwise ${LOG}`;
    return { step, kind: 'connection-lost', got, fix };
  }
  const shown = said.replace(/[^ -~]/g, '.').slice(0, 200);
  if (/pam_nologin|not permitted to log in/.test(said)) {
    return {
      step,
      kind: 'auth',
      got: `${got}: it lets only root in now (${JSON.stringify(shown)})`,
      fix: 'That is what /run/nologin says there, which systemd writes while a host starts and goes down, or /etc/nologin: wait, or remove the file on the host',
    };
  }
  return {
    step,
    kind: 'auth',
    got: `${got}, after it had said ${JSON.stringify(shown)}`,
    fix: /expired/i.test(said)
      ? `On the host, as root: "chage -l ${user}" shows until when the account is good, "chage -E -1 ${user}" sets no end`
      : `It is what PAM says of the account ("account" in /etc/pam.d/sshd) on the host, or what /etc/nologin or /run/nologin says there, which let only root in; ${LOG}`,
    about: ['user'],
  };
}

function notSsh(step: SshStep, strange: string): SshFault {
  return {
    step,
    kind: 'protocol',
    got: `what answers is not an SSH server; it says ${strange}`,
    fix: 'Correct address and port: something else listens there',
    about: ['port|address'],
  };
}

type Lists = readonly [
  pattern: RegExp,
  name: string,
  theirs: keyof ServerOffer,
  ours: keyof ReturnType<typeof offeredAlgorithms>,
];
const KEX: Lists = [/key exchange/i, 'key exchange', 'kex', 'kex'];
/** What the two sides do not share, from `ssh2`'s name for it. */
const SHARED: readonly Lists[] = [
  KEX,
  [/host key/i, 'host key', 'hostKey', 'serverHostKey'],
  [/cipher/i, 'cipher', 'cipher', 'cipher'],
  [/mac/i, 'MAC', 'mac', 'hmac'],
];

function nothingShared({ step, party }: Handshake, kind: string, offer: ServerOffer): SshFault {
  const [, name, theirs, ours] = SHARED.find(([pattern]) => pattern.test(kind)) ?? KEX;
  // Markers of protocol extensions stand among the key exchanges.
  const has = offer[theirs].filter((each) => !/^(ext-info|kex-strict)-/.test(each));
  const can = offeredAlgorithms()[ours];
  if (name === 'host key' && has.every(isCertificate)) return certificatesOnly(party, has);
  return {
    step,
    kind: 'protocol',
    got: `no ${name} that both sides have. The host has: ${has.join(', ')}. This client has: ${can.join(', ')}`,
    fix: sharedFix(name, has),
  };
}

function certificatesOnly({ address, port }: SshParty, has: readonly string[]): SshFault {
  const show = `ssh-keyscan -c -p ${String(port)} ${address} 2>/dev/null | grep -o '[^ ]*-cert-v01@.*' | ssh-keygen -Lf -`;
  return {
    step: 'host key',
    kind: 'host-key',
    got: `the host shows certificates only (${has.join(', ')}), which the built-in client cannot judge`,
    fix: `Set "client: system" under ssh, and put "@cert-authority SHA256:…" into hostKeys (docs/ssh-system-client.md): the fingerprint of the authority, which "${show}" prints as "Signing CA", and which is to be compared with "ssh-keygen -lf" of the authority's public key, where that is kept`,
  };
}

function sharedFix(name: string, has: readonly string[]): string {
  const system = 'set "client: system" under ssh, which uses the ssh of this machine (docs/ssh.md)';
  if (name === 'key exchange' && has.some((each) => /mlkem|sntrup/.test(each))) {
    return `The host takes post-quantum key exchange only, which the built-in client cannot do: ${system} and must have one of them ("ssh -Q kex"; sntrup761 came with OpenSSH 8.5, mlkem768 with 9.9)`;
  }
  return `Allow one of this client's in sshd_config on the host; or, where the ssh of this machine can log in there, ${system}`;
}

function authFault(error: Ssh2Error, handshake: Handshake): SshFault {
  const { party, credentials, refusals, agentTrouble } = handshake;
  const step = 'authentication';
  const words = credentials?.words ?? 'what was offered';
  if (refusals.partial !== undefined) {
    const more = refusals.partial.join(' or ');
    return {
      step,
      kind: 'auth',
      got: `the host accepted ${words}, and also wants ${more} (AuthenticationMethods), which cannot be answered here`,
      fix: 'Set "client: system" under ssh, whose ssh asks on the terminal (docs/ssh.md), or let a key be enough for this account: AuthenticationMethods in a Match block of its sshd_config',
    };
  }
  if (refusals.methods?.includes('publickey') === false)
    return { step, kind: 'auth', ...noKeys(party.user, refusals.methods.join(', ')) };
  const refused = credentials?.refused();
  if (refused !== undefined) {
    return {
      step,
      kind: 'identity',
      got: `the SSH agent did not sign with the key ${refused} (${agentTrouble ?? 'it refused'})`,
      fix: AGENT_ASKS,
    };
  }
  if (agentTrouble !== undefined) {
    return {
      step,
      kind: 'identity',
      got: `the SSH agent cannot be used (${agentTrouble})`,
      fix: 'Start the agent again and "ssh-add" a key, or name a private key file as identityFile',
    };
  }
  const left = credentials?.left === undefined ? '' : `; ${credentials.left}`;
  const first = credentials?.first ?? '';
  if (/too many authentication failures/i.test(error.message) && credentials?.unchosen !== undefined) {
    return {
      step,
      kind: 'auth',
      got: `the host hung up after ${refusals.count + 1} of the ${credentials.unchosen} keys that the SSH agent holds (${error.message})${left}`,
      fix: `${first}Say which key is the right one: identityFile may be its public half (KEY.pub), and that one alone is offered then`,
    };
  }
  const reason = error.level === 'client-authentication' ? '' : ` (${error.message})`;
  return {
    step,
    kind: 'auth',
    got: `the host does not let user "${party.user}" in with ${words}${reason}${left}`,
    fix: first + addKey(party.user),
  };
}
