import { readFile } from 'node:fs/promises';
import type { AnyAuthMethod, ParsedKey } from 'ssh2';
import { type AgentKey, agentWith, listAgentKeys } from './agent.js';
import {
  certificateNextTo,
  isCertificate,
  type NamedCertificate,
  renewal,
  validityOf,
  validityText,
} from './certificate.js';
import { SshError, type SshFault, type SshParty } from './errors.js';
import { describeHostKey } from './host-key.js';
import { keyOfCertificate, notInAgent, unusableAgent } from './key-advice.js';
import { type KeyFile, parseKeyFile } from './key-file.js';
import type { Ssh2 } from './load.js';
import { errorCode } from './tcp.js';
import type { SshAuth } from './types.js';
import type { Waits } from './waits.js';

/** What to offer the host, and how to call it in messages. */
export interface Credentials {
  readonly method: AnyAuthMethod;
  /** `the key /root/.ssh/id_ed25519`, `the 3 keys of the SSH agent`. */
  readonly words: string;
  /** The private key, where it lies ready. */
  readonly key?: ParsedKey;
  /** How many keys the agent offers, where it was not told which. */
  readonly unchosen?: number;
  /** What is there and cannot be offered: certificates, FIDO keys. */
  readonly left?: string;
  /** What comes before all other advice: a certificate among those has expired. */
  readonly first?: string;
  /** The key that the agent has refused to sign with. */
  readonly refused: () => string | undefined;
}

const SYSTEM = 'set "client: system" under ssh, which logs in with the ssh of this machine (docs/ssh.md)';

/**
 * Reads the key file and asks the agent what it holds. Nothing is sent to the host yet.
 *
 * @throws SshError step `identity` when there is nothing to offer, with what is there instead
 */
export async function prepareCredentials(
  ssh2: Ssh2,
  party: SshParty,
  auth: SshAuth,
  waits: Waits,
): Promise<Credentials> {
  if (auth.kind === 'agent') {
    if (auth.socket === undefined || auth.socket === '') {
      throw identityError(
        party,
        'there is no SSH agent (SSH_AUTH_SOCK is not set) and no identityFile',
        'Start an agent and "ssh-add" a key, or name a private key file as identityFile',
      );
    }
    const held = await heldBy(ssh2, party, auth.socket, waits);
    return fromAgent(ssh2, party, auth.socket, held, waits);
  }
  const { path } = auth;
  const bytes = await readKeyFile(party, path);
  const file = parseKeyFile(ssh2, bytes);
  if (file.kind === 'private') return fromFile(party, path, file.key);
  if (file.kind === 'unusable') throw unusableFile(party, path, file);
  const blob = file.kind === 'wrong-passphrase' ? undefined : (file.blob ?? (await publicHalf(ssh2, path)));
  if (blob !== undefined) {
    const { type } = describeHostKey(blob);
    if (isCertificate(type)) throw certificateFile(party, path, blob);
    const chosen = await chosenFromAgent(ssh2, party, auth, blob, waits);
    if (chosen !== undefined) return chosen;
  }
  if (file.kind === 'public') {
    const { got, fix } = notInAgent(path, auth.agentSocket);
    throw identityError(party, got, fix);
  }
  return fromFile(party, path, await decrypted(ssh2, party, auth, bytes, waits));
}

async function fromFile(party: SshParty, path: string, key: ParsedKey): Promise<Credentials> {
  const certificate = await certificateNextTo(path, Date.now());
  return {
    method: { type: 'publickey', username: party.user, key },
    words: `the key ${path}`,
    key,
    refused: () => undefined,
    ...leftOut(certificate),
  };
}

/** A certificate that lies there, and cannot be offered. */
function leftOut(certificate: NamedCertificate | undefined): Pick<Credentials, 'left' | 'first'> {
  if (certificate === undefined) return {};
  return { left: `${certificate.words} ${SYSTEM_ONLY}: ${SYSTEM}`, first: certificate.first };
}

