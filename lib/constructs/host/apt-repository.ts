import { Construct } from 'constructs';
import { HostFile } from './file.js';
import { addRule, type OwnProblem } from './problems.js';

export interface AptRepositoryProps {
  /** Names the files: `/etc/apt/sources.list.d/<name>.sources`. a-z, 0-9 and `-`. @default - the construct's id */
  readonly name?: string;
  /** Address of the repository, https. */
  readonly url: string;
  /** `stable`, `bookworm`. */
  readonly suite: string;
  /** @default ['main'] */
  readonly components?: readonly string[];
  /** The repository's public key, ASCII-armoured. Only what it signed is taken from there. */
  readonly key: string;
}

/**
 * A source of packages with the one key that may sign it (deb822, `Signed-By`). The engine writes it before it installs
 * packages, so that they can come from there in the same transaction. Source: sources.list(5).
 */
export class AptRepository extends Construct {
  constructor(scope: Construct, id: string, props: AptRepositoryProps) {
    super(scope, id);
    const name = props.name ?? id;
    const key = new HostFile(this, 'key', { path: `/etc/apt/keyrings/${name}.asc`, content: props.key });
    new HostFile(this, 'source', {
      path: `/etc/apt/sources.list.d/${name}.sources`,
      lines: [
        'Types: deb',
        `URIs: ${props.url}`,
        `Suites: ${props.suite}`,
        `Components: ${(props.components ?? ['main']).join(' ')}`,
        `Signed-By: ${key.path}`,
      ],
    });
    addRule(this, () => problems(name, props));
  }
}

function problems(
  name: string,
  { url, suite, components = ['main'], key }: AptRepositoryProps,
): OwnProblem[] {
  const found: OwnProblem[] = [];
  const refuse = (property: string, got: string, fix: string): void => {
    found.push({ code: 'construct.apt-repository', property, got, fix });
  };
  if (!/^[a-z0-9][a-z0-9-]*$/.test(name)) {
    refuse('name', `${JSON.stringify(name)} cannot name a file that apt reads`, 'Use a-z, 0-9 and "-"');
  }
  if (!/^https:\/\/\S+$/.test(url))
    refuse('url', `${JSON.stringify(url)} is not an https address`, 'Give one');
  for (const [property, word] of [
    ['suite', suite],
    ...components.map((word) => ['components', word]),
  ] as const) {
    if (!/^[A-Za-z0-9][A-Za-z0-9._/-]*$/.test(word)) {
      refuse(
        property,
        `${JSON.stringify(word)} is not a name of one word`,
        'Use letters, digits, ".", "_", "/" and "-"',
      );
    }
  }
  if (!/^-----BEGIN PGP PUBLIC KEY BLOCK-----\n[\s\S]+\n-----END PGP PUBLIC KEY BLOCK-----\n?$/.test(key)) {
    refuse(
      'key',
      'the key is not an ASCII-armoured public key',
      'Give the text that "gpg --armor --export" prints',
    );
  }
  return found;
}
