/** Name of a secret: a-z, 0-9 and `_`, starting with a letter, at most 63 characters. */
const NAME = '[a-z][a-z0-9_]{0,62}';

/** What a reference begins with: a text without it refers to no secret. */
export const SECRET_MARK = '@@secret:';

export function isSecretName(text: string): boolean {
  return new RegExp(`^${NAME}$`).test(text);
}

/** `@@secret:name@@`: stands inside a line of a file's content for the value, which the engine puts in when it applies. */
export function secretReference(name: string): string {
  return `${SECRET_MARK}${name}@@`;
}

/** Every reference of a text, with the name as first group. A new object each time: it keeps its place while it is used. */
export function secretReferences(): RegExp {
  return new RegExp(`${SECRET_MARK}(${NAME})@@`, 'g');
}

/** What looks like a reference and is none, with some of what follows; `undefined` where all are right. */
export function malformedSecretReference(text: string): string | undefined {
  return new RegExp(`${SECRET_MARK}(?!${NAME}@@).{0,24}`).exec(text)?.[0];
}

/** Names of the secrets that a text refers to, sorted, each once. */
export function secretNamesIn(text: string): string[] {
  return [...new Set([...text.matchAll(secretReferences())].map((match) => match[1] ?? ''))].sort();
}
