/**
 * An age file does not tell whom it is encrypted to: its header names recipients only to those who hold their identity.
 * So the text inside begins with the list, as comments of YAML: whoever can open the file can compare it with the
 * recipients file, and no one can change the one without the other. Other programs read and write such files as well;
 * what they write merely has no list.
 */
const FIRST = '# citadel-iac wrote this file for these recipients; the file next to it lists them:\n';
const LAST = '#\n';

export interface MarkedText {
  /** What a person wrote. */
  readonly text: string;
  /** Whom the file was encrypted to, sorted; `undefined` where another program wrote it. */
  readonly recipients: readonly string[] | undefined;
}

export function withMark({ text, recipients }: { text: string; recipients: readonly string[] }): string {
  const list = [...new Set(recipients)].sort().map((recipient) => `# ${recipient}\n`);
  return `${FIRST}${list.join('')}${LAST}${text}`;
}

export function readMark(whole: string): MarkedText {
  const recipients: string[] = [];
  if (!whole.startsWith(FIRST)) return { text: whole, recipients: undefined };
  let at = FIRST.length;
  for (;;) {
    const end = whole.indexOf('\n', at) + 1;
    const line = whole.slice(at, end);
    if (line === LAST) return { text: whole.slice(end), recipients };
    const recipient = /^# (age1[a-z0-9]+)\n$/.exec(line)?.[1];
    // Someone wrote into the list: it says nothing any more.
    if (recipient === undefined) return { text: whole, recipients: undefined };
    recipients.push(recipient);
    at = end;
  }
}
