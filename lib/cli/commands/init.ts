import { existsSync, statSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { loadInventory } from '../../inventory/index.js';
import { CitadelError } from '../../manifest/index.js';
import type { OfferedHostKey } from '../../ssh/index.js';
import { asset } from '../../text/assets.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { missingAnswers, readAnswers, type Answers, type RawAnswers } from '../init/answers.js';
import { inventoryText } from '../init/inventory-text.js';
import { askForAnswers } from '../init/questions.js';
import { makeFolder } from '../make-folder.js';
import type { CommonOptions, Shell } from '../shell.js';
import { colourFor } from '../text/colour.js';
import { jsonText } from '../text/plan-json.js';
import { visible } from '../text/style.js';
import { errorMessage } from '../../text/error-message.js';

export interface InitOptions extends CommonOptions, RawAnswers {
  readonly out?: string;
  readonly force?: boolean;
  readonly scan?: boolean;
  readonly yes?: boolean;
}

const DEFAULT_OUT = 'stacks/inventory/site.yaml';
const SCHEMA = asset('stacks/inventory/inventory.schema.json');
/** Seconds that a host may take to say its keys. */
const SCAN_SEC = 10;

/**
 * `citadel-iac init`: a new inventory from flags, and from questions about what they leave open. It is written only when
 * hosts can be made of it; host keys are shown, and never pinned by this.
 */
export async function init(shell: Shell, options: InitOptions): Promise<ExitCode> {
  const out = options.out ?? DEFAULT_OUT;
  const file = resolve(shell.cwd, out);
  const folder = existingFolder(dirname(file));
  if (!statSync(folder).isDirectory())
    throw unwritable(out, `${relative(shell.cwd, folder) || folder} is a file, not a folder`);
  if (options.force !== true && existsSync(file)) throw exists(out);
  const colour = colourFor(shell.err, shell, options);
  const asks = shell.interactive && options.yes !== true && missingAnswers(options).length > 0;
  const answers = readAnswers(asks ? await askForAnswers(shell, options, colour) : options);
  const offered =
    options.scan === true ? await scan(shell, answers) : new Map<string, readonly OfferedHostKey[]>();
  const text = inventoryText(answers, { schema: schemaFrom(dirname(file)), offered });
  // What is wrong with an answer is said with the line that it would stand in.
  const { roles = [] } = await shell.app();
  const inventory = loadInventory(roles, out, {}, shell.cwd, new Map([[file, text]]));
  const hosts = await (await shell.app()).buildHosts(inventory);

  if (asks && !(await shell.confirm(`Write ${out}?`, colour))) {
    shell.err.write('Nothing was written.\n');
    return EXIT.error;
  }
  write(file, out, text, options.force === true);
  if (options.json === true) shell.out.write(jsonText({ file: out, hosts: hosts.map(({ host }) => host) }));
  else {
    const use = `CITADEL_INVENTORY=${out} npx citadel-iac`;
    shell.out.write(
      `${visible(out)}: ${hosts.map(({ host }) => host).join(' and ')}.\nNext: ${visible(use)} doctor\n`,
    );
  }
  return EXIT.ok;
}

/** What hosts offer, shown to be compared; one that does not answer is no reason not to write the file. */
async function scan(shell: Shell, answers: Answers): Promise<Map<string, readonly OfferedHostKey[]>> {
  const engine = await shell.engine();
  const hosts = [
    ['ai-node', answers.aiNode?.address],
    ['dev-ops', answers.devOps?.address],
  ] as const;
  const offered = new Map<string, readonly OfferedHostKey[]>();
  for (const [host, address] of hosts) {
    if (address === undefined) continue;
    try {
      const keys = await engine.scanHostKeys(host, address, 22, SCAN_SEC);
      offered.set(host, keys);
      for (const { type, fingerprint } of keys)
        shell.err.write(
          `${host}: ${visible(address)} offers ${visible(type)} ${fingerprint}; compare it before you pin it.\n`,
        );
    } catch (error) {
      if (!(error instanceof CitadelError)) throw error;
      shell.err.write(`${host}: no key seen: ${error.problems.map(({ got }) => visible(got)).join('; ')}.\n`);
    }
  }
  return offered;
}

function schemaFrom(folder: string): string {
  const path = relative(folder, SCHEMA);
  return path.startsWith('.') ? path : `./${path}`;
}

/** The nearest of its folders that is there; the others are made. */
function existingFolder(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : existingFolder(dirname(folder));
}

function write(file: string, out: string, text: string, force: boolean): void {
  try {
    makeFolder(dirname(file));
  } catch (error) {
    throw unwritable(out, error);
  }
  try {
    writeFileSync(file, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw exists(out);
    throw unwritable(out, error);
  }
}

function unwritable(out: string, why: unknown): CitadelError {
  return new CitadelError(
    {
      code: 'cli.init.write',
      path: out,
      got: `cannot be written: ${errorMessage(why)}`,
      fix: 'Name another file with --out.',
    },
    { cause: why },
  );
}

function exists(out: string): CitadelError {
  return new CitadelError({
    code: 'cli.init.exists',
    path: out,
    got: 'is there already; nothing was written',
    fix: 'Name another file with --out, or overwrite it with --force.',
  });
}
