import { readFileSync } from 'node:fs';
import type { SshFault } from '../errors.js';
import type { SshEndpoint } from '../types.js';
import type { Seen } from './log.js';

/** Which file and which line of it OpenSSH does not take, in its own terms. */
const PLACED =
  /^(command-line|\S.*?):? line \d+: (?!Applying|Ignored|Deprecated|include )|^Bad owner or permissions on |: terminating, \d+ bad configuration options|[Bb]ad configuration option/;

/** OpenSSH ended over its own configuration, before anything was sent; `undefined`: it did not. */
export function configurationFault(
  lines: readonly string[],
  { address }: Pick<SshEndpoint, 'address'>,
): SshFault | undefined {
  const found = lines.filter((line) => PLACED.test(line));
  const fault = (got: string, fix: string): SshFault => ({ step: 'identity', kind: 'local', got, fix });
  const owned = found.flatMap((line) => /^Bad owner or permissions on (.*)$/.exec(line)?.[1] ?? [])[0];
  if (owned !== undefined) {
    return fault(
      `your OpenSSH does not read ${owned}, which others may write to, or which is another user's (Bad owner or permissions)`,
      `Make it yours alone: "chmod 600 ${owned}", and "chown $(id -u) ${owned}" where "ls -l" shows another owner; nothing was sent to the host`,
    );
  }
  if (found.length === 0) return undefined;
  const wrong = found.filter((line) => !/: terminating, \d+ bad/.test(line));
  return fault(
    `your OpenSSH does not take its configuration (${(wrong.length === 0 ? found : wrong).slice(0, 3).join('; ')})`,
    `Correct that line, and try it: "ssh -G ${address}" reads all of it and connects to nothing; the system client wants OpenSSH 8.5 or newer ("ssh -V")`,
  );
}

/** The file and line of the only ProxyCommand there is, or the files where it may stand. */
export function proxyCommandPlace({ configurations }: Pick<Seen, 'configurations'>): string {
  const files = [...new Set(configurations)];
  const places = files.flatMap((file) =>
    textOf(file)
      .split('\n')
      .flatMap((line, index) =>
        /^\s*ProxyCommand[\s=]/i.test(line) ? [`${file} line ${String(index + 1)}`] : [],
      ),
  );
  return places.length === 1
    ? (places[0] ?? '')
    : places.length > 1
      ? `one of ${places.join(', ')}`
      : files.join(', ');
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
