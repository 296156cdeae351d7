import { writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { newIdentity, recipientOf } from '../../../engine/secrets/age/crypt.js';
import { identityPath, readIdentity } from '../../../engine/secrets/age/identity.js';
import { nodeSecretDeps, type SecretDeps } from '../../../engine/secrets/sources.js';
import { CitadelError } from '../../../manifest/index.js';
import { EXIT, type ExitCode } from '../../exit-code.js';
import { makeFolder } from '../../make-folder.js';
import type { CommonOptions, Shell } from '../../shell.js';
import { jsonText } from '../../text/plan-json.js';
import { visible } from '../../text/style.js';

/**
 * `citadel-iac secrets keygen`: makes this person's identity file, and prints the recipient that belongs to it. An identity
 * that is there is never replaced.
 */
export async function keygen(shell: Shell, options: CommonOptions): Promise<ExitCode> {
  const deps = nodeSecretDeps(shell.cwd, shell.env);
  const { shown, absolute } = identityPath(deps);
  const identity = await newIdentity();
  const recipient = (await recipientOf(identity)) ?? '';
  const created = new Date(shell.now()).toISOString();
  const text = `# created: ${created}\n# recipient: ${recipient}\n${identity}\n`;
  try {
    makeFolder(dirname(absolute), 0o700);
    writeFileSync(absolute, text, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
    const words =
      code === 'EEXIST'
        ? await alreadyThere(deps)
        : {
            got: `The identity file cannot be written: ${code}`,
            fix: 'Name another place in CITADEL_AGE_IDENTITY_FILE',
          };
    throw new CitadelError({ code: 'cli.secrets.keygen', path: shown, ...words }, { cause: error });
  }
  shell.out.write(options.json === true ? jsonText({ file: shown, recipient }) : `${recipient}\n`);
  shell.err.write(
    `Your identity is in ${visible(shown)}: keep a copy where you keep passwords, and never in git.\n` +
      'The line above is your recipient: add it to the recipients file (secrets.recipients, next to secrets.age), and let someone who is in it already run "citadel-iac secrets rekey".\n',
  );
  return EXIT.ok;
}

/** The recipient of the identity that is there: it is public, and what the caller came for. */
async function alreadyThere(deps: SecretDeps): Promise<{ got: string; fix: string }> {
  try {
    const { recipients } = await readIdentity(deps);
    const append = recipients.map((recipient) => `echo ${recipient} >> secrets.recipients`).join('; ');
    return {
      got: `You have an identity already; its recipient is ${recipients.join(' and ')}`,
      fix: `Add that to the recipients file, if it is not in it: ${append}. Move the identity away only when nothing is encrypted to it any more`,
    };
  } catch (error) {
    const [problem] = error instanceof CitadelError ? error.problems : [];
    if (problem === undefined) throw error;
    return {
      got: `There is an identity file already, and it was left as it is. ${problem.got}`,
      fix: `${problem.fix}. Before you make another, move this one away`,
    };
  }
}
