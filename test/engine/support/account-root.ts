import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect } from 'vitest';
import { UNIT_SEPARATOR } from '../../../lib/engine/apply/records.js';
import type { HostManifest, ManifestUser } from '../../../lib/manifest/index.js';
import { before, failing, withFault } from './faults.js';
import { OfflineRoot, type DirectRun } from './offline-root.js';
import { treeDifferences, treeFingerprint, type TreeFingerprint } from './tree-fingerprint.js';

export const ACCOUNT_FILES = ['passwd', 'group', 'shadow', 'gshadow', 'subuid', 'subgid'].map(
  (name) => `/etc/${name}`,
);
const OPTIONS = { without: ACCOUNT_FILES.map((file) => `${file}-`), untimed: ACCOUNT_FILES };
export const HASH = '$6$salt$hash.of/a.password';

export const user = (more: Partial<ManifestUser> = {}): ManifestUser => ({
  home: '/home/alice',
  shell: '/bin/sh',
  groups: [],
  system: false,
  ...more,
});
export const manifest = (more: Partial<HostManifest>): HostManifest => ({ version: 1, host: 'box', ...more });

/** The last step fails, when everything has been switched. */
export const UNDONE = failing('await_confirmation');
/** Shell text that runs in the root when everything has been switched, before that failure. */
export const meanwhile = (script: string): string =>
  before('await_confirmation', `(cd "$ROOT" && ${script}); echo planted >"$DIR/words"; return 1`);

export function notes(run: DirectRun): string[] {
  const lines = run.progress.split('\n').filter((line) => line.startsWith(`note${UNIT_SEPARATOR}`));
  return lines.map((line) => line.slice(5));
}

/** The tool's own words about the first failure. */
export function failure(run: DirectRun): string {
  const words = run.progress.split('\n').find((each) => each.startsWith('failure'));
  return Buffer.from(words?.split(UNIT_SEPARATOR)[3] ?? '', 'base64').toString('utf8');
}

/** An offline root with account files of its own, made for each test: root, and eve, who is in adm and ops. */
export class AccountRoot {
  root!: OfflineRoot;
  #start!: TreeFingerprint;

  /** Registers the hooks of a test file. */
  constructor() {
    beforeEach(() => this.#make());
    afterEach(() => this.root.remove());
  }

  async #make(): Promise<void> {
    const root = new OfflineRoot();
    this.root = root;
    root.write('/etc/passwd', `root:x:0:0:root:/root:/bin/bash\neve:x:1005:1005:Eve:/home/eve:/bin/sh\n`);
    root.write('/etc/shadow', `root:*:19000:0:99999:7:::\neve:${HASH}:19000:0:99999:7:::\n`);
    root.write('/etc/group', 'root:x:0:\nadm:x:4:eve\nops:x:70:eve\neve:x:1005:\n');
    root.write('/etc/gshadow', 'root:*::\nadm:*::eve\nops:!::eve\neve:!::\n');
    root.write('/etc/subuid', 'eve:100000:65536\n');
    root.write('/etc/subgid', 'eve:100000:65536\n');
    root.shell(
      'mkdir home && mkdir -m 700 -p var var/lib && chmod 640 etc/shadow etc/gshadow && cp -a /etc/skel etc/skel',
    );
    await this.keep();
  }

  /** What {@link expectStart} compares with. */
  keep = async (): Promise<void> => {
    this.#start = await treeFingerprint(this.root.path, OPTIONS);
  };

  expectStart = async (): Promise<void> => {
    expect(treeDifferences(this.#start, await treeFingerprint(this.root.path, OPTIONS))).toEqual([]);
  };

  runs = async (wanted: HostManifest, fault: string): Promise<DirectRun> =>
    this.root.runDirectly(await this.root.plan(wanted), withFault(fault));

  commits = async (wanted: HostManifest): Promise<string[]> => {
    const run = await this.runs(wanted, '');
    expect([run.outcome, failure(run), run.stderr]).toEqual(['committed', '', '']);
    return notes(run);
  };

  /** @returns what was noted. Only the last step may fail, or the test would show nothing. */
  rollsBack = async (wanted: HostManifest, fault = UNDONE): Promise<string[]> => {
    const run = await this.runs(wanted, fault);
    expect([run.outcome, failure(run), run.stderr]).toEqual(['rolled-back', 'planted\n', '']);
    return notes(run);
  };

  text = (path: string): string => readFileSync(this.root.at(path), 'utf8');

  line = (file: string, name: string): string | undefined =>
    this.text(`/etc/${file}`)
      .split('\n')
      .find((each) => each.startsWith(`${name}:`));

  /** Groups that list a user, in the order of the file. */
  groupsOf = (name: string): string[] =>
    this.text('/etc/group')
      .split('\n')
      .filter((each) => each.split(':')[3]?.split(',').includes(name))
      .map((each) => each.split(':')[0] ?? '');
}
