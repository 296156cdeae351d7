import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Finished, Lab } from '../lab/api.js';
import { repository } from '../lab/layout.js';

/** `npx cdktf …` as a user types it, in a project folder of its own, so that no state of another run is in the way. */
export class CdktfProject {
  private constructor(
    private readonly lab: Lab,
    readonly folder: string,
  ) {}

  static async open(lab: Lab): Promise<CdktfProject> {
    const folder = await mkdtemp(join(tmpdir(), 'citadel-cdktf-'));
    const settings = JSON.parse(await readFile(join(repository, 'cdktf.json'), 'utf8')) as object;
    const at = (path: string): string => join(repository, path);
    // The stacks name the package, which is this clone's sources by its tsconfig.json.
    const app = `${at('node_modules/.bin/tsx')} --tsconfig ${at('tsconfig.json')} ${at('stacks/main.ts')}`;
    await writeFile(join(folder, 'cdktf.json'), JSON.stringify({ ...settings, app }));
    return new CdktfProject(lab, folder);
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  /** @param environment names the inventory: CITADEL_INVENTORY and, perhaps, CITADEL_TARGETS */
  async cdktf(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<Finished> {
    const run = await this.lab.operator.exec([join(repository, 'node_modules/.bin/cdktf'), ...args], {
      cwd: this.folder,
      env: { ...terraformEnvironment(), ...environment, CI: 'true' },
      timeoutMs: 560_000,
    });
    return { ...run, stdout: plain(run.stdout), stderr: plain(run.stderr) };
  }

  /** Terraform itself, in the folder of a stack that cdktf has synthesised. */
  terraform(stack: string, ...args: string[]): Promise<Finished> {
    return this.lab.operator.exec(['terraform', ...args], {
      cwd: join(this.folder, 'cdktf.out/stacks', stack),
      env: { ...terraformEnvironment(), TF_IN_AUTOMATION: '1' },
      timeoutMs: 240_000,
    });
  }
}

function terraformEnvironment(): Record<string, string> {
  const { TF_CLI_CONFIG_FILE: _missing, ...env } = process.env as Record<string, string>;
  return { ...env, CHECKPOINT_DISABLE: '1' };
}

/** Without colours, and without the lines that cdktf draws over. */
function plain(text: string): string {
  return stripVTControlCharacters(text).replace(
    /^.*(Synthesizing|Stacks? (deploying|done|waiting)).*$/gm,
    '',
  );
}
