import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { NotAnswered, secretAsker } from '../../lib/cli/secret-asker.js';

function terminal(isTTY: boolean) {
  const input = Object.assign(new PassThrough(), { isTTY });
  let shown = '';
  let interrupts = 0;
  const output = { write: (text: string | Uint8Array) => (shown += String(text)) !== '' };
  return {
    input,
    ask: secretAsker(input, output, () => (interrupts += 1)),
    interrupts: () => interrupts,
    shown: () => shown,
  };
}

it('asks a question once, however many connections want its answer, and does not show it', async () => {
  const { input, ask, shown } = terminal(true);
  const answers = Promise.all([ask('Passphrase of /root/.ssh/id'), ask('Passphrase of /root/.ssh/id')]);
  await expect.poll(shown).toContain('Passphrase of /root/.ssh/id: ');
  input.write('open sesame\n');
  expect(await answers).toEqual(['open sesame', 'open sesame']);
  expect(await ask('Passphrase of /root/.ssh/id')).toBe('open sesame');
  expect(shown()).toBe('Passphrase of /root/.ssh/id: \n');
});

it('asks no one where there is no terminal', async () => {
  const { ask, shown } = terminal(false);
  expect(await ask('Passphrase of /root/.ssh/id')).toBeUndefined();
  expect(shown()).toBe('');
});

it('ends at Ctrl-C, as it does elsewhere, and asks nothing more', async () => {
  const { input, ask, shown, interrupts } = terminal(true);
  const answers = Promise.allSettled([ask('Passphrase of a'), ask('Passphrase of b')]);
  await expect.poll(shown).toContain('Passphrase of a: ');
  input.write('half\x03');
  for (const answer of await answers)
    expect(answer).toMatchObject({ status: 'rejected', reason: expect.any(NotAnswered) as unknown });
  expect([interrupts(), shown()]).toEqual([1, 'Passphrase of a: \n']);
});
