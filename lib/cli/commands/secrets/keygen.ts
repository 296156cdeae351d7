import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { newIdentity, recipientOf } from '../../../engine/secrets/age/crypt.js';
import { identityPath } from '../../../engine/secrets/age/identity.js';
import { CitadelError } from '../../../manifest/index.js';
import { EXIT, type ExitCode } from '../../exit-code.js';
import type { CommonOptions, Shell } from '../../shell.js';
import { jsonText } from '../../text/plan-json.js';
import { visible } from '../../text/style.js';

/**
 * `citadel-iac secrets keygen`: makes this person's identity file, and prints the recipient that belongs to it. An identity
 * that is there is never replaced.
 */
export async function keygen(shell: Shell, options: CommonOptions): Promise<ExitCode> {
  const { shown, absolute } = identityPath({ env: shell.env, home: homedir(), folder: shell.cwd });
  const identity = await newIdentity();
  const recipient = (await recipientOf(identity)) ?? '';
  const created = new Date(shell.now()).toISOString();
  const text = `# created: ${created}\n# recipient: ${recipient}\n${identity}\n`;
  try {
    mkdirSync(dirname(absolute), { recursive: true, mode: 0o700 });
    writeFileSync(absolute, text, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
    const there = code === 'EEXIST';
    throw new CitadelError(
      {
        code: 'cli.secrets.keygen',
        path: shown,
        got: there ? 'You have an identity already' : `The identity file cannot be written: ${code}`,
        fix: there
          ? '"citadel-iac secrets check" shows its recipient; move the file away only when nothing is encrypted to it any more'
          : 'Name another place in CITADEL_AGE_IDENTITY_FILE',
      },
      { cause: error },
    );
  }
  shell.out.write(options.json === true ? jsonText({ file: shown, recipient }) : `${recipient}\n`);
  shell.err.write(
    `Your identity is in ${visible(shown)}: keep a copy where you keep passwords, and never in git.\n` +
      'The line above is your recipient: add it to the recipients file (secrets.recipients beside secrets.age), and let somebody who is in it already run "citadel-iac secrets rekey".\n',
  );
  return EXIT.ok;
}
