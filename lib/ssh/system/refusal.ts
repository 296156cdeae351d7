import { readFile } from 'node:fs/promises';
import {
  certificateNextTo,
  isCertificate,
  RENEW,
  renewal,
  validityOf,
  validityText,
} from '../certificate.js';
import type { SshFault } from '../errors.js';
import { hungUpFault } from '../handshake-faults.js';
import { describeHostKey } from '../host-key.js';
import { addKey, AGENT_ASKS, keyOfCertificate, noKeys, notInAgent, unusableAgent } from '../key-advice.js';
import { type KeyFile, parseKeyFile } from '../key-file.js';
import { loadSsh2 } from '../load.js';
import type { SshEndpoint } from '../types.js';
import { certificatesAmong, type HeldCertificate } from './certificates.js';
import type { Seen } from './log.js';

/** OpenSSH's last line where the other side ended the connection, and no refusal came before it. */
const HUNG_UP = /^(Connection (closed|reset) by|Disconnected from|Timeout, server|Read from remote host) /;

/** What is known of a log-in that the host, or OpenSSH itself, did not go through with. */
export interface Refused {
  readonly seen: Seen;
  readonly endpoint: SshEndpoint;
  /** What is meant for a person, of the host and of OpenSSH. */
  readonly lines: readonly string[];
  /** Whether OpenSSH could ask on the terminal. */
  readonly mayAsk: boolean;
}

/** Why OpenSSH was not let in. Key files and the agent are looked at once more, for what its log does not say. */
export async function refusalFault(refused: Refused): Promise<SshFault> {
  const { seen, endpoint, lines, mayAsk } = refused;
  const step = 'authentication';
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
  const tooMany = lines.some((line) => line.includes('Too many authentication failures'));
  const last = lines.at(-1) ?? '';
  if (!tooMany && HUNG_UP.test(last)) {
    // What the host says comes before that; a key that it did not accept yet is not what made it hang up.
    const said = seen.accepted === undefined ? undefined : hostsWords(lines);
    return hungUpFault(endpoint.user, `the host hung up while logging in (${last})`, said);
  }
  const advice = tooMany
    ? await tooManyKeys(refused)
    : ((await ownFault(refused)) ?? (await hostsFault(refused)));
  // What has expired some versions of OpenSSH do not even show.
  const { auth } = endpoint;
  const first =
    auth.kind === 'identity' && !advice.fix.startsWith(RENEW)
      ? await certificateNextTo(auth.path, Date.now())
      : undefined;
  if (first === undefined || first.first === '') return { step, kind: 'auth', ...advice };
  return {
    step,
    kind: 'auth',
    ...advice,
    got: `${advice.got}; ${first.words}`,
    fix: first.first + advice.fix,
  };
}

/** The last line before the end that is not OpenSSH's own (10.1 and newer warn of key exchanges). */
function hostsWords(lines: readonly string[]): string | undefined {
  return lines.slice(0, -1).findLast((line) => !/^(Warning: |\*\* )/.test(line));
}

type Advice = Pick<SshFault, 'got' | 'fix' | 'about'>;

async function tooManyKeys({ seen, endpoint }: Refused): Promise<Advice> {
  const got = `${notIn(endpoint)} (Too many authentication failures, after ${countOf(seen)})`;
  const fix = 'Name the one key or certificate as identityFile, or raise MaxAuthTries on the host';
  const expired = (await certificatesAmong(seen.keys, socketOf(endpoint))).filter((each) => each.expired);
  return expired.length === 0
    ? { got, fix }
    : { got: `${got}, with ${wordsOf(expired)}`, fix: `${RENEW}. ${fix}` };
}

/** What is wrong on this side; `undefined`: nothing, as far as can be seen. */
async function ownFault({ seen, endpoint, lines, mayAsk }: Refused): Promise<Advice | undefined> {
  const { auth } = endpoint;
  const refused = lines.find((line) => /agent refused operation|^sign_and_send_pubkey: /.test(line));
  if (refused !== undefined) return { got: `the key could not be signed with (${refused})`, fix: AGENT_ASKS };
  const { accepted } = seen;
  const path = auth.kind === 'identity' ? auth.path : accepted?.inAgent === false ? accepted.name : undefined;
  const file = path === undefined ? undefined : await keyFile(path);
  if (path !== undefined && file !== undefined && 'blob' in file) {
    const { type, fingerprint } = describeHostKey(file.blob);
    const held = seen.keys.some(
      (key) => key.inAgent && (key.name === path || key.fingerprint === fingerprint),
    );
    if (held) return undefined;
    if (isCertificate(type))
      return lonelyCertificate(path, file.blob, agentOutOfReach(seen, socketOf(endpoint)));
    if (file.kind === 'public') return agentWithout(path, seen, socketOf(endpoint));
  }
  if (path !== undefined && file?.kind === 'encrypted' && (accepted !== undefined || seen.offered === 0)) {
    return {
      got: `the key ${path} is protected by a passphrase, and the SSH agent does not hold it`,
      fix: mayAsk
        ? `Run it again and type the passphrase, or load it into an agent ("ssh-add ${path}")`
        : `Load it into an agent ("ssh-add ${path}"; identityFile may stay as it is), or run this on a terminal to be asked`,
    };
  }
  const unloaded = lines.findLast((line) => line.startsWith('Load key '));
  if (unloaded !== undefined && file?.kind !== 'encrypted') {
    const name = /^Load key "(.*)": /.exec(unloaded)?.[1] ?? 'FILE';
    return {
      got: `your OpenSSH does not use a key that it was to use (${unloaded})`,
      fix: unloaded.endsWith('bad permissions')
        ? `Let no one else read the file: chmod 600 ${name}`
        : `Try it: "ssh-keygen -y -f ${name}" must print its public half`,
    };
  }
  if (path !== undefined && file?.kind === 'unusable' && seen.offered === 0)
    return { got: `${path} is not a private key that can be used (${file.why})`, fix: file.fix };
  return seen.offered === 0 ? nothingOffered(seen, endpoint) : undefined;
}

