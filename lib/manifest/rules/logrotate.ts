import { byKey } from '../../text/order.js';
import type { Rule } from './context.js';

interface Named {
  /** A path or a pattern of glob(7), as logrotate reads it. */
  readonly pattern: string;
  readonly file: string;
}

/** logrotate skips the whole entry that names a log for the second time, and fails each night. */
export const logrotateRules: Rule = (context) => {
  const before: Named[] = [];
  for (const [file, { content = '', validate }] of Object.entries(context.manifest.files ?? {}).sort(byKey)) {
    if (validate !== 'logrotate' && !/^\/etc\/logrotate\.d\/[^/]+$/.test(file)) continue;
    if (/^\s*ignoreduplicates\b/m.test(content)) continue;
    for (const pattern of logrotatePatterns(content)) {
      const other = before.find((each) => overlap(each.pattern, pattern));
      before.push({ pattern, file });
      if (other === undefined) continue;
      const where =
        other.file === file ? 'this file' : `${other.file} (${context.origin('files', other.file)})`;
      context.report('files', file, {
        code: 'manifest.logrotate.twice',
        member: '.content',
        got: `${pattern} is named by ${where} as well${other.pattern === pattern ? '' : `, with ${other.pattern}`}`,
        fix: 'Let one entry rotate a log: logrotate skips the second',
      });
    }
  }
};

/**
 * The paths and patterns that a file of logrotate names, in their order: `/var/log/a.log "/srv/b c/*.log" { … }` →
 * `/var/log/a.log`, `/srv/b c/*.log`.
 */
export function logrotatePatterns(text: string): string[] {
  const patterns: string[] = [];
  let state: 'outside' | 'entry' | 'script' = 'outside';
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (state === 'script') {
      if (line === 'endscript') state = 'entry';
    } else if (state === 'entry') {
      if (/^(?:prerotate|postrotate|firstaction|lastaction|preremove)\b/.test(line)) state = 'script';
      else if (line.startsWith('}')) state = 'outside';
    } else if (/^["'/~{]/.test(line)) {
      const [names, body] = split(line);
      for (const [token] of names.matchAll(/"[^"]*"|'[^']*'|\S+/g)) {
        patterns.push(token.replace(/^(["'])(.*)\1$/, '$2').replaceAll(/\/{2,}/g, '/'));
      }
      if (body !== undefined && !body.includes('}')) state = 'entry';
    }
  }
  return patterns;
}

/** What stands before the brace that opens an entry, and after it; a brace in quotes is part of a name. */
function split(line: string): [names: string, body: string | undefined] {
  const match = /^((?:"[^"]*"|'[^']*'|[^{"'])*)(?:\{(.*))?$/.exec(line);
  return match === null ? [line, undefined] : [match[1] ?? '', match[2]];
}

function overlap(a: string, b: string): boolean {
  return a === b || matches(a, b) || matches(b, a);
}

/** Whether a pattern stands for a path; two patterns are compared as texts only. */
function matches(pattern: string, path: string): boolean {
  if (!/[*?[]/.test(pattern) || /[*?[]/.test(path)) return false;
  const source = pattern.replaceAll(/\[!?[^\]]+\]|[\s\S]/g, (part) => {
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    if (part.length > 1) return part.replace(/^\[!/, '[^').replaceAll('\\', '\\\\');
    return part.replace(/[.+^${}()|[\]\\]/, String.raw`\$&`);
  });
  try {
    return new RegExp(`^${source}$`).test(path);
  } catch {
    // Such as [z-a], which stands for nothing.
    return false;
  }
}
