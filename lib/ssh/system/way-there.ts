import { forwardAdvice, sshByHand } from '../by-hand.js';
import type { SshFault } from '../errors.js';
import type { SshEndpoint } from '../types.js';
import { proxyCommandPlace } from './configuration.js';
import type { ConfiguredWay } from './configured-way.js';
import { readLog, type Seen } from './log.js';

/** What OpenSSH on the way there says when the one before it has ended, and what is no reason for an end. */
const ECHO =
  /^(Connection (closed|reset) by UNKNOWN port|Connection timed out during banner exchange|Connection to UNKNOWN port \d+ timed out|banner exchange: Connection to UNKNOWN port|Killed by signal|stdio forwarding failed|kex_exchange_identification: |Warning: |\*\* )/;

/**
 * Why the way of OpenSSH's own configuration (ProxyJump, ProxyCommand) did not reach the host; `undefined` when it did, as far
 * as can be told, and the host hung up.
 *
 * @param configured what that configuration says
 * @param other what the programs on the way wrote to standard error
 * @param late seconds after which it was given up, when it had not ended by itself
 */
export function wayFault(
  seen: Seen,
  endpoint: SshEndpoint,
  { hops }: ConfiguredWay,
  other: string,
  late?: number,
): SshFault | undefined {
  const inner = readLog(`${other}\n`);
  // OpenSSH and we count the same seconds.
  const timedOut =
    late !== undefined || seen.said.some((line) => /timed out during banner exchange/.test(line));
  const kind = timedOut ? 'timeout' : 'unreachable';
  const lines = [...inner.said, ...seen.said].filter((line) => !ECHO.test(line));
  const words = lines.slice(-2).join('; ').slice(0, 400);
  const end = late !== undefined ? `no answer within ${String(late)} s` : timedOut ? 'no answer in time' : '';
  const why = [end, words].filter((each) => each !== '').join('; ');
  const fault = (got: string, fix: string): SshFault => ({ step: 'tcp connect', kind, got, fix });
  const hop = hops[inner.logins];
  if (hops.length === 0) return proxyCommandFault(seen, fault, why, sshByHand(endpoint, [], '-v'));
  if (why === '' && hop === undefined) return undefined;
  const way = hops.length === 1 ? '' : `, of ${hops.map(({ host }) => host).join(', ')}`;
  if (hop === undefined) {
    return fault(
      `the jump host "${String(hops.at(-1)?.host)}" (ProxyJump of your ssh_config${way}) cannot reach it (${why})`,
      forwardAdvice('there', seen.target ?? endpoint),
    );
  }
  return fault(
    `the jump host "${hop.host}" (ProxyJump of your ssh_config${way}) let no one through (${why})`,
    `Log in to it by hand (${hop.byHand}), and correct what your ssh_config says of it; its host key is held against your known_hosts`,
  );
}

/** @param why what is known; empty: nothing. @param byHand the command that tries it */
function proxyCommandFault(
  seen: Seen,
  fault: (got: string, fix: string) => SshFault,
  why: string,
  byHand: string,
): SshFault {
  const place = proxyCommandPlace(seen);
  const where = place === '' ? '' : ` in ${place}`;
  const shown = `"${(seen.proxied ?? '').slice(0, 200)}"`;
  if (why === '') {
    return {
      ...fault(
        `the ProxyCommand of your ssh_config ended without a word before the host had said anything (${shown})`,
        `Correct it${where}, and try it by hand: ${byHand}; where the command is right, the host or something on the way hung up`,
      ),
      dropped: 'silent',
    };
  }
  if (
    /: (command )?not found$|No such file or directory|Permission denied/.test(why) &&
    !/^ssh: |@/.test(why)
  ) {
    return {
      ...fault(
        `the ProxyCommand of your ssh_config cannot be run (${why})`,
        `Install its program, or correct ${shown}${where}; nothing was sent to the host`,
      ),
      kind: 'local',
    };
  }
  return fault(
    `the ProxyCommand of your ssh_config did not reach it (${why})`,
    `Correct ${shown}${where}, or what it connects to; try it by hand: ${byHand}`,
  );
}
