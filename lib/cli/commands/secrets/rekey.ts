import { CitadelError, type Problem } from '../../../manifest/index.js';
import { EXIT, type ExitCode } from '../../exit-code.js';
import { AgeProject } from '../../secrets/age-project.js';
import { confirmRecipients } from '../../secrets/confirm-recipients.js';
import type { CommonOptions, Shell } from '../../shell.js';
import { jsonText } from '../../text/plan-json.js';
import { errorText } from '../../text/problems.js';
import { plural, visible } from '../../text/style.js';
import { readInventory } from '../../read-inventory.js';

interface Rekeyed {
  readonly file: string;
  readonly written: boolean;
  /** Recipients who can read the file from now on. */
  readonly added: readonly string[];
  /** Recipients who could read it until now, and can still read what git remembers. */
  readonly removed: readonly string[];
  /** Names of the values that they know. */
  readonly known: readonly string[];
}

/**
 * `citadel-iac secrets rekey [file…]`: encrypts age files to those whom the recipients files list now. A file that is
 * encrypted to just those stays as it is.
 */
export async function rekey(
  shell: Shell,
  given: readonly string[],
  options: CommonOptions & { readonly yes?: boolean },
): Promise<ExitCode> {
  const project = new AgeProject(shell, await readInventory(shell, options));
  const done: Rekeyed[] = [];
  const problems: Problem[] = [];
  let left = false;
  for (const file of project.chosen(given, shell.cwd)) {
    try {
      const one = await rekeyOne(shell, project, file, options);
      if (one === undefined) {
        shell.err.write(`${visible(file)} was left as it was.\n`);
        left = true;
      } else done.push(one);
    } catch (error) {
      if (!(error instanceof CitadelError)) throw error;
      problems.push(...error.problems);
    }
  }
  shell.out.write(options.json === true ? jsonText({ files: done }) : done.map(text).join(''));
  if (problems.length === 0) return left ? EXIT.error : EXIT.ok;
  shell.err.write(errorText(new CitadelError(problems), shell));
  return EXIT.error;
}

/** @returns `undefined` where a person said no */
async function rekeyOne(
  shell: Shell,
  project: AgeProject,
  file: string,
  options: CommonOptions & { readonly yes?: boolean },
): Promise<Rekeyed | undefined> {
  const before = project.bytes(file);
  const { text, recipients: past } = await project.files.text(file);
  const wanted = await project.files.recipients(file);
  if (past?.join() === wanted.join()) return { file, written: false, added: [], removed: [], known: [] };
  const known = [...(await project.files.values(file)).keys()];
  if (!(await confirmRecipients(shell, project, file, { past, wanted }, options))) return undefined;
  await project.write(file, text, before, wanted);
  const removed = (past ?? []).filter((recipient) => !wanted.includes(recipient));
  const added = past === undefined ? wanted : wanted.filter((recipient) => !past.includes(recipient));
  return { file, written: true, added, removed, known: removed.length === 0 ? [] : known };
}

function text({ file, written, added, removed, known }: Rekeyed): string {
  if (!written) return `${visible(file)} is encrypted to its recipients already.\n`;
  const lines = [
    ...added.map((recipient) => `+ ${recipient}\n`),
    ...removed.map((recipient) => `- ${recipient}\n`),
    `${visible(file)} was encrypted again. Commit it.\n`,
  ];
  if (removed.length > 0) {
    lines.push(
      `Whoever was taken out has read these, and can read them in git for good. Give new values to: ${known.map(visible).join(', ')} (${plural(known.length, 'value')}).\n`,
    );
  }
  return lines.join('');
}