async function heldBy(ssh2: Ssh2, party: SshParty, socket: string, waits: Waits): Promise<AgentKey[]> {
  const answered = waits.begin(`the SSH agent at ${socket} to say what keys it holds`);
  try {
    return await listAgentKeys(ssh2, socket, waits.signal);
  } catch (error) {
    const why = errorCode(error) || (error instanceof Error ? error.message : String(error));
    const { got, fix } = unusableAgent(socket, why);
    throw identityError(party, got, fix, { cause: error });
  } finally {
    answered();
  }
}

function fromAgent(
  ssh2: Ssh2,
  party: SshParty,
  socket: string,
  held: readonly AgentKey[],
  waits: Waits,
): Credentials {
  if (held.length === 0) {
    throw identityError(
      party,
      'the SSH agent holds no keys, and there is no identityFile',
      '"ssh-add" a key (or plug it in, or unlock it), or name a private key file as identityFile',
    );
  }
  const usable = held.filter(({ key }) => key !== undefined);
  const others = held.filter(({ key }) => key === undefined);
  const left = others.length === 0 ? undefined : `${keysText(others)} ${SYSTEM_ONLY}: ${SYSTEM}`;
  const first = others.map(({ blob }) => renewal(validityOf(blob), Date.now())).find((each) => each !== '');
  if (usable.length === 0) {
    throw identityError(
      party,
      `the SSH agent holds ${keysText(others)}, which ${SYSTEM_ONLY}`,
      `${first ?? ''}For these ${SYSTEM}; or "ssh-add" a key of another kind`,
    );
  }
  const words =
    usable.length === 1 ? 'the key of the SSH agent' : `the ${usable.length} keys of the SSH agent`;
  return {
    ...signedByAgent(ssh2, party, socket, usable, waits),
    words,
    unchosen: usable.length,
    ...(left !== undefined && { left }),
    ...(first !== undefined && { first }),
  };
}

const SYSTEM_ONLY = 'cannot be offered by the built-in client';

/** `1 key of the type sk-ssh-ed25519@openssh.com`, with the validity of certificates. */
function keysText(keys: readonly AgentKey[]): string {
  const types = keys.map(({ type, blob }) => {
    const validity = validityOf(blob);
    return validity === undefined ? type : `${type}, ${validityText(validity, Date.now())}`;
  });
  return `${keys.length === 1 ? '1 key' : `${keys.length} keys`} (${[...new Set(types)].join('; ')})`;
}

function signedByAgent(
  ssh2: Ssh2,
  party: SshParty,
  socket: string,
  keys: readonly AgentKey[],
  waits: Waits,
): Pick<Credentials, 'method' | 'refused'> {
  let refused: string | undefined;
  const agent = agentWith(ssh2, socket, keys, {
    signal: waits.signal,
    signing: (key) => {
      const name = `${key.comment === '' ? key.type : key.comment} ${key.fingerprint}`;
      const answered = waits.begin(`the SSH agent to sign with the key ${name}`);
      return (error) => {
        answered();
        refused = error === undefined ? undefined : name;
      };
    },
  });
  return { method: { type: 'agent', username: party.user, agent }, refused: () => refused };
}

type FileAuth = Extract<SshAuth, { kind: 'identity' }>;

/** The one key of the agent that a public or an encrypted file stands for; `undefined` when the agent does not hold it. */
async function chosenFromAgent(
  ssh2: Ssh2,
  party: SshParty,
  { path, agentSocket }: FileAuth,
  blob: Buffer,
  waits: Waits,
): Promise<Credentials | undefined> {
  if (agentSocket === undefined || agentSocket === '') return undefined;
  const { type } = describeHostKey(blob);
  const held = await heldBy(ssh2, party, agentSocket, waits);
  const key = held.find((each) => each.blob.equals(blob));
  if (key === undefined) return undefined;
  if (key.key === undefined) {
    throw identityError(
      party,
      `the key ${path} is of a kind that ${SYSTEM_ONLY} (${type})`,
      `Name a key of another kind, or ${SYSTEM}`,
    );
  }
  const certificate = await certificateNextTo(path, Date.now());
  return {
    ...signedByAgent(ssh2, party, agentSocket, [key], waits),
    words: `the key ${path} (signed by the SSH agent)`,
    ...leftOut(certificate),
  };
}

