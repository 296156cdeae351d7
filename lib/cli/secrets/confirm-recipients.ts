import { readFileSync } from 'node:fs';
import { recipientsPath } from '../../engine/secrets/age/recipients.js';
import { CitadelError } from '../../manifest/index.js';
import type { CommonOptions, Shell } from '../shell.js';
import { colourFor } from '../text/colour.js';
import { visible } from '../text/style.js';
import type { AgeProject } from './age-project.js';

/** Who could read an age file by the mark in it (`undefined`: it has none), and who is to be able to from now on. */
export interface RecipientChange {
  readonly past: readonly string[] | undefined;
  readonly wanted: readonly string[];
}

/** Says whom a file that is begun will be encrypted to. */
export function showRecipients(
  shell: Shell,
  project: AgeProject,
  file: string,
  wanted: readonly string[],
): void {
  const lines = wanted.map((recipient) => line('+', recipient, namesOf(project, file)));
  shell.err.write(`${visible(file)} will be encrypted to:\n${lines.join('')}`);
}

/**
 * Shows who can read a file from now on and who no longer, and asks: a recipients file is as public as the repository, and a
 * line in it opens every value.
 *
 * @returns false when the answer was no
 * @throws CitadelError where there is a change, and no terminal and no `--yes`
 */
export async function confirmRecipients(
  shell: Shell,
  project: AgeProject,
  file: string,
  { past = [], wanted }: RecipientChange,
  options: CommonOptions & { readonly yes?: boolean },
): Promise<boolean> {
  const names = namesOf(project, file);
  const lines = [
    ...wanted.filter((each) => !past.includes(each)).map((each) => line('+', each, names)),
    ...past.filter((each) => !wanted.includes(each)).map((each) => line('-', each, names)),
  ];
  shell.err.write(
    `The recipients of ${visible(file)} are not those that it is encrypted to:\n${lines.join('')}`,
  );
  if (options.yes === true) return true;
  if (shell.interactive) {
    const question = `Encrypt all values of ${visible(file)} to these recipients?`;
    return shell.confirm(question, colourFor(shell.err, shell, options));
  }
  throw new CitadelError({
    code: 'cli.secrets.recipients',
    path: file,
    got: 'would be encrypted to other recipients than now, and this is not a terminal: nothing was written',
    fix: 'Look at the recipients above; if each is right, run "citadel-iac secrets rekey" ("--yes" in scripts)',
  });
}

function line(sign: string, recipient: string, names: ReadonlyMap<string, string>): string {
  const name = names.get(recipient);
  return `${sign} ${recipient}${name === undefined ? '' : ` (${visible(name)})`}\n`;
}

/** Recipient → the comment above it, which is what the repository says of it and no more. */
function namesOf(project: AgeProject, file: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  let comment = '';
  try {
    for (const raw of readFileSync(project.path(recipientsPath(file)), 'utf8').split('\n')) {
      const text = raw.trim();
      if (text.startsWith('#')) comment = text.slice(1).trim();
      else if (text !== '' && comment !== '') names.set(text, comment);
      if (!text.startsWith('#')) comment = '';
    }
  } catch {
    // Whoever encrypts to it says why it cannot be read.
  }
  return names;
}
