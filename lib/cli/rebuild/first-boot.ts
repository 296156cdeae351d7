import { stringify } from 'yaml';
import type { NewHostKey } from '../../ssh/index.js';

export interface FirstBoot {
  readonly hostName: string;
  /** Account of the normal door. */
  readonly user: string;
  /** Its number, where the manifest gives one: files on a backup disk belong to numbers. */
  readonly uid?: number;
  /** Lines for its authorized_keys. */
  readonly keys: readonly string[];
  readonly hostKey: Pick<NewHostKey, 'privateText' | 'publicText'>;
}

const HEAD = `#cloud-config
# The first boot of HOST, by "citadel-iac rebuild --first-boot". It holds a private host key: who has it can pretend to be this machine.
# Delete it once the machine is up.
`;

/** User data for cloud-init: the normal door is open after the first boot, and the host key is one that was pinned before. */
export function firstBootText({ hostName, user, uid, keys, hostKey }: FirstBoot): string {
  const door =
    user === 'root'
      ? { name: user, ssh_authorized_keys: keys }
      : {
          name: user,
          ...(uid !== undefined && { uid }),
          shell: '/bin/bash',
          lock_passwd: true,
          sudo: 'ALL=(ALL:ALL) NOPASSWD:ALL',
          ssh_authorized_keys: keys,
        };
  const data = {
    hostname: hostName,
    users: [door],
    disable_root: user !== 'root',
    ssh_pwauth: false,
    // No other key than the pinned one: cloud-init makes none where it is given some.
    ssh_deletekeys: true,
    ssh_keys: { ed25519_private: hostKey.privateText, ed25519_public: hostKey.publicText },
  };
  return HEAD.replace('HOST', hostName) + stringify(data, { lineWidth: 0 });
}
