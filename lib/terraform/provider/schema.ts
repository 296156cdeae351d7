import { NESTING, type Schema, type SchemaAttribute } from './wire/messages.js';

/** Version of the resource's state. A release that changes the shape raises it and upgrades the older one. */
export const HOST_SCHEMA_VERSION = 2;

type Type = 'string' | 'number' | 'bool' | readonly ['list', Type] | readonly ['map', Type];
type Attribute = Partial<SchemaAttribute>;

const attribute = (name: string, type: Type, description: string): Attribute => ({
  name,
  type: Buffer.from(JSON.stringify(type)),
  description,
});
const nested = (
  nesting: number,
  name: string,
  attributes: readonly Attribute[],
  description: string,
): Attribute => ({
  name,
  nested_type: { nesting, attributes },
  description,
});
const required = (it: Attribute): Attribute => ({ ...it, required: true });
const optional = (it: Attribute): Attribute => ({ ...it, optional: true });
const computed = (it: Attribute): Attribute => ({
  ...it,
  computed: true,
  ...(it.nested_type === undefined
    ? {}
    : { nested_type: { ...it.nested_type, attributes: it.nested_type.attributes.map(computed) } }),
});

const endpoint: readonly Attribute[] = [
  optional(attribute('address', 'string', 'IP address or name of the host.')),
  optional(attribute('port', 'number', 'Port of its SSH server, 22 unless said.')),
  optional(attribute('user', 'string', 'Account to log in as: root, or one that sudo lets become root.')),
  optional(
    attribute('host_keys', ['list', 'string'], 'Pinned fingerprints of its host keys, as "SHA256:…".'),
  ),
  optional(attribute('identity_file', 'string', 'Private key file here; without it the SSH agent is asked.')),
];

const reach: readonly Attribute[] = [
  ...endpoint,
  optional(nested(NESTING.list, 'jump', endpoint, 'The hosts in between, nearest to here first.')),
  optional(
    attribute('client', 'string', 'system: the OpenSSH of this machine, which then asks no one anything.'),
  ),
  optional(
    attribute('become', 'string', 'How the account becomes root: sudo (default), doas, run0 or none.'),
  ),
  optional(attribute('connect_timeout_sec', 'number', 'Seconds to connect and log in.')),
  optional(attribute('read_timeout_sec', 'number', 'Seconds for one reading step.')),
  optional(attribute('apply_timeout_sec', 'number', 'Seconds that a transaction may take on the host.')),
  optional(attribute('confirm_timeout_sec', 'number', 'Seconds until a change that cut us off is undone.')),
  optional(
    attribute('settle_sec', 'number', 'Seconds that touched units must go on running after the checks.'),
  ),
  optional(attribute('keep_generations', 'number', 'How many of the newest generations the host keeps.')),
  optional(
    attribute('keep_generations_days', 'number', 'Days after which a generation that is not pinned goes.'),
  ),
  optional(attribute('root', 'string', "Instead of all these: a directory here that is a host's root.")),
  optional(
    nested(
      NESTING.map,
      'secrets',
      [
        optional(attribute('env', 'string', 'Environment variable that holds the value.')),
        optional(attribute('file', 'string', 'File here that holds the value.')),
        optional(attribute('command', ['list', 'string'], 'Program and arguments that print the value.')),
        optional(attribute('age', 'string', 'File here, encrypted with age, that holds the value by name.')),
        optional(attribute('key', 'string', "Name of the value in that file, if not the secret's own.")),
      ],
      'Where each secret of the document is found.',
    ),
  ),
];

/** The provider's block: by name, how each host is reached, and where its document and its secrets are found. */
export const providerSchema: Schema = {
  version: 0,
  block: {
    version: 0,
    description:
      'How hosts are reached, and where their documents and the values of their secrets are found.',
    attributes: [
      required(
        nested(
          NESTING.map,
          'hosts',
          [
            optional(
              attribute(
                'document',
                'string',
                'File with the host manifest as JSON, seen from where Terraform runs.',
              ),
            ),
            ...reach,
          ],
          'Hosts by name, as their documents have it.',
        ),
      ),
    ],
  },
};

const items = (name: string, description: string): Attribute =>
  computed(attribute(name, ['map', 'string'], description));

/**
 * The resource: the document stays in its file, and what the host is comes out as one line an item, with the lines that
 * differ only where some do: a plan and a state are as long as what there is to review.
 */
export const hostSchema: Schema = {
  version: HOST_SCHEMA_VERSION,
  block: {
    version: HOST_SCHEMA_VERSION,
    description: 'One host, made equal to one document in one transaction.',
    attributes: [
      required(attribute('name', 'string', 'Name of the host; another name is another host.')),
      optional(
        computed(
          attribute('digest', 'string', 'sha256 of the manifest; a file with another one is refused.'),
        ),
      ),
      computed(attribute('generation', 'number', 'Current generation on the host.')),
      items('packages', 'Debian packages: the version, where one is asked for.'),
      items('groups', 'Groups: the number, where one is asked for.'),
      items('users', 'Accounts: number, primary group, home, login shell, supplementary groups.'),
      items('directories', 'Directories by path: mode, owner and group.'),
      items('files', 'Files by path: mode, owner, group, lines, and the start of their sha256.'),
      items('blocks', 'Our blocks in shared files by path: each one, its lines, the start of their sha256.'),
      items('symlinks', 'Symbolic links by path: where they point.'),
      items('mounts', 'Mounts by mount point: source, file system, options, whether it is mounted.'),
      items('units', 'systemd units: whether they start at boot, and whether they run.'),
      items('checks', 'Health checks that an apply has to pass.'),
      computed(
        attribute('actions', ['list', 'string'], 'What the apply does next to writing: restarts and more.'),
      ),
      computed(
        attribute(
          'changes',
          ['map', ['list', 'string']],
          'Of what is there and differs: its lines as a unified diff, or its attributes; secrets by name.',
        ),
      ),
    ],
  },
};

/** Names of the attributes that the provider computes. */
export const COMPUTED: readonly string[] = (hostSchema.block?.attributes ?? [])
  .filter((it) => it.computed === true)
  .map((it) => it.name ?? '');
