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
  /** Keys that OpenSSH has at hand, in the order in which it shows them. */
  readonly keys: readonly Key[];
  /** How many of them were shown to the host. */
  readonly offered: number;
  /** The last one that the host accepted, before it was signed with. */
  readonly accepted: Key | undefined;
  /** What came of asking the agent; `undefined`: there is none. */
  readonly agent: { readonly keys: number } | { readonly trouble: string } | undefined;
  /** It has begun to ask the agent, and that has not answered. */
  readonly asksAgent: boolean;
  /** Kind of the key that waits for a touch, for example `ED25519-SK`. */
  readonly touch: string | undefined;
  /** The command that is the way to the host: of ProxyJump, of ProxyCommand, or our own; `undefined`: there is none. */
  readonly proxied: string | undefined;
  /** Files of its configuration. */
  readonly configurations: readonly string[];
  /** Where the machine is, as it or the last one in between was asked for it: OpenSSH's configuration may say another name and port than we do. */
  readonly target: { readonly address: string; readonly port: number } | undefined;
  /** Machines that were logged in to. */
  readonly logins: number;
  /** Lines that are meant for a person. */
  readonly said: readonly string[];
}

/** A key that OpenSSH has at hand. */
export interface Key {
  /** Its file, or the agent's comment. */
  readonly name: string;
  /** `ED25519`, `RSA-CERT`, `ECDSA-SK` … */
  readonly kind: string;
  /** Of a certificate, that of its key. */
  readonly fingerprint: string;
  readonly inAgent: boolean;
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
  const keys: Key[] = [];
  let offered = 0;
  let accepted: Key | undefined;
  let agent: Seen['agent'];
  let proxied: string | undefined;
  let target: Seen['target'];
  const configurations: string[] = [];
  let keysAgreed = false;
  let attempted = false;
  let logins = 0;
  const said: string[] = [];
  for (const line of text.split(/\r?\n/).slice(0, -1)) {
    if (!DEBUG.test(line)) {
      if (/^Authenticated to /.test(line)) {
        logins += 1;
        const [, address, port] = /^Authenticated to \S+ \(\[(\S+)\]:(\d+)\)/.exec(line) ?? [];
        if (address !== undefined) target = { address, port: Number(port) };
      } else if (/^Authenticated using .* with partial success\.$/.test(line)) partial = true;
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
    const own = /^(Will attempt key|Offering public key|Server accepts key): (.*)$/.exec(words);
    if (own !== null) attempted = true;
    const its = own?.[2] === undefined ? undefined : keyIn(own[2]);
    if (own?.[1] === 'Offering public key') offered += 1;
    else if (own?.[1] === 'Server accepts key') accepted = its;
    else if (its !== undefined) keys.push(its);
    agent = agentIn(words) ?? agent;
    const command = /^Executing proxy command: (?:exec )?(.*)$/.exec(words)?.[1];
    if (command !== undefined) {
      proxied = command;
      const [, address, port] = /(?: -W '\[|\.sh'? )(\S+?)(?:\]:| )(\d+)(?:' \S+)?$/.exec(command) ?? [];
      target = address === undefined ? undefined : { address, port: Number(port) };
    }
    const configuration = /^Reading configuration data (.*)$/.exec(words)?.[1];
    if (configuration !== undefined) configurations.push(configuration);
    if (words === 'SSH2_MSG_NEWKEYS received') keysAgreed = true;
  }
  const loggedIn = logins > 0;
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
    keys,
    offered,
    accepted,
    agent,
    touch: accepted !== undefined && /-SK(-CERT)?$/.test(accepted.kind) ? accepted.kind : undefined,
    proxied,
    configurations,
    asksAgent:
      keysAgreed && agent === undefined && keys.length === 0 && !attempted && step === 'key exchange',
    target,
    logins,
    said,
  };
}

/** `FILE ED25519 SHA256:… explicit agent`; a file that is not there has no kind. */
function keyIn(text: string): Key | undefined {
  const [, name, kind, fingerprint, marks] = /^(.*) (\S+) (SHA256:\S+)(.*)$/.exec(text) ?? [];
  if (name === undefined || kind === undefined || fingerprint === undefined) return undefined;
  return { name, kind, fingerprint, inAgent: / agent\b/.test(marks ?? '') };
}

function agentIn(words: string): Seen['agent'] {
  const said = /^get_agent_identities: (.*)$/.exec(words)?.[1];
  if (said === undefined || said.startsWith('bound agent')) return undefined;
  const count = /^agent returned (\d+) keys$/.exec(said)?.[1];
  if (count !== undefined) return { keys: Number(count) };
  if (said.endsWith('agent contains no identities')) return { keys: 0 };
  return { trouble: said.replace(/^ssh_\w+: /, '') };
}
