import type { Construct } from 'constructs';
import { addRule } from '../host/problems.js';

/** A value that must have a form: its problem names the property, the value and what to write instead. */
export function requireForm(
  construct: Construct,
  property: string,
  value: string | number | undefined,
  form: RegExp,
  what: string,
  fix: string,
): void {
  addRule(construct, () =>
    value === undefined || form.test(String(value))
      ? []
      : [{ code: 'construct.value', property, got: `${JSON.stringify(value)} is not ${what}`, fix }],
  );
}

/** One line without control characters, not empty, no blank at its ends. */
// eslint-disable-next-line no-control-regex -- the rule is about control characters
export const ONE_LINE = /^(?![ \t])[^\u0000-\u001f\u007f]+(?<![ \t])$/;
/** What can name a file in a `.d` folder. */
export const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;
/** An address of either family; the program that reads it judges the rest. */
export const IP_ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?)$/;
export const HOST_NAME =
  /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

export function requireFileName(construct: Construct, name: string): void {
  requireForm(construct, 'name', name, FILE_NAME, 'a name for its file', 'Use letters, digits, "_" and "-"');
}