/** Why a public key that is named was not used. */
function agentWithout(path: string, seen: Seen, socket: string | undefined): Advice {
  const trouble = seen.agent !== undefined && 'trouble' in seen.agent ? seen.agent.trouble : undefined;
  if (trouble === undefined) return notInAgent(path, seen.agent === undefined ? undefined : (socket ?? '?'));
  const { got, fix } = unusableAgent(socket ?? '?', trouble);
  return { got: `${path} is a public key, and ${got}`, fix };
}

/** What keeps the agent from saying what it holds; `undefined`: it has said it. */
function agentOutOfReach(seen: Seen, socket: string | undefined): string | undefined {
  return seen.agent !== undefined && 'keys' in seen.agent ? undefined : agentTrouble(seen, socket);
}

/** @param noAgent as {@link agentOutOfReach} */
function lonelyCertificate(path: string, blob: Buffer, noAgent: string | undefined): Advice {
  const validity = validityOf(blob);
  const until = validity === undefined ? '' : ` (${validityText(validity, Date.now())})`;
  return {
    got: `${path} is an OpenSSH certificate${until}, and ${noAgent === undefined ? 'the SSH agent does not hold the key that it is for' : `nothing holds the key that it is for (${noAgent})`}`,
    fix: `${renewal(validity, Date.now())}Name the key (${keyOfCertificate(path)}): OpenSSH takes the certificate next to it by itself; or load both into the agent ("ssh-add ${keyOfCertificate(path)}")`,
  };
}

function nothingOffered(seen: Seen, endpoint: SshEndpoint): Advice {
  const { user } = endpoint;
  if (seen.methods !== '' && !seen.methods.split(',').includes('publickey')) {
    return noKeys(user, seen.methods.replaceAll(',', ', '));
  }
  const trouble = agentTrouble(seen, socketOf(endpoint));
  return {
    got: `your OpenSSH had no key to show for user "${user}" (${trouble})`,
    fix: '"ssh-add" a key (or plug it in, or unlock the agent), or name a key file as identityFile',
  };
}

/** What is to be said of the agent. */
function agentTrouble({ agent }: Seen, socket: string | undefined): string {
  if (agent === undefined) return 'there is no SSH agent: SSH_AUTH_SOCK is not set';
  if ('trouble' in agent) return unusableAgent(socket ?? '?', agent.trouble).got;
  return agent.keys === 0
    ? 'the SSH agent holds no keys'
    : `the SSH agent holds ${String(agent.keys)}, and IdentitiesOnly in your ssh_config leaves them out`;
}

/** The host did not take what it was shown. */
async function hostsFault({ seen, endpoint }: Refused): Promise<Advice> {
  const { user, auth, hostKeys } = endpoint;
  const socket = socketOf(endpoint);
  const certificates = await certificatesAmong(seen.keys, socket);
  const noAgent = auth.kind === 'agent' && seen.agent !== undefined && !hasKeys(seen.agent);
  const agent = noAgent ? `; ${agentTrouble(seen, socket)}` : '';
  const count = seen.offered === 1 ? '' : ` (${countOf(seen)} shown)`;
  const got = `${notIn(endpoint)}${count}${agent}`;
  if (certificates.length === 0) {
    const authority = hostKeys.some((pin) => pin.startsWith('@cert-authority'))
      ? 'No certificate was shown, which may be what the host wants: get one from the authority. Otherwise: '
      : '';
    return { got, fix: authority + addKey(user) };
  }
  const expired = certificates.filter((certificate) => certificate.expired);
  return {
    got: `${got}, with ${wordsOf(expired.length > 0 ? expired : certificates)}`,
    fix:
      expired.length > 0
        ? RENEW
        : `See whether the certificate names "${user}" ("ssh-keygen -Lf FILE-cert.pub": Principals), and whether the host takes its authority (TrustedUserCAKeys, AuthorizedPrincipalsFile); the host's log ("journalctl -u ssh") says which`,
  };
}

function wordsOf(certificates: readonly HeldCertificate[]): string {
  return certificates.map(({ words }) => words).join(', ');
}

/** The agent's socket, where we say which. */
function socketOf({ auth }: SshEndpoint): string | undefined {
  return auth.kind === 'agent' ? auth.socket : auth.agentSocket;
}

function hasKeys(agent: NonNullable<Seen['agent']>): boolean {
  return 'keys' in agent && agent.keys > 0;
}

function notIn({ user, auth }: SshEndpoint): string {
  const what = auth.kind === 'identity' ? `the key ${auth.path}` : 'what your OpenSSH has';
  return `the host does not let user "${user}" in with ${what}`;
}

function countOf({ offered }: Seen): string {
  return offered === 1 ? '1 key' : `${String(offered)} keys`;
}

async function keyFile(path: string): Promise<KeyFile | undefined> {
  try {
    return parseKeyFile(await loadSsh2(), await readFile(path));
  } catch {
    return undefined;
  }
}
