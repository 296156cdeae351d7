import type { Shell } from '../shell.js';
import { isAddress, MODEL_FORM, readModel, type RawAnswers } from './answers.js';

/** Asks for everything that was not said on the command line; an empty answer leaves out what may be left out. */
export async function askForAnswers(shell: Shell, given: RawAnswers, colour: boolean): Promise<RawAnswers> {
  const ask = (question: string, initial = '', check = (_answer: string): true | string => true) =>
    shell.ask(question, { initial, check, colour });
  const optional = async (value: string | undefined, question: string): Promise<string | undefined> => {
    const answer =
      value ??
      (await ask(question, '', (text) =>
        text.trim() === '' || isAddress(text.trim()) ? true : 'Write one IP address, such as 192.168.10.35.',
      ));
    return answer.trim() === '' ? undefined : answer.trim();
  };
  const list = async (
    values: readonly string[] | undefined,
    question: string,
    check: (item: string) => boolean,
    form: string,
  ): Promise<readonly string[]> => {
    if (values !== undefined && values.length > 0) return values;
    const answer = await ask(question, '', (text) =>
      words(text).length > 0 && words(text).every(check) ? true : `Write ${form}.`,
    );
    return words(answer);
  };

  const aiNode = await optional(given.aiNode, 'Address of the AI node (empty: there is none)');
  const devOps = await optional(given.devOps, 'Address of the monitoring server (empty: there is none)');
  if (aiNode === undefined && devOps === undefined) return { ...given, aiNode, devOps };
  const operator = await list(
    given.operator,
    'Addresses or networks that people work from',
    (item) => /^[0-9a-fA-F.:]+(\/\d{1,3})?$/.test(item),
    'IP addresses, with spaces between them, such as 192.168.10.1 or 192.168.10.0/24',
  );
  const user =
    given.user ??
    (await ask('Account to log in as, which may sudo', 'agent0', (text) =>
      text.trim() === '' ? 'Write a name.' : true,
    ));
  const answers = { ...given, aiNode, devOps, operator, user: user.trim() };
  if (aiNode === undefined) return answers;
  const gpu = await list(
    given.gpu,
    'Memory of each GPU, in GiB',
    (item) => Number(item) > 0,
    'one number for each GPU, such as 80 80',
  );
  const model = await list(
    given.model,
    `Models, each ${MODEL_FORM}`,
    (item) => readModel(item) !== undefined,
    MODEL_FORM,
  );
  return { ...answers, gpu, model };
}

function words(text: string): string[] {
  return text.split(/\s+/).filter(Boolean);
}
