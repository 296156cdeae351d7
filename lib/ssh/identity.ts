import { readFile } from 'node:fs/promises';
import type { AnyAuthMethod, ParsedKey } from 'ssh2';
import { SshError, type SshFault, type SshParty } from './errors.js';
import type { Ssh2 } from './load.js';
import { errorCode } from './tcp.js';
import type { SshAuth } from './types.js';

/** What to offer the host, and how to call it in messages. */
export interface Credentials {
  readonly method: AnyAuthMethod;
  /** `the key /root/.ssh/id_ed25519`, `the keys of the SSH agent`. */
  readonly words: string;
  /** The private key, where it lies ready. */
  readonly key?: ParsedKey;
}

/**
 * Reads the key file or names the agent. Nothing is sent anywhere yet.
 *
 * @throws SshError step `identity` when there is neither a usable key file nor an agent
 */
export async function prepareCredentials(ssh2: Ssh2, party: SshParty, auth: SshAuth): Promise<Credentials> {
  if (auth.kind === 'agent') {
    if (auth.socket === undefined || auth.socket === '') {
      throw identityError(
        party,
        'there is no SSH agent (SSH_AUTH_SOCK is not set) and no identityFile',
        'Start an agent and "ssh-add" a key, or name a private key file as identityFile',
      );
    }
    return {
      method: { type: 'agent', username: party.user, agent: auth.socket },
      words: 'the keys of the SSH agent',
    };
  }
  const key = ssh2.utils.parseKey(await readKeyFile(party, auth.path));
  if (key instanceof Error) {
    // ssh2 says both "encrypted … no passphrase given" and plain parse errors by message only.
    if (/passphrase/i.test(key.message)) {
      throw identityError(
        party,
        `the key ${auth.path} is protected by a passphrase`,
        `Load it into an agent ("ssh-add ${auth.path}") and leave identityFile out, or use a key without a passphrase`,
      );
    }
    throw identityError(
      party,
      `${auth.path} is not a private key that can be used (${key.message})`,
      'Name the private key itself, in OpenSSH or PEM format: ed25519, ecdsa or rsa',
    );
  }
  if (!key.isPrivateKey()) {
    throw identityError(
      party,
      `${auth.path} is a public key`,
      'Name the private key (the file without ".pub")',
    );
  }
  return {
    method: { type: 'publickey', username: party.user, key },
    words: `the key ${auth.path}`,
    key,
  };
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
      error,
    );
  }
}

function identityError(party: SshParty, got: string, fix: string, cause?: unknown): SshError {
  const fault: SshFault = { step: 'identity', kind: 'identity', got, fix };
  return new SshError(party, fault, { cause });
}
