import type { SshTarget } from '../../manifest/index.js';
import { shellWord } from '../../text/shell-word.js';
import { defineProgram } from '../remote/programs.js';
import type { ProgramResult, RemoteProgram } from '../transport.js';
import { type Frame, frameOf } from './frame.js';

/** How the account that was logged in to becomes root; `none`: it is root already. */
export type Become = NonNullable<SshTarget['become']>;

export function becomeOf({ user, become }: Pick<SshTarget, 'user' | 'become'>): Become {
  return become ?? (user === 'root' ? 'none' : 'sudo');
}

/**
 * The command line for a program: a shell that takes the program's text from the first bytes of standard input, with its
 * name as `$0` and an empty root as `$1`. So the text stands in no process list, and sudo does not log all of it at
 * each read. `env` sets the language of sudo's own messages whatever the account's shell is.
 */
export function remoteCommand(program: RemoteProgram, frame: Frame, become: Become): string {
  const shell = ['/bin/sh', '-c', frame.command, program.name, ''];
  const before = {
    none: [],
    doas: ['doas', '-n', '--'],
    // Its description stands in the journal: the whole command line, where nothing else is said.
    run0: [...ENGLISH, 'run0', '--no-ask-password', `--description=${program.name}`, '--'],
    sudo: [...ENGLISH, 'sudo', '-n', '--'],
  }[become];
  return [...before, ...shell].map(shellWord).join(' ');
}

const ENGLISH = ['env', 'LC_ALL=C'];

/** Takes a password from standard input, for sudo alone. */
const SUDO_WITH_PASSWORD = defineProgram('citadel-sudo', 'write', 'sudo.sh');

/** As {@link remoteCommand}, by a sudo that may ask for a password, and what is sent before the program. */
export function withPassword(
  program: RemoteProgram,
  frame: Frame,
  password: string,
  nonce: string,
): { readonly command: string; readonly before: Buffer } {
  const outer = frameOf(SUDO_WITH_PASSWORD, nonce);
  const words = ['/bin/sh', '-c', outer.command, SUDO_WITH_PASSWORD.name, '', frame.command, program.name];
  return {
    command: words.map(shellWord).join(' '),
    before: Buffer.concat([outer.text, Buffer.from(`${password}\n`)]),
  };
}

const BECOME = 'become|user';
const PASSWORD = `sudoPassword|${BECOME}`;

/** Why an account did not become root, and what to do. */
export interface Refusal {
  readonly got: string;
  readonly fix: string;
  /** Settings that it is about, as of a problem. */
  readonly about: readonly string[];
  /** A password would help. */
  readonly wantsPassword: boolean;
}

/**
 * `undefined` when something else went wrong.
 *
 * @param password `given`: to sudo; `none`: it was not needed until now; `impossible`: there is no way to come by one
 */
export function refusalOf(
  become: Become,
  user: string,
  result: ProgramResult,
  password: 'given' | 'none' | 'impossible',
): Refusal | undefined {
  if (become === 'doas') return doasRefusal(user, result);
  if (become === 'run0') return run0Refusal(user, result);
  const said = become === 'sudo' ? sudoRefusal(result) : undefined;
  if (said === undefined) return undefined;
  if (password === 'given' && /incorrect password attempt|no password was provided/.test(said)) {
    return {
      got: `sudo did not take the password of "${user}" (${said})`,
      fix: 'Correct the secret that sudoPassword names, or what was typed; it was tried once',
      about: [PASSWORD],
      wantsPassword: false,
    };
  }
  if (/must have a tty/.test(said)) {
    const line = sudoersLine(user, (name) => `Defaults:${name} !requiretty`);
    return {
      got: `sudo lets "${user}" in on a terminal only, which no program here has (${said})`,
      fix: `On the host, as root: ${line}, or connect as root; ${LAST_COUNTS}`,
      about: [BECOME],
      wantsPassword: false,
    };
  }
  if (NOT_ALLOWED.some((pattern) => pattern.test(said))) {
    const tag = password === 'given' ? '' : 'NOPASSWD: ';
    return {
      got: `"${user}" may not become root by sudo, with or without a password (${said})`,
      fix: `On the host, as root: ${sudoRule(user, tag)}, or connect as root; ${LAST_COUNTS}`,
      about: [BECOME],
      wantsPassword: false,
    };
  }
  return {
    got: `"${user}" cannot become root without a password (${said})`,
    fix: sudoFix(user, said, password === 'impossible'),
    about: [PASSWORD],
    wantsPassword: password === 'none' && WANTS_PASSWORD.some((pattern) => pattern.test(said)),
  };
}

/** Of an account's name, what may stand in the name of a file of its own. */
function fileName(user: string): string {
  return user.replace(/[^A-Za-z0-9_-]/g, '_');
}