async function decrypted(
  ssh2: Ssh2,
  party: SshParty,
  { path, passphrase }: FileAuth,
  bytes: Buffer,
  waits: Waits,
): Promise<ParsedKey> {
  // The question itself says what is waited for.
  const answered = waits.begin();
  const said = await (passphrase?.(path) ?? Promise.resolve(undefined)).finally(answered);
  if (said === undefined) {
    throw identityError(
      party,
      `the key ${path} is protected by a passphrase, and the SSH agent does not hold it`,
      `Load it into an agent ("ssh-add ${path}"; identityFile may stay as it is), name the secret that holds the passphrase as identityPassphrase, or run this on a terminal to be asked`,
    );
  }
  const file = parseKeyFile(ssh2, bytes, said);
  if (file.kind === 'private') return file.key;
  if (file.kind === 'unusable') throw unusableFile(party, path, file);
  throw identityError(
    party,
    `the passphrase that was given for the key ${path} is not the right one`,
    `Try it: ssh-keygen -y -f ${path}`,
    { about: ['identityPassphrase|identityFile'] },
  );
}

/** @throws SshError when the file is no key that can be used, or its public half is not to be had without its passphrase */
export async function publicHalfOf(ssh2: Ssh2, party: SshParty, path: string): Promise<Buffer> {
  const file = parseKeyFile(ssh2, await readKeyFile(party, path));
  if (file.kind === 'unusable') throw unusableFile(party, path, file);
  if (file.kind === 'private') return file.key.getPublicSSH();
  const said = file.kind === 'wrong-passphrase' ? undefined : file.blob;
  const blob = said ?? (await publicHalf(ssh2, path));
  if (blob !== undefined) return blob;
  throw identityError(
    party,
    `the key ${path} is protected by a passphrase, and ${path}.pub is not there`,
    `Write its public half there: ssh-keygen -y -f ${path} > ${path}.pub`,
  );
}

/** The public half next to a private key file whose format hides it. */
async function publicHalf(ssh2: Ssh2, path: string): Promise<Buffer | undefined> {
  try {
    const file = parseKeyFile(ssh2, await readFile(`${path}.pub`));
    return file.kind === 'public' ? file.blob : undefined;
  } catch {
    return undefined;
  }
}

function unusableFile(party: SshParty, path: string, file: Extract<KeyFile, { kind: 'unusable' }>): SshError {
  return identityError(party, `${path} is not a private key that can be used (${file.why})`, file.fix);
}

function certificateFile(party: SshParty, path: string, blob: Buffer): SshError {
  const validity = validityOf(blob);
  const until = validity === undefined ? '' : ` (${validityText(validity, Date.now())})`;
  return identityError(
    party,
    `${path} is an OpenSSH certificate${until}, which ${SYSTEM_ONLY}`,
    `${renewal(validity, Date.now())}Name the key that it is for (${keyOfCertificate(path)}), where the host takes that by itself; or ${SYSTEM}`,
  );
}

async function readKeyFile(party: SshParty, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const missing = errorCode(error) === 'ENOENT';
    throw identityError(
      party,
      missing ? `the key ${path} does not exist` : `the key ${path} cannot be read (${errorCode(error)})`,
      missing
        ? `Correct identityFile, or create the key: ssh-keygen -t ed25519 -f ${path}`
        : 'Make it a file readable by you',
      { cause: error },
    );
  }
}

function identityError(
  party: SshParty,
  got: string,
  fix: string,
  { cause, ...more }: { readonly cause?: unknown } & Pick<SshFault, 'about'> = {},
): SshError {
  return new SshError(party, { step: 'identity', kind: 'identity', got, fix, ...more }, { cause });
}
