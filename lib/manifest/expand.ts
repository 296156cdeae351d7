import type { HostManifest, ManifestDirectory, ManifestFile, ManifestUser } from './schema.js';
import { canonicalJson, sha256 } from './canonical.js';
import { withOwnKeys } from './own-keys.js';

/** A user whose keys have become a file of their own. */
export type ExpandedUser = Omit<ManifestUser, 'authorizedKeys'>;

/** A manifest in which every path that will be written stands under its own key. */
export type ExpandedManifest = Omit<HostManifest, 'users'> & {
  readonly users?: Readonly<Record<string, ExpandedUser>>;
};

/** Primary group of a user: the declared one, else the group of the user's own name. */
export function primaryGroup(name: string, user: Pick<ManifestUser, 'group'>): string {
  return user.group ?? name;
}

/**
 * Turns `users.*.authorizedKeys` into the directory `~/.ssh` (mode 0700) and the whole file
 * `~/.ssh/authorized_keys` (mode 0600, one key a line), both owned by the user. A directory `~/.ssh` that
 * the manifest declares itself is kept as it is. Everything else is passed on unchanged.
 *
 * `origins` of the two new items point to the user's. Sections have no keys but their own: see {@link withOwnKeys}.
 */
export function expandManifest(manifest: HostManifest): ExpandedManifest {
  const directories: Record<string, ManifestDirectory> = {};
  const files: Record<string, ManifestFile> = {};
  const users: Record<string, ExpandedUser> = {};
  const origins: Record<string, string> = { ...manifest.origins };

  for (const [name, { authorizedKeys, ...user }] of Object.entries(manifest.users ?? {})) {
    users[name] = user;
    if (authorizedKeys === undefined) continue;
    const folder = `${user.home}/.ssh`;
    const file = `${folder}/authorized_keys`;
    const ownership = { owner: name, group: primaryGroup(name, user) };
    directories[folder] = { ...ownership, mode: '0700' };
    files[file] = { content: authorizedKeys.map((key) => `${key}\n`).join(''), ...ownership, mode: '0600' };
    const origin = manifest.origins?.[`users/${name}`];
    if (origin !== undefined) {
      origins[`directories/${folder}`] ??= origin;
      origins[`files/${file}`] ??= origin;
    }
  }

  const { users: _users, ...rest } = manifest;
  const allDirectories = { ...directories, ...manifest.directories };
  const allFiles = { ...manifest.files, ...files };
  return withOwnKeys({
    ...rest,
    ...(manifest.users === undefined ? {} : { users }),
    ...(isEmpty(allDirectories) ? {} : { directories: allDirectories }),
    ...(isEmpty(allFiles) ? {} : { files: allFiles }),
    ...(isEmpty(origins) ? {} : { origins }),
  });
}

/** `sha256(canonicalJson([section, key, value]))`: equal for equal items, whatever the order of their members. */
export function itemDigest(section: string, key: string, value: unknown): string {
  return sha256(canonicalJson([section, key, value]));
}

function isEmpty(section: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(section).length === 0;
}
