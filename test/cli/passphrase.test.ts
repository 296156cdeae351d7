import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { passphraseAsker } from '../../lib/cli/passphrase.js';

function terminal(isTTY: boolean) {
  const input = Object.assign(new PassThrough(), { isTTY });
  let shown = '';
  const output = { write: (text: string | Uint8Array) => (shown += String(text)) !== '' };
  return { input, ask: passphraseAsker(input, output), shown: () => shown };
}

it('asks for the passphrase of a key once, however many connections want it, and does not show it', async () => {
  const { input, ask, shown } = terminal(true);
  const answers = Promise.all([ask('/root/.ssh/id'), ask('/root/.ssh/id')]);
  await expect.poll(shown).toContain('Passphrase of /root/.ssh/id: ');
  input.write('open sesame\n');
  expect(await answers).toEqual(['open sesame', 'open sesame']);
  expect(await ask('/root/.ssh/id')).toBe('open sesame');
  expect(shown()).toBe('Passphrase of /root/.ssh/id: \n');
});

it('asks nobody where there is no terminal', async () => {
  const { ask, shown } = terminal(false);
  expect(await ask('/root/.ssh/id')).toBeUndefined();
  expect(shown()).toBe('');
});
