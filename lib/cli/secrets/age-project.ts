import { readFileSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import { AgeFiles } from '../../engine/secrets/age/age-files.js';
import { locate } from '../../engine/secrets/age/identity.js';
import { recipientsPath } from '../../engine/secrets/age/recipients.js';
import { nodeSecretDeps, type SecretDeps } from '../../engine/secrets/sources.js';
import type { Inventory } from '../../inventory/index.js';
import { CitadelError } from '../../manifest/index.js';
import type { Shell } from '../shell.js';
import { byKey } from '../../text/order.js';
import { replaceFile } from './replace-file.js';

/** A secret as an age file knows it. */
export interface AgeName {
  readonly secret: string;
  /** Its name in the file. */
  readonly key: string;
}

/** The age files of an inventory. */
export class AgeProject {
  readonly deps: SecretDeps;
  readonly files: AgeFiles;
  /** File, as the inventory first writes it → what the inventory takes from it; sorted. */
  readonly names: ReadonlyMap<string, readonly AgeName[]>;

  constructor(
    shell: Pick<Shell, 'env' | 'cwd'>,
    private readonly inventory: Inventory,
  ) {
    const { projectDir } = inventory.source;
    this.deps = nodeSecretDeps(projectDir, shell.env);
    this.files = new AgeFiles(this.deps);
    const names = new Map<string, AgeName[]>();
    const spelled = new Map<string, string>();
    for (const [secret, source] of Object.entries(inventory.secrets).sort(byKey)) {
      if (!('age' in source)) continue;
      const absolute = this.path(source.age);
      const file = spelled.get(absolute) ?? source.age;
      spelled.set(absolute, file);
      names.set(file, [...(names.get(file) ?? []), { secret, key: source.key ?? secret }]);
    }
    this.names = new Map([...names].sort(byKey));
  }

  /** Absolute path of a file as the inventory writes it. */
  path(file: string): string {
    return locate(file, this.deps).absolute;
  }

  /**
   * The files that a command is about, as the inventory writes them.
   *
   * @param given paths from the command line, which start where the person is; none: all of the inventory
   * @throws CitadelError when the inventory has none and none is given
   */
  chosen(given: readonly string[], cwd: string): string[] {
    if (given.length > 0) {
      const known = new Map([...this.names.keys()].map((file) => [this.path(file), file]));
      return given.map((path) => {
        const absolute = resolve(cwd, path);
        return known.get(absolute) ?? this.#shown(absolute);
      });
    }
    if (this.names.size > 0) return [...this.names.keys()];
    throw new CitadelError({
      code: 'cli.secrets.file',
      path: this.inventory.source.file,
      got: 'no secret comes from an age file',
      fix: 'Say so under "secrets", for example "grafana_admin_password: { age: secrets.age }", or name a file',
    });
  }

  /** The one file that a command is about. @throws CitadelError when there are several to choose from */
  one(given: string | undefined, cwd: string): string {
    const files = this.chosen(given === undefined ? [] : [given], cwd);
    const [file] = files;
    if (file !== undefined && files.length === 1) return file;
    throw new CitadelError({
      code: 'cli.secrets.file',
      path: this.inventory.source.file,
      got: `secrets come from ${files.length} age files: ${files.join(', ')}`,
      fix: `Name one: "citadel-iac secrets edit ${file ?? 'FILE'}"`,
    });
  }

  /** @returns `undefined` where there is no such file; nothing at all of one that cannot be read: opening it says why */
  bytes(file: string): Buffer | undefined {
    try {
      return readFileSync(this.path(file));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      return Buffer.alloc(0);
    }
  }

  /**
   * Encrypts a text to the file's recipients and puts it in the file's place.
   *
   * @param before what the file was when the text was read from it
   * @param confirmed the recipients that a person was shown, sorted
   * @throws CitadelError when someone changed the file since then, or the text cannot be encrypted; it is as it was
   */
  async write(
    file: string,
    text: string,
    before: Buffer | undefined,
    confirmed: readonly string[],
  ): Promise<readonly string[]> {
    const { armored, recipients } = await this.files.seal(file, text);
    if (recipients.join() !== confirmed.join()) {
      throw new CitadelError({
        code: 'cli.secrets.recipients',
        path: recipientsPath(file),
        got: 'was changed meanwhile, so nothing was written',
        fix: 'Look at it, and run the command again',
      });
    }
    const now = this.bytes(file);
    if (before === undefined ? now !== undefined : now === undefined || !now.equals(before)) {
      throw new CitadelError({
        code: 'cli.secrets.changed',
        path: file,
        got: 'was changed by someone else meanwhile, so nothing was written',
        fix: 'Run the command again, on what the file is now',
      });
    }
    try {
      replaceFile(this.path(file), armored);
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
      const got = `cannot be written: ${reason}`;
      const fix = 'Make its folder, and let yourself write there';
      throw new CitadelError({ code: 'cli.secrets.write', path: file, got, fix }, { cause: error });
    }
    return recipients;
  }

  #shown(absolute: string): string {
    const path = relative(this.deps.folder, absolute);
    return path === '' || path.startsWith('..') || isAbsolute(path) ? absolute : path;
  }
}
