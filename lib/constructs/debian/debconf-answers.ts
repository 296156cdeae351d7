import { Construct } from 'constructs';
import { HostFile } from '../host/file.js';
import { Host } from '../host/host.js';
import { refuseUnknown, type Names } from '../host/known-props.js';
import { addRule } from '../host/problems.js';
import { SecretRef } from '../secret.js';
import { ONE_LINE, requireForm } from './forms.js';
import { sharedPackage } from './shared-unit.js';

/** One answer, by the type of its question (`debconf-show PACKAGE`, or the package's templates). A password is a secret. */
export type DebconfAnswer =
  | { readonly boolean: boolean }
  | { readonly string: string | SecretRef }
  | { readonly select: string }
  | { readonly multiselect: readonly string[] }
  | { readonly password: SecretRef };

export interface DebconfAnswersProps {
  /** The package that asks; it is installed. @default - the construct's id */
  readonly package?: string;
  /** By the question's name. */
  readonly answers: Readonly<Record<string, DebconfAnswer>>;
}

const NAMES: Names<DebconfAnswersProps> = { package: true, answers: true };
const FOLDER = '/etc/apt/debconf-answers';
const HOOK = '/etc/apt/apt.conf.d/60citadel-debconf';

/**
 * What a package asks when it is installed, answered: debconf has the answers before apt runs. They stand in a file that root
 * alone reads, and hold for every later run of apt, so also when the package is upgraded. A package that is installed already
 * reads a changed answer when it is configured the next time: `dpkg-reconfigure PACKAGE`.
 *
 *     new DebconfAnswers(host, 'postfix', {
 *       answers: {
 *         'postfix/main_mailer_type': { select: 'Internet Site' },
 *         'postfix/mailname': { string: 'mail.example.org' },
 *       },
 *     });
 */
export class DebconfAnswers extends Construct {
  constructor(scope: Construct, id: string, props: DebconfAnswersProps) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    const { package: name = id, answers } = props;
    const questions = Object.entries(answers);
    for (const [question, answer] of questions) {
      requireForm(this, 'answers', question, /^[\w.+-]+(?:\/[\w.+-]+)+$/, 'the name of a question', 'Write it as postfix/mailname'); // prettier-ignore
      for (const text of textsOf(answer))
        requireForm(this, `answers[${question}]`, text, 'multiselect' in answer ? CHOICE : VALUE, 'a value of one line', 'Write it without line ends, a backslash at its end and, among several, commas'); // prettier-ignore
    }
    addRule(this, () => [
      ...(questions.length === 0
        ? [{ code: 'construct.empty', property: 'answers', got: 'there is none', fix: 'Give at least one' }]
        : []),
      ...questions.flatMap(([question, answer]) => {
        const property = `answers[${question}]`;
        const types = Object.keys(answer);
        if (types.length !== 1 || !TYPES.includes(types[0] ?? ''))
          return [{ code: 'construct.debconf', property, got: `its types are ${types.join(', ') || 'none'}`, fix: `Give exactly one of ${TYPES.join(', ')}` }]; // prettier-ignore
        if ('password' in answer && !(answer.password instanceof SecretRef))
          return [{ code: 'construct.debconf', property, got: 'a password stands in the configuration', fix: "Name a secret: { password: secret('name') }" }]; // prettier-ignore
        return [];
      }),
    ]);
    const host = Host.of(this);
    sharedPackage(host, name);
    new HostFile(this, 'file', {
      path: `${FOLDER}/${name}`,
      lines: questions.map(([question, answer]) => `${name} ${question} ${selection(answer)}`),
      mode: '0600',
      validate: { command: ['debconf-set-selections', '--checkonly', '%s'] },
    });
    if (host.node.tryFindChild(HOOK_ID) === undefined)
      new HostFile(host, HOOK_ID, {
        path: HOOK,
        // What is below /etc/apt stands there before packages are installed. A folder that is gone asks for nothing.
        lines: [
          `DPkg::Pre-Invoke { "[ ! -d ${FOLDER} ] || find ${FOLDER} -type f -exec debconf-set-selections {} +"; };`,
        ],
        validate: { command: ['apt-config', 'dump'] },
      });
  }
}

const HOOK_ID = 'shared debconf answers';
const TYPES: readonly string[] = ['boolean', 'string', 'select', 'multiselect', 'password'];
/** debconf-set-selections joins a line that ends in a backslash with the next. */
const VALUE = new RegExp(`${ONE_LINE.source.slice(0, -1)}(?<!\\\\)$|^$`);
const CHOICE = new RegExp(`^(?!.*[,\\\\])(?:${ONE_LINE.source.slice(1, -1)})$`);

function textsOf(answer: DebconfAnswer): readonly string[] {
  if ('string' in answer) return typeof answer.string === 'string' ? [answer.string] : [];
  if ('select' in answer) return [answer.select];
  return 'multiselect' in answer ? answer.multiselect : [];
}

/** `select Internet Site`, as debconf-set-selections(1) reads the end of a line. */
function selection(answer: DebconfAnswer): string {
  return Object.entries(answer as Readonly<Record<string, unknown>>)
    .map(([type, value]) => `${type} ${Array.isArray(value) ? value.join(', ') : String(value)}`)
    .join();
}
