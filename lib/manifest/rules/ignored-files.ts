import { cronSchedule } from '../../render/cron-schedule.js';
import { RenderError } from '../../render/error.js';
import type { ManifestFile } from '../schema.js';
import type { Rule, RuleContext } from './context.js';

const SECTIONS = ['files', 'blocks', 'symlinks'] as const;
/** A line of cron's environment: `NAME=value`, blanks around the sign, quotes around the name. */
const VARIABLE = /^(?:"[^"]*"|'[^']*'|[^\s="']+)[ \t]*=/;
const JOB = /^(@\S+|(?:[^\s]+[ \t]+){4}[^\s]+)[ \t]+(\S+)[ \t]+(\S.*)$/;

/** sudo and cron pass over a file with the wrong name, owner or mode without a word, and cron over one with a wrong line. */
export const ignoredFileRules: Rule = (context) => {
  for (const section of SECTIONS) {
    for (const path of context.keys(section)) name(context, section, path);
  }
  for (const [path, file] of Object.entries(context.manifest.files ?? {})) {
    if (/^\/etc\/sudoers(?:\.d\/[^/]+)?$/.test(path)) sudoersAccess(context, path, file);
    const isCron = /^\/etc\/cron\.d\/[^/]+$/.test(path);
    if (isCron) cronAccess(context, path, file);
    if (/^\/etc\/cron\.(?:hourly|daily|weekly|monthly)\/[^/]+$/.test(path)) cronProgram(context, path, file);
    if (isCron || file.validate === 'cron') cronLines(context, path, file.content ?? '');
  }
};

function name(context: RuleContext, section: (typeof SECTIONS)[number], path: string): void {
  const [, folder, file = ''] =
    /^\/etc\/(sudoers\.d|cron\.(?:d|hourly|daily|weekly|monthly))\/([^/]+)$/.exec(path) ?? [];
  if (folder === 'sudoers.d' && (file.includes('.') || file.endsWith('~'))) {
    context.report(section, path, {
      code: 'manifest.sudoers.name',
      got: `sudo ignores a file called ${JSON.stringify(file)}: it has a "." or ends with "~"`,
      fix: 'Choose a name without them',
    });
  }
  if (folder?.startsWith('cron') === true && !/^[A-Za-z0-9_-]+$/.test(file)) {
    context.report(section, path, {
      code: 'manifest.cron.name',
      got: `cron ignores a file called ${JSON.stringify(file)}`,
      fix: 'Use letters, digits, "_" and "-" only',
    });
  }
}

function sudoersAccess(context: RuleContext, path: string, { owner, mode }: ManifestFile): void {
  if (mode !== '0440' && mode !== '0400') {
    context.report('files', path, {
      code: 'manifest.sudoers.mode',
      member: '.mode',
      got: `sudo wants its files to be read-only, and this one has mode ${mode}`,
      fix: 'Give it mode 0440',
    });
  }
  ownedByRoot(context, path, 'sudo', owner);
}

function cronAccess(context: RuleContext, path: string, { owner, mode }: ManifestFile): void {
  if ((Number.parseInt(mode, 8) & 0o022) !== 0) {
    context.report('files', path, {
      code: 'manifest.cron.mode',
      member: '.mode',
      got: `cron ignores a file that its group or others may write, and this one has mode ${mode}`,
      fix: 'Give it mode 0644',
    });
  }
  ownedByRoot(context, path, 'cron', owner);
}

function cronProgram(context: RuleContext, path: string, { mode }: ManifestFile): void {
  if ((Number.parseInt(mode, 8) & 0o100) !== 0) return;
  context.report('files', path, {
    code: 'manifest.cron.program',
    member: '.mode',
    got: `cron runs the programs of this folder, and this one cannot be executed with mode ${mode}`,
    fix: 'Give it mode 0755',
  });
}

function ownedByRoot(context: RuleContext, path: string, program: 'sudo' | 'cron', owner: string): void {
  if (owner === 'root') return;
  context.report('files', path, {
    code: `manifest.${program === 'sudo' ? 'sudoers' : 'cron'}.owner`,
    member: '.owner',
    got: `${program} ignores a file that is not root's, and this one is ${owner}'s`,
    fix: 'Let root own it',
  });
}

function cronLines(context: RuleContext, path: string, content: string): void {
  content.split('\n').forEach((text, index) => {
    const problem = cronLineProblem(text);
    if (problem === undefined) return;
    context.report('files', path, {
      code: 'manifest.cron.line',
      member: '.content',
      got: `line ${String(index + 1)}: ${problem.got}; cron would ignore the whole file`,
      fix: problem.fix,
    });
  });
}

function cronLineProblem(text: string): { readonly got: string; readonly fix: string } | undefined {
  const line = text.trim();
  if (line === '' || line.startsWith('#') || VARIABLE.test(line)) return undefined;
  const [, schedule] = JOB.exec(line) ?? [];
  if (schedule === undefined) {
    return {
      got: `${JSON.stringify(line)} is not a time, a user and a command`,
      fix: 'Write "0 3 * * * root COMMAND", or NAME=value for the environment',
    };
  }
  try {
    cronSchedule(schedule);
    return undefined;
  } catch (error) {
    if (error instanceof RenderError) return { got: error.got, fix: error.fix };
    throw error;
  }
}
