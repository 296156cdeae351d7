import { NESTING, type Schema, type SchemaAttribute } from './wire/messages.js';

/** Version of the resource's state. A release that changes the shape raises it and upgrades the older one. */
export const HOST_SCHEMA_VERSION = 1;

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
  optional(attribute('user', 'string', 'Account to log in as: root, or one that may become root.')),
  optional(
    attribute('host_keys', ['list', 'string'], 'Pinned fingerprints of its host keys, as "SHA256:…".'),
  ),
  optional(attribute('identity_file', 'string', 'Private key file here; without it the SSH agent is asked.')),
];

/** The provider's block: how one host is reached, and where its secrets are found. */
export const providerSchema: Schema = {
  version: 0,
  block: {
    version: 0,
    description: 'How one host is reached, and where the values of its secrets are found.',
    attributes: [
      required(attribute('host', 'string', 'Name of the host, as its document says it.')),
      ...endpoint,
      optional(nested(NESTING.list, 'jump', endpoint, 'The hosts in between, nearest to here first.')),
      optional(
        attribute('client', 'string', 'system: the OpenSSH of this machine, which then asks no questions.'),
      ),
      optional(
        attribute('become', 'string', 'How the account becomes root: sudo (default), doas, run0 or none.'),
      ),
      optional(attribute('connect_timeout_sec', 'number', 'Seconds to connect and log in.')),
      optional(attribute('read_timeout_sec', 'number', 'Seconds for one reading step.')),
      optional(attribute('apply_timeout_sec', 'number', 'Seconds that a transaction may take on the host.')),
      optional(
        attribute('confirm_timeout_sec', 'number', 'Seconds until a change that cut us off is undone.'),
      ),
      optional(
        attribute('settle_sec', 'number', 'Seconds that touched units must go on running after the checks.'),
      ),
      optional(attribute('keep_generations', 'number', 'How many of the newest generations the host keeps.')),
      optional(
        attribute(
          'keep_generations_days',
          'number',
          'Days after which a generation that is not pinned goes.',
        ),
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
            optional(
              attribute('age', 'string', 'File here, encrypted with age, that holds the value by name.'),
            ),
            optional(attribute('key', 'string', "Name of the value in that file, if not the secret's own.")),
          ],
          'Where each secret of the document is found.',
        ),
      ),
    ],
  },
};

const owned: readonly Attribute[] = [
  attribute('owner', 'string', 'Account that owns it.'),
  attribute('group', 'string', 'Group of it.'),
  attribute('mode', 'string', 'Four octal digits.'),
];
const found = attribute('found', 'string', 'What stands there instead, where it is something else.');
const map = (name: string, attributes: readonly Attribute[], description: string): Attribute =>
  computed(nested(NESTING.map, name, attributes, description));

/** The resource: the document goes in, and what the host is comes out in pieces that a person can review. */
export const hostSchema: Schema = {
  version: HOST_SCHEMA_VERSION,
  block: {
    version: HOST_SCHEMA_VERSION,
    description: 'One host, made equal to one document in one transaction.',
    attributes: [
      required(attribute('name', 'string', 'Name of the host; another name is another host.')),
      {
        ...required(attribute('document', 'string', 'The host manifest as canonical JSON in plain ASCII.')),
        sensitive: true,
      },
      computed(attribute('digest', 'string', 'sha256 of the manifest.')),
      computed(attribute('generation', 'number', 'Current generation on the host.')),
      map(
        'packages',
        [attribute('version', 'string', 'Version, where one is asked for.')],
        'Debian packages.',
      ),
      map('groups', [attribute('gid', 'number', 'Number, where one is asked for.')], 'Groups.'),
      map(
        'users',
        [
          attribute('uid', 'number', 'Number, where one is asked for.'),
          attribute('group', 'string', 'Primary group.'),
          attribute('home', 'string', 'Home directory.'),
          attribute('shell', 'string', 'Login shell.'),
          attribute('groups', ['list', 'string'], 'Supplementary groups.'),
        ],
        'Accounts.',
      ),
      map('directories', [...owned, found], 'Directories by path.'),
      map(
        'files',
        [
          attribute('lines', ['list', 'string'], 'The text, line by line; secrets by name.'),
          attribute('no_newline_at_end', 'bool', 'True where the last line does not end.'),
          ...owned,
          found,
        ],
        'Files by path.',
      ),
      computed(
        attribute(
          'blocks',
          ['map', ['map', ['list', 'string']]],
          'Our blocks in shared files: path, name, lines.',
        ),
      ),
      map('symlinks', [attribute('target', 'string', 'Where it points.'), found], 'Symbolic links by path.'),
      map(
        'mounts',
        [
          attribute('source', 'string', 'Device or other source.'),
          attribute('type', 'string', 'File system.'),
          attribute('options', ['list', 'string'], 'Options.'),
          attribute('state', 'string', 'mounted or present.'),
        ],
        'Mounts by mount point.',
      ),
      map(
        'units',
        [
          attribute('enabled', 'string', 'Whether it starts at boot.'),
          attribute('active', 'string', 'Whether it runs.'),
        ],
        'systemd units.',
      ),
      computed(attribute('checks', ['map', 'string'], 'Health checks that an apply has to pass.')),
      computed(
        attribute('actions', ['list', 'string'], 'What the apply does beside writing: restarts and more.'),
      ),
      computed(
        attribute(
          'replaces',
          ['map', ['list', 'string']],
          'What stood on the host unmanaged: line diffs of it.',
        ),
      ),
    ],
  },
};

/** Names of the attributes that the provider computes. */
export const COMPUTED: readonly string[] = (hostSchema.block?.attributes ?? [])
  .filter((it) => it.computed === true)
  .map((it) => it.name ?? '');
