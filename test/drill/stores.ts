import { spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ADDRESSES, waitFor, type HostName, type Lab } from '../lab/api.js';
import { writeModels } from '../lab/doubles.js';
import { must } from '../lab/process.js';

const OPERATOR_ADDRESS = ADDRESSES[4].operator;
const SFTP_PORT = 2022;
const HUB_PORT = 8440;

/**
 * What is elsewhere and outlives every host: an SFTP server (this machine's OpenSSH) that keeps restic's repositories, and the
 * double of a hub of models. Both listen on the operator's side of the lab.
 */
export class Stores {
  readonly #processes: ChildProcess[] = [];

  private constructor(
    private readonly folder: string,
    /** Private key that the SFTP server lets in. */
    readonly key: string,
    /** Its own public key, `ssh-ed25519 AAAA…`. */
    readonly hostKey: string,
  ) {}

  static readonly HUB = `http://${OPERATOR_ADDRESS}:${HUB_PORT}`;

  static async open(lab: Lab, folder: string): Promise<Stores> {
    const path = (name: string): string => join(folder, name);
    await mkdir(path('store'), { recursive: true });
    for (const name of ['host-key', 'client-key'])
      await must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', path(name)]);
    const read = (name: string): Promise<string> => readFile(path(name), 'utf8');
    const stores = new Stores(folder, await read('client-key'), (await read('host-key.pub')).trim());
    try {
      await stores.#start(lab);
    } catch (error) {
      await stores.close();
      throw error;
    }
    return stores;
  }

  /** As `offsite.repository` has it. */
  repositoryOf(host: HostName): string {
    return `sftp://root@${OPERATOR_ADDRESS}:${SFTP_PORT}/${join(this.folder, 'store', host)}`;
  }

  /** Files of data of a host's repository, and their sizes. */
  async packs(host: HostName): Promise<ReadonlyMap<string, number>> {
    const root = join(this.folder, 'store', host, 'data');
    const names = await readdir(root, { recursive: true, withFileTypes: true });
    const files = names.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
    return new Map(await Promise.all(files.map(async (file) => [file, (await stat(file)).size] as const)));
  }

  /** One wrong byte in the middle of a file, as a disk that forgets. */
  async damage(file: string): Promise<void> {
    const bytes = await readFile(file);
    const at = Math.floor(bytes.length / 2);
    bytes[at] = (bytes[at] ?? 0) ^ 0xff;
    await chmod(file, 0o600);
    await writeFile(file, bytes);
  }

  async close(): Promise<void> {
    for (const child of this.#processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
  }

  async #start(lab: Lab): Promise<void> {
    const path = (name: string): string => join(this.folder, name);
    await mkdir('/run/sshd', { recursive: true });
    await writeFile(
      path('sshd_config'),
      [
        `Port ${SFTP_PORT}`,
        `ListenAddress ${OPERATOR_ADDRESS}`,
        `HostKey ${path('host-key')}`,
        `AuthorizedKeysFile ${path('client-key.pub')}`,
        'PidFile none',
        'UsePAM no',
        'StrictModes no',
        'PermitRootLogin prohibit-password',
        'PasswordAuthentication no',
        'Subsystem sftp internal-sftp',
        'ForceCommand internal-sftp',
        '',
      ].join('\n'),
    );
    const started = (argv: readonly string[]): ChildProcess => {
      const child = lab.operator.spawn(argv, { stdio: ['ignore', 'pipe', 'inherit'] });
      this.#processes.push(child);
      return child;
    };
    started(['/usr/sbin/sshd', '-D', '-f', path('sshd_config')]);
    await writeModels(path('library'));
    const hub = started([
      process.execPath,
      '--import',
      'tsx',
      'test/drill/hub.ts',
      OPERATOR_ADDRESS,
      String(HUB_PORT),
      path('library/active'),
    ]);
    await Promise.race([
      once(hub.stdout ?? hub, 'data'),
      once(hub, 'exit').then(() => Promise.reject(new Error('the double of the hub did not start'))),
    ]);
    const probe = lab.operator.argv(['ssh-keyscan', '-p', String(SFTP_PORT), OPERATOR_ADDRESS]);
    await waitFor('the SFTP server', 30_000, () =>
      spawnSync(probe[0] ?? '', probe.slice(1)).stdout.length > 0 ? true : undefined,
    );
  }
}
