import { Construct } from 'constructs';
import { HostFile } from './file.js';
import { refuseUnknown, type Names } from './known-props.js';
import { addRule, type OwnProblem } from './problems.js';

export interface AptRepositoryProps {
  /** Names the files: `/etc/apt/sources.list.d/<name>.sources`. a-z, 0-9 and `-`. @default - the construct's id */
  readonly name?: string;
  /** Address of the repository. What comes from there is held by its signature, over http as well. */
  readonly url: string;
  /** `stable`, `bookworm`; of a flat repository the folder of its index, with `/` at its end: `'/'`, `'ubuntu/'`. */
  readonly suite: string;
  /** @default ['main'], and none for a flat repository */
  readonly components?: readonly string[];
  /** Only packages for these: `['amd64']`. @default - all that the host has */
  readonly architectures?: readonly string[];
  /**
   * The repository's public key: the text of an `.asc`, or the bytes of a `.gpg` (`readFileSync` without an encoding). Only
   * what it signed is taken from there.
   */
  readonly key: string | Uint8Array;
}

const NAMES: Names<AptRepositoryProps> = {
  name: true,
  url: true,
  suite: true,
  components: true,
  architectures: true,
  key: true,
};

/**
 * A source of packages with the one key that may sign it (deb822, `Signed-By`). The engine writes it before it installs
 * packages, so that they can come from there in the same transaction. Source: sources.list(5).
 *
 *     new AptRepository(host, 'cuda', {
 *       url: 'https://developer.download.nvidia.com/compute/cuda/repos/debian12/x86_64/',
 *       suite: '/',
 *       architectures: ['amd64'],
 *       key: readFileSync('keys/cuda.gpg'),
 *     });
 */
export class AptRepository extends Construct {
  constructor(scope: Construct, id: string, props: AptRepositoryProps) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    const { name = id, url, suite, architectures = [] } = props;
    const components = componentsOf(props);
    const key = new HostFile(this, 'key', {
      path: `/etc/apt/keyrings/${name}.asc`,
      content: armoured(props.key),
    });
    new HostFile(this, 'source', {
      path: `/etc/apt/sources.list.d/${name}.sources`,
      lines: [
        'Types: deb',
        `URIs: ${url}`,
        `Suites: ${suite}`,
        ...(components.length === 0 ? [] : [`Components: ${components.join(' ')}`]),
        ...(architectures.length === 0 ? [] : [`Architectures: ${architectures.join(' ')}`]),
        `Signed-By: ${key.path}`,
      ],
    });
    addRule(this, () => problems(name, props));
  }
}

/** sources.list(5): a suite that ends with "/" is a path, and has no components. */
function isFlat(suite: string): boolean {
  return suite.endsWith('/');
}

function componentsOf({ suite, components }: AptRepositoryProps): readonly string[] {
  return components ?? (isFlat(suite) ? [] : ['main']);
}

/** RFC 4880, 6.2; the checksum at its end is optional, and gpgv and sqv take it without. */
function armoured(key: string | Uint8Array): string {
  if (typeof key === 'string') return key;
  const body =
    Buffer.from(key)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [BEGIN, '', ...body, END, ''].join('\n');
}

const BEGIN = '-----BEGIN PGP PUBLIC KEY BLOCK-----';
const END = '-----END PGP PUBLIC KEY BLOCK-----';

function problems(name: string, props: AptRepositoryProps): OwnProblem[] {
  const { url, suite, architectures = [], key } = props;
  const found: OwnProblem[] = [];
  const refuse = (property: string, got: string, fix: string): void => {
    found.push({ code: 'construct.apt-repository', property, got, fix });
  };
  if (!/^[a-z0-9][a-z0-9-]*$/.test(name)) {
    refuse('name', `${JSON.stringify(name)} cannot name a file that apt reads`, 'Use a-z, 0-9 and "-"');
  }
  if (!/^https?:\/\/\S+$/.test(url))
    refuse('url', `${JSON.stringify(url)} is not an http or https address`, 'Give one');
  if (!/^(?:\/|[A-Za-z0-9][A-Za-z0-9._/-]*)$/.test(suite))
    refuse(
      'suite',
      `${JSON.stringify(suite)} is not a name of one word`,
      'Use letters, digits, ".", "_", "/" and "-"',
    );
  const components = componentsOf(props);
  if (isFlat(suite) && components.length > 0)
    refuse(
      'components',
      `a flat repository (suite ${JSON.stringify(suite)}) has none`,
      'Take them out, or the "/" at the end of the suite',
    );
  if (!isFlat(suite) && components.length === 0)
    refuse(
      'components',
      'there is none',
      'Give at least one, or a suite that ends with "/" for a flat repository',
    );
  for (const [property, word] of [
    ...components.map((each) => ['components', each]),
    ...architectures.map((each) => ['architectures', each]),
  ] as [string, string][]) {
    if (/^[A-Za-z0-9][A-Za-z0-9._/-]*$/.test(word)) continue;
    refuse(
      property,
      `${JSON.stringify(word)} is not a name of one word`,
      'Use letters, digits, ".", "_", "/" and "-"',
    );
  }
  if (typeof key !== 'string') {
    // RFC 4880, 4.2: a packet's first bit is set; 5.1: a public key is packet 6.
    const tag = key[0] === undefined ? undefined : key[0] & 0x40 ? key[0] & 0x3f : (key[0] >> 2) & 0x0f;
    if (key[0] === undefined || (key[0] & 0x80) === 0 || tag !== 6)
      refuse(
        'key',
        'the bytes are not a public key of OpenPGP',
        'Give those of a .gpg that "gpg --export" makes',
      );
  } else if (
    !/^-----BEGIN PGP PUBLIC KEY BLOCK-----\n[\s\S]+\n-----END PGP PUBLIC KEY BLOCK-----\n?$/.test(key)
  ) {
    refuse(
      'key',
      'the key is not an ASCII-armoured public key',
      'Give the text that "gpg --armor --export" prints, or the bytes of a .gpg',
    );
  }
  return found;
}
