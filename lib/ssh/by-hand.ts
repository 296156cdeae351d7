import { shellWord } from '../text/shell-word.js';
import { urlHost } from '../text/address.js';
import type { SshEndpoint } from './types.js';

type Machine = Pick<SshEndpoint, 'address' | 'port' | 'user' | 'auth'>;

/** Of `ssh`, for what is to be tried in the place of the built-in client, which reads none of OpenSSH's configuration. */
export const UNCONFIGURED = ['-F', 'none'] as const;

/**
 * A command line that logs in as a connection of ours does, for a person to try: same account, port, key and jump hosts.
 *
 * @param hops the machines in between, nearest to us first
 * @param options of `ssh`, for example `-v`
 */
export function sshByHand(machine: Machine, hops: readonly Machine[], ...options: readonly string[]): string {
  const configuration = options.includes(UNCONFIGURED[0]) ? UNCONFIGURED : [];
  return `ssh ${[...options, ...wordsTo(machine, hops, configuration)].map(word).join(' ')}`;
}

/** A value after a name means nothing special to a shell. */
function word(text: string): string {
  return /^[A-Za-z]+=[A-Za-z0-9]+$/.test(text) ? text : shellWord(text);
}

/** @param configuration options for the hops whose commands stand in it */
function wordsTo(
  { address, port, user, auth }: Machine,
  hops: readonly Machine[],
  configuration: readonly string[],
): string[] {
  return [
    ...(auth.kind === 'identity' ? ['-i', auth.path, '-o', 'IdentitiesOnly=yes'] : []),
    ...through(hops, configuration),
    ...(port === 22 ? [] : ['-p', String(port)]),
    `${user}@${address}`,
  ];
}

function through(hops: readonly Machine[], configuration: readonly string[]): string[] {
  const last = hops.at(-1);
  if (last === undefined) return [];
  // -J gives the hops this command's -F and none of its other options, so no key.
  if (hops.every(({ auth }) => auth.kind === 'agent')) return ['-J', hops.map(jumpWord).join(',')];
  const words = [...configuration, ...wordsTo(last, hops.slice(0, -1), configuration)];
  const command = `ssh ${words.map(word).join(' ')}`.replaceAll('%', '%%');
  return ['-o', `ProxyCommand=${command} -W [%h]:%p`];
}

function jumpWord({ address, port, user }: Machine): string {
  return `${user}@${urlHost(address)}${port === 22 ? '' : `:${String(port)}`}`;
}

/** What to look at where a jump host does not reach a machine. @param place where to type the command @param target as the jump host knows it */
export function forwardAdvice(
  place: string,
  { address, port }: { readonly address: string; readonly port: number },
): string {
  return `Try "nc -vz ${address} ${String(port)}" ${place}, and look at AllowTcpForwarding and PermitOpen in its sshd_config, and at "restrict" in authorized_keys`;
}
