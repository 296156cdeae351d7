import type { OfferedHostKey, SshStep } from '../errors.js';

/** What the log of one OpenSSH (`-v`) tells of a log-in. */
export interface Seen {
  /** How far it has got. */
  readonly step: SshStep;
  readonly loggedIn: boolean;
  /** The last key that the host showed; of a certificate, the key that it is for. */
  readonly hostKey: OfferedHostKey | undefined;
  /** The authority that signed the host's certificate, as `TYPE SHA256:…`, when it showed one. */
  readonly authority: string | undefined;
  /** `OpenSSH_9.2p1`; empty until the host has said it. */
  readonly serverVersion: string;
  /** The first line that it said in the place of that; empty: none. */
  readonly strange: string;
  /** Methods that the host has accepted, and wants others after. */
  readonly partial: boolean;
  /** Methods that could go on, as the host last said: `publickey,keyboard-interactive`. */
  readonly methods: string;
  /** Keys that were shown to the host. */
  readonly offered: number;
  /** Kind of the key that waits for a touch, for example `ED25519-SK`. */
  readonly touch: string | undefined;
  /** Lines that are meant for a person. */
  readonly said: readonly string[];
}

const DEBUG = /^debug[123]: /;

/** Reads a log, which may end in the middle of a line: that line does not count yet. */
export function readLog(text: string): Seen {
  let step: SshStep = 'tcp connect';
  let hostKey: OfferedHostKey | undefined;
  let authority: string | undefined;
  let serverVersion = '';
  let strange = '';
  let partial = false;
  let methods = '';
  let offered = 0;
  let touch: string | undefined;
  let loggedIn = false;
  const said: string[] = [];
  for (const line of text.split(/\r?\n/).slice(0, -1)) {
    if (!DEBUG.test(line)) {
      if (/^Authenticated to /.test(line)) loggedIn = true;
      else if (/^Authenticated using .* with partial success\.$/.test(line)) partial = true;
      else if (!/^(OpenSSH_|Authenticated )/.test(line) && line.trim() !== '') said.push(line.trimEnd());
      continue;
    }
    const words = line.replace(DEBUG, '');
    if (words === 'Connection established.') step = 'key exchange';
    const version = /^Remote protocol version \S+, remote software version (.*)$/.exec(words)?.[1];
    if (version !== undefined) {
      step = 'key exchange';
      serverVersion = version;
    }
    strange ||= /^kex_exchange_identification: banner line 0: (.*)$/.exec(words)?.[1] ?? '';
    const key = /^Server host key: (\S+) (SHA256:\S+)$/.exec(words);
    if (key?.[1] !== undefined && key[2] !== undefined) hostKey = { type: key[1], fingerprint: key[2] };
    const certificate = /^Server host certificate: (\S+) (SHA256:[^,]+), .* CA (\S+ SHA256:\S+)/.exec(words);
    if (certificate?.[1] !== undefined && certificate[2] !== undefined) {
      hostKey = { type: certificate[1], fingerprint: certificate[2] };
      authority = certificate[3];
    }
    if (words.startsWith('SSH2_MSG_SERVICE_ACCEPT received')) step = 'authentication';
    methods = /^Authentications that can continue: (.*)$/.exec(words)?.[1] ?? methods;
    if (/^Offering public key: /.test(words)) offered += 1;
    const accepted = /^Server accepts key: .* (\S+) SHA256:/.exec(words)?.[1];
    if (accepted !== undefined)
      touch = accepted.endsWith('-SK') || accepted.endsWith('-SK-CERT') ? accepted : undefined;
  }
  if (loggedIn) step = 'open channel';
  return {
    step,
    loggedIn,
    hostKey,
    authority,
    serverVersion,
    strange,
    partial,
    methods,
    offered,
    touch,
    said,
  };
}
