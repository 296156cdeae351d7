import type { z } from 'zod';
import { sortProblems, type Problem } from './problem.js';
import { manifestName, member, originOf } from './rules/context.js';
import { DOCUMENT_PARTS, type DocumentPart } from './schema.js';

type Issue = z.core.$ZodIssue;

/** What to do, by the last property that has a name. */
const FIXES: Readonly<Record<string, string>> = {
  authorizedKeys: 'Give one line of authorized_keys per entry',
  content: 'Give either "content" or "secret", as well-formed text',
  expires: 'Write year-month-day, in quotes',
  gid: 'Give a number from 1 to 4294967293',
  group: 'Give the name of a group',
  groups: 'Give names of groups',
  home: 'Give an absolute path without ".", "..", "//" and control characters',
  mode: 'Write four octal digits in quotes, such as "0644"',
  options: 'Give one mount option per entry, at least "defaults"',
  owner: 'Give the name of a user',
  port: 'Give a number from 1 to 65535',
  reloadOn: 'Give absolute paths of this manifest',
  restartOn: 'Give absolute paths of this manifest',
  shell: 'Give the absolute path of a shell, such as /bin/bash',
  source: 'Give what the documentation of this section names as its source',
  timeoutSec: 'Give the seconds after which the check has failed, more than 0 and at most 86400',
  uid: 'Give a number from 1 to 4294967293',
  url: 'Give an http:// or https:// address',
  version: 'Give what the documentation of this section names as its version',
  wave: 'Give a whole number from 0 to 99',
};

/** The same for properties of the manifest itself. */
const TOP_FIXES: Readonly<Record<string, string>> = {
  host: 'Use 1 to 63 of a-z, 0-9 and "-", the latter not at an end',
  version: 'Write 1',
};

/** What to do about a key that cannot be one. */
const KEY_FIXES: Readonly<Record<DocumentPart, string>> = {
  packages: 'Use the name as apt knows it',
  groups: 'Use 1 to 31 of a-z, 0-9, "_" and "-", not starting with a digit or "-"',
  users: 'Use 1 to 31 of a-z, 0-9, "_" and "-", not starting with a digit or "-"',
  directories: 'Write the whole path from "/", without ".", "..", "//" and control characters',
  files: 'Write the whole path from "/", without ".", "..", "//" and control characters',
  blocks: 'Write the whole path from "/", without ".", "..", "//" and control characters',
  symlinks: 'Write the whole path from "/", without ".", "..", "//" and control characters',
  absentUsers: 'Use the name as the host has it',
  absentPaths: 'Write the whole path from "/", without ".", "..", "//" and control characters',
  mounts: 'Write the whole path from "/", without ".", "..", "//" and control characters',
  units: 'Use the unit\'s full name with its suffix, such as "prometheus.service"',
  checks: 'Use 1 to 63 letters, digits, ".", "_" and "-"',
};

/** zod's issues about a manifest, as problems at the construct that declared the item. */
export function shapeProblems(input: unknown, issues: readonly Issue[]): Problem[] {
  return sortProblems(issues.flatMap((issue) => issueProblems(input, issue)));
}

/** The items (`[section, key]`) that issues are about; an issue about a whole section has an undefined key. */
export function brokenItems(issues: readonly Issue[]): [string, string | undefined][] {
  return issues.map(({ path }) => [String(path[0]), path.length > 1 ? String(path[1]) : undefined]);
}

/**
 * `__proto__` as a key: a name that account names and block names could be, and that would be lost without a word
 * wherever a plain object is filled.
 */
export function lostNames(input: unknown): Problem[] {
  return DOCUMENT_PARTS.flatMap((section) => {
    const items = member(input, section);
    const found: PropertyKey[][] = [];
    if (member(items, LOST_NAME) !== undefined) found.push([section, LOST_NAME]);
    for (const key of Object.keys(Object(items) as object)) {
      if (member(member(items, key), LOST_NAME) !== undefined) found.push([section, key, LOST_NAME]);
    }
    return found.map((path) => ({
      code: 'manifest.key',
      path: originOf(input, section, String(path[1])),
      property: propertyPath(path),
      got: 'is a name that cannot be used',
      fix: 'Choose another name',
    }));
  });
}

const LOST_NAME = '__proto__';

function issueProblems(input: unknown, issue: Issue): Problem[] {
  const [section, key] = [String(issue.path[0]), issue.path.length > 1 ? String(issue.path[1]) : undefined];
  const base = {
    path: key === undefined ? manifestName(input) : originOf(input, section, key),
    ...(issue.path.length === 0 ? {} : { property: propertyPath(issue.path) }),
  };
  switch (issue.code) {
    case 'invalid_key':
      return issue.issues.map((nested) => ({
        ...base,
        code: 'manifest.key',
        got: `${shown(String(issue.path.at(-1)))} ${nested.message}`,
        fix:
          issue.path.length === 2 && isSection(section)
            ? KEY_FIXES[section]
            : 'Use letters, digits and " ._:/@-", at most 128 characters, not ending with a space',
      }));
    case 'unrecognized_keys':
      return issue.keys.map((name) => ({
        ...base,
        property: propertyPath([...issue.path, name]),
        code: 'manifest.unknown-property',
        got: 'is not a property of the manifest',
        fix: 'Take it out, or correct its name',
      }));
    default:
      return [{ ...base, code: 'manifest.value', got: gotOf(input, issue), fix: fixOf(issue) }];
  }
}

function gotOf(input: unknown, issue: Issue): string {
  const value = issue.path.reduce<unknown>((at, name) => member(at, name), input);
  if (value === undefined) return 'is missing';
  // Our own rules are phrased to follow a value; zod's are sentences.
  if (/^(is|has|contains|needs|names) /.test(issue.message)) {
    return typeof value === 'string' ? `${shown(value)} ${issue.message}` : issue.message;
  }
  return `${shown(value)} is not right (${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)})`;
}

function fixOf(issue: Issue): string {
  const known = issue.path.length === 1 ? TOP_FIXES : FIXES;
  const name = issue.path.findLast((part) => typeof part === 'string' && Object.hasOwn(known, part));
  return known[String(name)] ?? 'Give a value as the schema describes it';
}

/** JSON, cut at 60 characters: a problem names a value, it does not print a file. */
function shown(value: unknown): string {
  const text = typeof value === 'object' && value !== null ? 'a value' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function propertyPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => {
      if (index === 0) return String(part);
      if (typeof part === 'number') return `[${part}]`;
      const name = String(part);
      return index > 1 && /^[A-Za-z]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
    })
    .join('');
}

function isSection(name: string): name is DocumentPart {
  return (DOCUMENT_PARTS as readonly string[]).includes(name);
}
