import { describeHostKey } from './host-key.js';
import { loadSsh2 } from './load.js';

/** A host key that no host has yet. */
export interface NewHostKey {
  /** In OpenSSH's format, with its last newline. */
  readonly privateText: string;
  /** `ssh-ed25519 AAAA… COMMENT` */
  readonly publicText: string;
  /** As it is pinned: `SHA256:…` */
  readonly fingerprint: string;
}

/** @param comment for people, for example the host's name */
export async function newHostKey(comment: string): Promise<NewHostKey> {
  const { utils } = await loadSsh2();
  const { private: privateText, public: publicText } = utils.generateKeyPairSync('ed25519', { comment });
  const { fingerprint } = describeHostKey(Buffer.from(publicText.split(' ')[1] ?? '', 'base64'));
  return { privateText, publicText, fingerprint };
}