const LAST_COUNTS =
  'sudo takes the last line that matches: if it stays refused, look for files there that sort later, and for what /etc/sudoers says after its @includedir';

/** Adds a line of sudoers, as root on the host; `visudo -c` would take it. */
function sudoersLine(user: string, line: (name: string) => string): string {
  // sudo reads no file whose name has a dot in it, and some characters mean something to it.
  const file = `/etc/sudoers.d/zz-citadel-${fileName(user)}`;
  const name = user.replace(/[\\@]/g, '\\$&');
  const write = name === user ? 'echo' : "printf '%s\\n'";
  return `${write} '${line(name)}' >> ${file} && chmod 0440 ${file}`;
}

/** @param tag `NOPASSWD: `, or nothing where sudo is given a password */
function sudoRule(user: string, tag: string): string {
  return sudoersLine(user, (name) => `${name} ALL=(ALL) ${tag}ALL`);
}

function sudoFix(user: string, refusal: string, impossible: boolean): string {
  const way = impossible
    ? ', or use "citadel-iac apply", which can give sudo a password (Terraform gives none)'
    : ', or name the password’s secret as sudoPassword under ssh, or run this on a terminal to be asked';
  const password = WANTS_PASSWORD.some((pattern) => pattern.test(refusal)) ? way : '';
  return (
    `On the host, as root: ${sudoRule(user, 'NOPASSWD: ')} ` +
    `(with "apt-get install sudo" first if there is none), or connect as root${password}; ${LAST_COUNTS}`
  );
}

const WANTS_PASSWORD = [
  /^sudo: a password is required$/,
  /^sudo: a terminal is required .*$/,
  // sudo-rs
  /^sudo(-rs)?: interactive authentication is required.*$/i,
];

/** The account may not use sudo for this at all. */
const NOT_ALLOWED = [
  /^.* is not in the sudoers file\b/,
  /^Sorry, user .* (is not allowed to execute|may not run sudo) /,
  /^.* is not allowed to run sudo on /,
  // sudo-rs
  /^sudo(-rs)?: I'm sorry .* I'm afraid I can't do that\.?$/,
];

const SUDO_REFUSALS = [
  ...WANTS_PASSWORD,
  ...NOT_ALLOWED,
  /^sudo: \d+ incorrect password attempts?$/,
  /^sudo: no password was provided$/,
  /^sudo: sorry, you must have a tty to run sudo$/,
  /^sudo: account validation failure.*$/,
  /^sudo: PAM account management error.*$/,
  /^(env|.*sh): .*sudo.?: (No such file or directory|not found)$/,
];

/** Sudo's own words when it refused. */
function sudoRefusal(result: ProgramResult): string | undefined {
  if (result.exitCode !== 1 && result.exitCode !== 127) return undefined;
  const lines = result.stderr
    .split('\n')
    .filter((each) => SUDO_REFUSALS.some((pattern) => pattern.test(each)));
  const line = lines.at(-1);
  // sudo names the whole command in some of its refusals.
  return line === undefined || line.length <= 200 ? line : `${line.slice(0, 200)}…`;
}

function doasRefusal(user: string, result: ProgramResult): Refusal | undefined {
  const said = result.stderr
    .split('\n')
    .find((line) => /^doas: |doas.?: (No such file or directory|(command )?not found)/i.test(line));
  if (said === undefined) return undefined;
  return {
    got: `"${user}" cannot become root by doas (${said})`,
    fix: `On the host, as root: echo 'permit nopass ${user} as root' >> /etc/doas.conf (with "apt-get install opendoas" first if there is none), or connect as root`,
    about: [BECOME],
    wantsPassword: false,
  };
}

const RUN0_REFUSALS =
  /^Failed to (start transient service unit|connect to (system )?bus|.*polkit.*): |^run0: |run0.?: (No such file or directory|not found)/;

function run0Refusal(user: string, result: ProgramResult): Refusal | undefined {
  const said = result.stderr.split('\n').find((line) => RUN0_REFUSALS.test(line));
  if (said === undefined) return undefined;
  const missing = /No such file|not found/.test(said);
  const name = JSON.stringify(user);
  const rule = `polkit.addRule(function (action, subject) { if (action.id == "org.freedesktop.systemd1.manage-units" && subject.user == ${name}) return polkit.Result.YES; });`;
  return {
    got: `"${user}" cannot become root by run0 (${said})`,
    fix: missing
      ? 'run0 comes with systemd 256 and newer (Debian 13): set "become: sudo" under ssh, or connect as root'
      : `It needs polkit ("apt-get install polkitd") and a rule that asks no questions. On the host, as root: printf '%s\\n' ${shellWord(rule)} > /etc/polkit-1/rules.d/00-citadel-iac-${fileName(user)}.rules, or connect as root`,
    about: [BECOME],
    wantsPassword: false,
  };
}
