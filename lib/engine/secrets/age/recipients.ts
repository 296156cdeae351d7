import { CitadelError, type Problem } from '../../../manifest/index.js';
import { asRecipient } from './crypt.js';

/** `secrets.age` → `secrets.recipients`, in the same folder. */
export function recipientsPath(file: string): string {
  return `${file.endsWith('.age') ? file.slice(0, -'.age'.length) : file}.recipients`;
}

/**
 * One recipient a line, as `age -R` takes it; empty lines and lines that begin with `#` are for people.
 *
 * @param shown the file, as problems name it
 * @returns each once, sorted
 * @throws CitadelError with every problem
 */
export function parseRecipients(text: string, shown: string): string[] {
  const problems: Problem[] = [];
  const found = new Set<string>();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const at = { code: 'secret.age-recipients', path: `${shown}:${index + 1}` };
    const recipient = asRecipient(line);
    if (recipient !== undefined) found.add(recipient);
    else if (/AGE-SECRET-KEY-/i.test(line)) {
      problems.push({
        ...at,
        got: 'is an identity, the secret half of a key',
        fix: 'Take it out, and out of git if it was committed; make a new one with "citadel-iac secrets keygen" and put its age1… here',
      });
    } else {
      problems.push({
        ...at,
        got: 'is not an age recipient',
        fix: 'Write one recipient (age1…) a line, and who it is on a line of its own that begins with #',
      });
    }
  }
  if (problems.length === 0 && found.size === 0) {
    problems.push({
      code: 'secret.age-recipients',
      path: shown,
      got: 'names no recipient',
      fix: 'Write the recipients (age1…) of all who may read the secrets, one a line; "citadel-iac secrets keygen" makes one',
    });
  }
  if (problems.length > 0) throw new CitadelError(problems);
  return [...found].sort();
}
