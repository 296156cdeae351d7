import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { shellWord } from '../../text/shell-word.js';
import type { SshEndpoint } from '../types.js';
import { writeFiles } from './folder.js';

/** A hop of ProxyJump: `[user@]host[:port]`, as ssh_config says it. */
export interface Hop {
  /** What ssh_config says. */
  readonly spec: string;
  /** Without user and port. */
  readonly host: string;
  /** What a person types to log in to it. */
  readonly byHand: string;
}

/** How OpenSSH's own configuration reaches a host. */
export interface ConfiguredWay {
  /** Nearest to us first; empty: there is no ProxyJump. */
  readonly hops: readonly Hop[];
  /** ProxyCommand to the first of these machines, as ssh_config says it. */
  readonly proxyCommand?: string;
}

/** A way that is longer goes in a circle. */
const MOST_HOPS = 16;

/** ProxyJump leads back to a hop that it came from. */
export class EndlessWay extends Error {}

/** OpenSSH does not take its configuration: what it says, in lines. */
export class BadConfiguration extends Error {}

/** What one OpenSSH makes of its configuration. */
type Settings = ReadonlyMap<string, string>;

/**
 * Reads the way to a host from OpenSSH's configuration (`ssh -G`): OpenSSH would start the hops by itself, and gives them
 * nothing of what this log-in was told, such as to ask no questions.
 *
 * The log-in itself passes over options that this OpenSSH does not know, because it gives some that are not in each version; those of
 * the configuration are read here as `ssh` by itself reads them, so that a mistyped one is no setting that is left out.
 *
 * @throws EndlessWay, BadConfiguration
 */
export async function configuredWay(
  { address, port, user }: Pick<SshEndpoint, 'address' | 'port' | 'user'>,
  signal: AbortSignal,
): Promise<ConfiguredWay> {
  const words = ['-l', user, ...(port === 22 ? [] : ['-p', String(port)]), '--', address];
  const { specs, proxyCommand } = await wayTo(words, address, signal);
  const hops = specs.map((spec, at) => {
    const { host } = partsOf(spec);
    const before = at === 0 ? '' : `-J ${shellWord(specs.slice(0, at).join(','))} `;
    const { options, host: target } = wordsOf(spec);
    return { spec, host, byHand: `ssh -v ${before}${[...options, target].map(shellWord).join(' ')}` };
  });
  return { hops, ...(proxyCommand !== undefined && { proxyCommand }) };
}

async function wayTo(
  words: readonly string[],
  name: string,
  signal: AbortSignal,
  depth = 0,
): Promise<{ readonly specs: readonly string[]; readonly proxyCommand?: string }> {
  const settings = await settingsOf(words, signal);
  const jump = settings.get('proxyjump');
  if (jump === undefined || jump === 'none') {
    const proxyCommand = settings.get('proxycommand');
    return { specs: [], ...(proxyCommand !== undefined && proxyCommand !== 'none' && { proxyCommand }) };
  }
  const specs = withTokens(jump, settings, name).split(',');
  if (depth + specs.length > MOST_HOPS) throw new EndlessWay(specs.join(','));
  const [first = ''] = specs;
  const { options, host } = wordsOf(first);
  // The others are reached through the one before them, whatever the configuration says of them.
  const before = await wayTo([...options, '--', host], host, signal, depth + specs.length);
  return { ...before, specs: [...before.specs, ...specs] };
}

/** None where there is no such program, or where OpenSSH ends for another reason: logging in says it. */
function settingsOf(words: readonly string[], signal: AbortSignal): Promise<Settings> {
  return new Promise((resolve, reject) => {
    const child = execFile('ssh', ['-G', ...words], { signal }, (error, stdout, stderr) => {
      if (error !== null && /bad configuration option/i.test(stderr)) {
        reject(new BadConfiguration(stderr.trim()));
        return;
      }
      const lines = error === null ? stdout.split('\n') : [];
      resolve(new Map(lines.map((line) => [line.split(' ', 1)[0] ?? '', line.slice(line.indexOf(' ') + 1)])));
    });
    child.stdin?.end();
  });
}

/** ProxyJump takes the tokens of ProxyCommand. */
function withTokens(text: string, settings: Settings, name: string): string {
  const values: Readonly<Record<string, string | undefined>> = {
    '%': '%',
    h: settings.get('hostname'),
    n: name,
    p: settings.get('port'),
    r: settings.get('user'),
  };
  return text.replace(/%(.)/g, (all, letter: string) => values[letter] ?? all);
}

function partsOf(spec: string): { readonly user?: string; readonly host: string; readonly port?: string } {
  const bare = spec.replace(/^ssh:\/\//, '').replace(/\/$/, '');
  const at = bare.lastIndexOf('@');
  const [, inBrackets, plain, port] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(bare.slice(at + 1)) ?? [];
  return {
    host: inBrackets ?? plain ?? bare.slice(at + 1),
    ...(at >= 0 && { user: bare.slice(0, at) }),
    ...(port !== undefined && { port }),
  };
}

function wordsOf(spec: string): { readonly options: readonly string[]; readonly host: string } {
  const { user, host, port } = partsOf(spec);
  return {
    options: [...(user === undefined ? [] : ['-l', user]), ...(port === undefined ? [] : ['-p', port])],
    host,
  };
}

/**
 * The value of ProxyCommand that goes the configured way and asks no one anything; `undefined`: as OpenSSH goes it by itself.
 *
 * @param folder private, for a program for each hop
 */
export function silentProxyCommand(way: ConfiguredWay, folder: string): string | undefined {
  const first = way.proxyCommand;
  let command = first === undefined ? undefined : withoutQuestions(first);
  if (way.hops.length === 0) return command === first ? undefined : command;
  for (const [at, { spec }] of way.hops.entries()) {
    const { options, host } = wordsOf(spec);
    const words = [
      ...['ssh', '-v', '-o', 'BatchMode=yes'],
      ...(command === undefined ? [] : ['-o', `ProxyCommand=${command}`]),
      ...(at === 0 ? [] : ['-o', 'ProxyUseFdpass=no']),
      ...options,
    ];
    const file = `hop${String(at)}.sh`;
    const program = `exec ${words.map(shellWord).join(' ')} -W "[$1]:$2" -- ${shellWord(host)}\n`;
    writeFiles(folder, { [file]: program });
    command = programWithPlace(join(folder, file));
  }
  return command;
}

/** A command that OpenSSH gives the host and the port that it is to reach. A shell reads it, after OpenSSH has put in what stands for a "%". */
export function programWithPlace(path: string): string {
  return `/bin/sh ${shellWord(path).replaceAll('%', '%%')} %h %p`;
}

/** The usual ProxyCommand is an OpenSSH as well (`ssh -W %h:%p gate`). */
function withoutQuestions(command: string): string {
  return command.replace(/^(\s*(?:exec\s+)?(?:\/\S*\/)?ssh)(?=\s)/, '$1 -o BatchMode=yes');
}
