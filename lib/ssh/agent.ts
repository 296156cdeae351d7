import { connect } from 'node:net';
import type { BaseAgent, IdentityCallback, ParsedKey, SignCallback, SigningRequestOptions } from 'ssh2';
import { describeHostKey } from './host-key.js';
import type { Ssh2 } from './load.js';
import { WireReader, wireString } from './wire.js';

/** One key that an agent holds. */
export interface AgentKey {
  /** `ssh-ed25519`, `sk-ssh-ed25519@openssh.com`, `ssh-rsa-cert-v01@openssh.com` … */
  readonly type: string;
  readonly fingerprint: string;
  readonly blob: Buffer;
  readonly comment: string;
  /** Absent when it is of a kind that the built-in client cannot use. */
  readonly key?: ParsedKey;
}

const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
const RSA_SHA2_256 = 2;
const RSA_SHA2_512 = 4;
/** As OpenSSH's own limit (`MAX_AGENT_REPLY_LEN`). */
const MOST_BYTES = 256 * 1024;

/**
 * All keys that an agent holds, those that `ssh2` cannot use too (it passes over them in silence).
 *
 * @param signal gives up waiting
 * @throws Error when nothing answers at the socket, or not as an agent does
 */
export async function listAgentKeys(ssh2: Ssh2, socket: string, signal: AbortSignal): Promise<AgentKey[]> {
  const reader = new WireReader(await ask(socket, Buffer.from([REQUEST_IDENTITIES]), signal));
  if (reader.byte() !== IDENTITIES_ANSWER) throw new Error('it does not say what keys it holds');
  const keys: AgentKey[] = [];
  for (let left = reader.uint32(); left > 0; left -= 1) {
    const blob = Buffer.from(reader.string());
    const comment = reader.text();
    const parsed = ssh2.utils.parseKey(blob);
    const { type, fingerprint } = describeHostKey(blob);
    // A certificate may be taken for the key in it; offering that is another thing.
    const usable = !(parsed instanceof Error) && parsed.type === type;
    keys.push({ type, fingerprint, blob, comment, ...(usable && { key: parsed }) });
  }
  return keys;
}

function ask(path: string, request: Buffer, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    let answer = Buffer.alloc(0);
    const done = (finish: () => void): void => {
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      finish();
    };
    const onAbort = (): void => done(() => reject(new Error('no answer')));
    signal.addEventListener('abort', onAbort);
    socket.on('error', (error) => done(() => reject(error)));
    socket.on('close', () => done(() => reject(new Error('it hung up'))));
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length < 4) return;
      const length = answer.readUInt32BE();
      if (length > MOST_BYTES) done(() => reject(new Error('it does not speak as an agent does')));
      else if (answer.length >= 4 + length) done(() => resolve(answer.subarray(4, 4 + length)));
    });
    const header = Buffer.alloc(4);
    header.writeUInt32BE(request.length);
    socket.write(Buffer.concat([header, request]));
    if (signal.aborted) onAbort();
  });
}

/** Told of each signature that an agent is asked for: a person may have to touch a key, to confirm or to unlock. */
export interface SignWatch {
  readonly signal: AbortSignal;
  /** Returns what is to be called when the agent has answered, with its error if it refused. */
  signing(key: AgentKey): (error?: Error) => void;
}

/** An agent for `ssh2` that has these keys only. */
export function agentWith(
  ssh2: Ssh2,
  socket: string,
  keys: readonly AgentKey[],
  watch: SignWatch,
): BaseAgent {
  class Chosen extends ssh2.BaseAgent {
    override getIdentities(done: IdentityCallback): void {
      done(
        undefined,
        keys.flatMap(({ key }) => key ?? []),
      );
    }

    override sign(pub: unknown, data: Buffer, options: unknown, done?: SignCallback): void {
      const blob = (pub as ParsedKey).getPublicSSH();
      const key = keys.find((each) => each.blob.equals(blob));
      if (key === undefined) return done?.(new Error('a key that was not offered'));
      const answered = watch.signing(key);
      const { hash } = options as SigningRequestOptions;
      ask(socket, signRequest(key, data, hash), watch.signal)
        .then(signatureIn)
        .then(
          (signature) => {
            answered();
            done?.(undefined, signature);
          },
          (error: unknown) => {
            const reason = error instanceof Error ? error : new Error(String(error));
            answered(reason);
            done?.(reason);
          },
        );
    }
  }
  return new Chosen();
}

function signRequest(key: AgentKey, data: Buffer, hash: SigningRequestOptions['hash']): Buffer {
  const flags = Buffer.alloc(4);
  if (key.type === 'ssh-rsa') flags.writeUInt32BE(hash === 'sha512' ? RSA_SHA2_512 : RSA_SHA2_256);
  return Buffer.concat([Buffer.from([SIGN_REQUEST]), wireString(key.blob), wireString(data), flags]);
}

/** The signature itself; `ssh2` puts its algorithm before it. */
function signatureIn(answer: Buffer): Buffer {
  const reader = new WireReader(answer);
  if (reader.byte() !== SIGN_RESPONSE) throw new Error('it refused');
  const signature = new WireReader(reader.string());
  signature.string();
  return signature.string();
}
