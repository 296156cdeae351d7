import { z } from 'zod';
import { secretName } from './schema.js';

/**
 * How a host is reached. Shared by the inventory (which a person writes), the provider's configuration
 * (which the binding writes) and the engine (which connects).
 */
const port = z.number().int().min(1).max(65_535);

/** OpenSSH's fingerprint of a public host key, as `ssh-keygen -lf` prints it: `SHA256:` and 43 base64 characters. */
export const hostKeyFingerprint = z
  .string()
  .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'is not a fingerprint as "ssh-keygen -lf" prints it (SHA256:…)');

const address = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?$/, 'is not an IP address or host name');
const account = z.string().regex(/^[a-z_][a-z0-9_-]{0,30}$/, 'is not an account name');
const localPath = z
  .string()
  .min(1)
  .refine((path) => !path.includes('\0'), 'has a NUL character');

const endpoint = {
  address,
  port: port.default(22),
  user: account,
  /** Pinned host keys; several during a rotation. A host whose key is not here is refused. */
  hostKeys: z.array(hostKeyFingerprint).min(1),
  /** Private key file on the operator's side; `~/` is the operator's home. Absent: the SSH agent is asked. */
  identityFile: localPath.optional(),
};

export const sshTargetSchema = z.strictObject({
  ...endpoint,
  /** One host in between, as OpenSSH's ProxyJump. */
  jump: z.strictObject(endpoint).optional(),
  /** Seconds for the TCP connection, key exchange and authentication together. */
  connectTimeoutSec: z.number().positive().max(600).default(15),
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
