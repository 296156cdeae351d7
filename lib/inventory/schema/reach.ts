import { z } from 'zod';
import { hostKeyPin, rootTargetSchema, sshTargetSchema } from '../../manifest/index.js';

/** How a person writes the way to a host. `targetOf` makes the engine's `Target` of it. */

const shape = sshTargetSchema.shape;

export const addressSchema = shape.address;
/** An account to log in as, which a directory service may have. */
const loginSchema = shape.user;
/** An account that we make, as useradd takes it. */
export const accountSchema = z.string().regex(/^[a-z_][a-z0-9_-]{0,30}$/, 'is not an account name');
/** Absolute, or `~/…`: a relative path would mean another file for each folder a tool is started in. */
const operatorPath = z
  .string()
  .regex(/^(\/|~\/)[^\0]*$/, 'is not an absolute path or one that starts with "~/"')
  .describe(
    'Key file on the machine you work at, absolute or ~/…: a private key, or the public half of one that the SSH agent holds; without it the SSH agent is asked',
  );

const portSchema = z.number().int().min(1).max(65_535);
export const tcpPort = (what: string) => portSchema.describe(what);

const hostKeys = z
  .array(hostKeyPin.meta({ examples: [`SHA256:${'A'.repeat(43)}`] }))
  .describe(
    'Pinned host keys (SHA256:…, or ssh-rsa SHA256:… for a host that is to show that type) or authorities (@cert-authority [NAME] SHA256:…); several during a rotation. Empty: connecting is refused until one is pinned',
  );

const passphrase = shape.identityPassphrase.describe(
  'Name of the secret that holds the passphrase of identityFile; without it a person is asked on the terminal',
);

export const jumpSchema = z.strictObject({
  address: addressSchema.describe('IP address or name of the host in between'),
  port: portSchema.default(22).describe('Its SSH port'),
  user: loginSchema.describe('Account to log in as on it'),
  hostKeys,
  identityFile: operatorPath.optional(),
  identityPassphrase: passphrase,
});

const seconds = (max: number, what: string) => z.number().positive().max(max).optional().describe(what);

const settleSec = z
  .number()
  .min(0)
  .max(3600)
  .describe('Seconds that touched services must go on running after the last check (default 5)');

export const sshSchema = z.strictObject({
  user: loginSchema.describe('Account to log in as; root, or one that may become root'),
  port: portSchema.default(22).describe('SSH port'),
  hostKeys: hostKeys.default([]),
  identityFile: operatorPath.optional(),
  identityPassphrase: passphrase,
  become: shape.become.describe(
    'How the account becomes root: sudo (default), doas or run0 without a password, or none for an account that is root by another name',
  ),
  sudoPassword: shape.sudoPassword.describe(
    'Name of the secret that holds the password which sudo asks for; without it a person is asked on the terminal, once for each host',
  ),
  jump: z
    .union([jumpSchema, z.array(jumpSchema).min(1)], { error: 'is neither a map nor a list of such' })
    .optional()
    .describe(
      'The host in between, { address, user, hostKeys }, or a list of them, nearest to you first; leave it out where your ssh_config says it (client: system)',
    ),
  client: sshTargetSchema.shape.client.describe(
    'system: your own OpenSSH with its ssh_config, certificates, security keys and questions; without it the built-in client, which reads none of that',
  ),
  timeouts: z
    .strictObject({
      connectSec: seconds(
        600,
        'Seconds for TCP connection, key exchange and log-in together, of each machine of the way (default 10)',
      ),
      readSec: seconds(3600, 'Seconds for one reading step (default 60)'),
      applySec: seconds(86_400, 'Seconds a transaction may take before the host undoes it (default 1800)'),
      confirmSec: seconds(3600, 'Seconds the host waits for a new connection after a change (default 60)'),
      settleSec: settleSec.optional(),
    })
    .optional()
    .describe('Deadlines of the steps of a deployment, in seconds'),
});

export const rootSchema = rootTargetSchema.shape.root.describe(
  'A directory on this machine that is the host’s root (rescue disk, image, test) instead of a connection; relative to the project',
);

/**
 * The targets file (`.citadel/lab.json`): what only the machine at hand knows about its hosts, because keys are
 * generated per lab. Each entry is laid over the host's `address` and `ssh`; `root` replaces them.
 */
export const targetsFileSchema = z.record(
  z.string(),
  z.strictObject({
    address: addressSchema.optional().describe('IP address or host name'),
    user: loginSchema.optional().describe('Account to log in as'),
    port: portSchema.optional().describe('SSH port'),
    hostKeys: hostKeys.optional(),
    identityFile: z.string().min(1).optional().describe('Private key file; relative to the targets file'),
    settleSec: settleSec.optional(),
    root: z
      .string()
      .min(1)
      .optional()
      .describe('A directory that is the host’s root; relative to the targets file'),
  }),
);
export type TargetsFile = z.infer<typeof targetsFileSchema>;
export type SshReach = z.infer<typeof sshSchema>;
