import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { describeHostKey } from '../../../lib/ssh/host-key.js';

export interface TestKey {
  /** OpenSSH's private key format. */
  readonly privateText: string;
  /** One line of an authorized_keys file. */
  readonly publicText: string;
  readonly fingerprint: string;
}

/** A new key pair; with a passphrase, an encrypted private half. */
export function newKey(type: 'ed25519' | 'ecdsa' | 'rsa' = 'ed25519', passphrase?: string): TestKey {
  const bits = type === 'rsa' ? { bits: 2048 } : type === 'ecdsa' ? { bits: 256 } : {};
  const encryption = passphrase === undefined ? {} : { passphrase, cipher: 'aes256-cbc', rounds: 2 };
  const pair = ssh2.utils.generateKeyPairSync(type, { ...bits, ...encryption } as never);
  const parsed = ssh2.utils.parseKey(pair.public);
  // ssh2 writes one key in some hundreds so that it cannot be read again.
  if (parsed instanceof Error) return newKey(type, passphrase);
  return {
    privateText: pair.private,
    publicText: pair.public,
    fingerprint: describeHostKey(parsed.getPublicSSH()).fingerprint,
  };
}

/** A directory for one test file's keys and settings. */
export class Scratch {
  private constructor(readonly path: string) {}

  static async make(): Promise<Scratch> {
    return new Scratch(await mkdtemp(join(tmpdir(), 'citadel-ssh-')));
  }

  async file(name: string, text: string, mode = 0o600): Promise<string> {
    const path = join(this.path, name);
    await writeFile(path, text, { mode });
    return path;
  }

  /** A directory in it. */
  async folder(): Promise<Scratch> {
    return new Scratch(await mkdtemp(join(this.path, 'more-')));
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true, force: true });
  }
}
