import { malformedSecretReference, secretNamesIn } from '../../text/secret-reference.js';
import type { Rule } from './context.js';

/** A file with a secret in it is not for everybody, and blocks of shared files hold none. */
export const secretRules: Rule = (context) => {
  for (const [path, file] of Object.entries(context.manifest.files ?? {})) {
    const malformed = malformedSecretReference(file.content ?? '');
    if (malformed !== undefined) {
      context.report('files', path, {
        code: 'manifest.secret.malformed',
        member: '.content',
        got: `${JSON.stringify(malformed)} is not a reference to a secret`,
        fix: 'Write @@secret:name@@ with a name of a-z, 0-9 and "_"',
      });
    }
    const holds = file.secret !== undefined || secretNamesIn(file.content ?? '').length > 0;
    if (!holds || Number.parseInt(file.mode.slice(-1), 8) === 0) continue;
    context.report('files', path, {
      code: 'manifest.secret.open',
      member: '.mode',
      got: `${JSON.stringify(file.mode)} lets everybody reach a file that holds a secret`,
      fix: 'Use "0600", or "0640" with the group that must read it',
    });
  }
  for (const [path, blocks] of Object.entries(context.manifest.blocks ?? {})) {
    for (const [name, text] of Object.entries(blocks)) {
      if (secretNamesIn(text).length === 0) continue;
      context.report('blocks', path, {
        code: 'manifest.secret.block',
        member: `[${JSON.stringify(name)}]`,
        got: 'a block of a file that is shared with others refers to a secret',
        fix: 'Put the secret into a file of its own and let the block name that file',
      });
    }
  }
};
