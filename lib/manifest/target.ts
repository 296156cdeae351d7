import { z } from 'zod';
import { secretName } from './schema.js';

/**
 * How a host is reached. Shared by the inventory (which a person writes), the provider's configuration
 * (which the binding writes) and the engine (which connects).
 */
const port = z.number().int().min(1).max(65_535);

/**
 * OpenSSH's fingerprint of a public host key, as `ssh-keygen -lf` prints it: `SHA256:` and 43 base64 characters. With the
 * key's type before it, keys of that type are asked for first.
 */
export const hostKeyFingerprint = z
  .string()
  .regex(
    /^((ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) )?SHA256:[A-Za-z0-9+/]{43}$/,
    'is not a fingerprint as "ssh-keygen -lf" prints it (SHA256:…), alone or after the type of its key (ssh-rsa SHA256:…)',
  );

/**
 * What a host's key is held against: a fingerprint; `@cert-authority [NAME,…] (SHA256:… | TYPE BASE64)`, an authority that
 * signs hosts' certificates, with the names that the certificate may be for (default: the address); or `known_hosts`, what
 * the operator's own OpenSSH knows. The last is for `client: system` only.
 */
export const hostKeyPin = z
  .string()
  .regex(
    /^(((ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) )?SHA256:[A-Za-z0-9+/]{43}|known_hosts|@cert-authority( [A-Za-z0-9._,:-]+)? (SHA256:[A-Za-z0-9+/]{43}|(ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/]+=*))$/,
    'is not a fingerprint as "ssh-keygen -lf" prints it (SHA256:…), an authority (@cert-authority [NAME] SHA256:…) or known_hosts',
  );

/** A link-local address needs its network interface: `fe80::1%eth0`. */
const address = z
  .string()
  .regex(
    /^[A-Za-z0-9_:]([A-Za-z0-9._:-]*[A-Za-z0-9_:])?(%[A-Za-z0-9._-]{1,15})?$/,
    'is not an IP address or host name',
  );
/** Directory services have `first.last`, `DOMAIN\user` and `user@realm`, which Debian itself would not make. */
const account = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,254}$/, 'is not an account name');
const localPath = z
  .string()
  .min(1)
  .refine((path) => !path.includes('\0'), 'has a NUL character');

const endpoint = {
  address,
  port: port.default(22),
  user: account,
  /** Pinned host keys and authorities; several during a rotation. A host whose key is not here is refused. */
  hostKeys: z.array(hostKeyPin).min(1),
  /** Private key file on the operator's side; `~/` is the operator's home. Absent: the SSH agent is asked. */
  identityFile: localPath.optional(),
  /** The secret that holds the passphrase of that file. Absent: a person is asked. */
  identityPassphrase: secretName.optional(),
};

export const sshTargetSchema = z.strictObject({
  ...endpoint,
  /** The hosts in between, nearest to the operator first, as OpenSSH's ProxyJump. */
  jump: z.union([z.strictObject(endpoint), z.array(z.strictObject(endpoint)).min(1)]).optional(),
  /** `system`: the operator's own OpenSSH, with its configuration. Default: the built-in client, which reads none. */
  client: z.enum(['built-in', 'system']).optional(),
  /** How the account becomes root. Default: `none` for root itself, `sudo` for any other. */
  become: z.enum(['sudo', 'doas', 'run0', 'none']).optional(),
  /** The secret that holds the password which sudo asks for. Absent: sudo must not ask, or a person is asked. */
  sudoPassword: secretName.optional(),
  /** Seconds for the TCP connection, key exchange and authentication together. */
  connectTimeoutSec: z.number().positive().max(600).default(10),
  /** Seconds for one reading step (observe, fetch, history). */
  readTimeoutSec: z.number().positive().max(3600).default(60),
  /** Seconds a transaction may take on the host before it undoes itself. */
  applyTimeoutSec: z.number().positive().max(86_400).default(1800),
  /** Seconds the host waits for a new connection after a change that could cut the operator off. */
  confirmTimeoutSec: z.number().positive().max(3600).default(60),
  /** Seconds after the last check during which touched units may neither fail nor be restarted by systemd. Default 5. */
  settleSec: z.number().min(0).max(3600).optional(),
  /** How many of the newest generations the host keeps; pinned ones stay whatever this says. Default 20. */
  keepGenerations: z.number().int().min(3).max(1000).optional(),
  /** Days after which a generation is dropped, unless it is one of the newest three or pinned. Default 365. */
  keepGenerationsDays: z.number().int().min(1).max(36_500).optional(),
});

export const rootTargetSchema = z.strictObject({
  /** A directory on this machine that is a host's root: a rescue mount, an image, a test. */
  root: localPath,
});

export const targetSchema = z.union([sshTargetSchema, rootTargetSchema]);
export type SshTarget = z.infer<typeof sshTargetSchema>;
export type SshHop = Extract<NonNullable<SshTarget['jump']>, { address: string }>;

/** The hosts in between, nearest to the operator first. */
export function hopsOf({ jump }: Pick<SshTarget, 'jump'>): readonly SshHop[] {
  if (jump === undefined) return [];
  return Array.isArray(jump) ? jump : [jump];
}

export type RootTarget = z.infer<typeof rootTargetSchema>;
export type Target = z.infer<typeof targetSchema>;

/**
 * Where the operator's side finds a secret's value when it plans or applies. Exactly one source. Relative paths start at
 * the project's folder, `~/` at the operator's home.
 */
export const secretSourceSchema = z.union([
  z.strictObject({
    env: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is not an environment variable name')
      .describe('Environment variable, on the machine you work at, that holds the value'),
  }),
  z.strictObject({
    file: localPath.describe('File on the machine you work at that holds the value; ~/ is your home'),
  }),
  /** An argument vector, run without a shell; its standard output, less one final newline, is the value. */
  z.strictObject({
    command: z
      .array(z.string().min(1))
      .min(1)
      .describe('Program and arguments, run without a shell; what it prints is the value'),
  }),
  z.strictObject({
    age: localPath.describe('Age-encrypted file of the repository: YAML that gives each name its value'),
    key: z
      .string()
      .min(1)
      .optional()
      .describe('Name of the value in that file; without it, the secret’s own'),
  }),
]);
export type SecretSource = z.infer<typeof secretSourceSchema>;
export type AgeSource = Extract<SecretSource, { age: string }>;
export const secretSourcesSchema = z.record(secretName, secretSourceSchema);
export type SecretSources = z.infer<typeof secretSourcesSchema>;
