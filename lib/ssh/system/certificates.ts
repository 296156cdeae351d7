import { readFile } from 'node:fs/promises';
import { type AgentKey, listAgentKeys } from '../agent.js';
import { isCertificate, type Validity, validityOf, validityText } from '../certificate.js';
import { loadSsh2 } from '../load.js';
import type { Key } from './log.js';

/** A certificate that OpenSSH had at hand. */
export interface HeldCertificate {
  /** `the certificate FILE (expired on …)`. */
  readonly words: string;
  readonly expired: boolean;
}

/** An agent that does not say at once what it holds is not waited for: the log-in has failed already. */
const AGENT_MS = 2000;

/** @param socket the agent's; where OpenSSH used another one, the validity of what that holds is not known */
export async function certificatesAmong(
  keys: readonly Key[],
  socket: string | undefined,
): Promise<HeldCertificate[]> {
  const held = keys.filter(({ kind }) => kind.endsWith('-CERT'));
  if (held.length === 0) return [];
  const inAgent = held.some((key) => key.inAgent) ? await agentCertificates(socket) : [];
  return Promise.all(
    held.map(async ({ name, inAgent: byAgent }) => {
      const file = await certificateFile(name);
      const blob = file?.blob ?? (byAgent ? ofName(inAgent, name) : undefined);
      const where = file?.path ?? `"${name}"${byAgent ? ' of the SSH agent' : ''}`;
      return described(where, blob === undefined ? undefined : validityOf(blob));
    }),
  );
}

function described(where: string, validity: Validity | undefined): HeldCertificate {
  const now = Date.now();
  const until = validity === undefined ? '' : ` (${validityText(validity, now)})`;
  return {
    words: `the certificate ${where}${until}`,
    expired: validity !== undefined && (now >= validity.until || now < validity.from),
  };
}

/** OpenSSH names a certificate by its own file, or by that of the key which it lies next to. */
async function certificateFile(name: string): Promise<{ path: string; blob: Buffer } | undefined> {
  for (const path of [`${name}-cert.pub`, name]) {
    try {
      const [type = '', base64 = ''] = (await readFile(path, 'utf8')).split(/\s+/);
      if (isCertificate(type)) return { path, blob: Buffer.from(base64, 'base64') };
    } catch {
      // It is not a file, or none that can be read.
    }
  }
  return undefined;
}

/** OpenSSH tells those of an agent by their comments. */
function ofName(held: readonly AgentKey[], name: string): Buffer | undefined {
  const named = held.length === 1 ? held : held.filter(({ comment }) => comment === name);
  return named.length === 1 ? named[0]?.blob : undefined;
}

async function agentCertificates(socket: string | undefined): Promise<AgentKey[]> {
  if (socket === undefined) return [];
  try {
    const keys = await listAgentKeys(await loadSsh2(), socket, AbortSignal.timeout(AGENT_MS));
    return keys.filter(({ type }) => isCertificate(type));
  } catch {
    return [];
  }
}
