import { Construct } from 'constructs';
import { exec, loadTemplate, words, type ExecArgument } from '../../render/index.js';
import {
  addRule,
  AptPackage,
  Directory,
  HostFile,
  SystemdUnit,
  type OwnProblem,
} from '../../constructs/host/index.js';
import { HARDENED } from '../../constructs/operations/index.js';
import { Duration } from '../../constructs/units.js';
import { requirementProblems } from './requirements.js';
import { versionProblems } from './vllm-version.js';

export interface PythonEnvironmentProps {
  /** Environments are called `<name>-<12 digits>`, and the unit `citadel-<name>-env.service`. @default - the construct's id */
  readonly name?: string;
  /** A requirements file, every line of it pinned and hashed. `file` is its name for messages. */
  readonly requirements: { readonly file: string; readonly text: string };
  /** Folder with wheels on the host; nothing is fetched then. @default - the package index that the requirements name, or PyPI */
  readonly wheels?: string;
  /** The link that points to the current environment. @default '/opt/citadel/vllm-env' */
  readonly link?: string;
  /** Where environments are kept. @default - `environments` next to the link */
  readonly directory?: string;
  /** Where the requirements file stands on the host. @default `/opt/citadel/configs/<name>-requirements.txt` */
  readonly requirementsPath?: string;
  /** A program that the environment must bring, relative to it. @default - none */
  readonly program?: string;
  /** A module whose import proves that the environment works here: a library that is missing fails it. @default - none */
  readonly imports?: string;
  /** Earlier environments that are kept, for the way back. @default 1 */
  readonly keep?: number;
  /** How long downloading and installing may take. @default Duration.minutes(25) */
  readonly timeout?: Duration;
  /** @default 0 */
  readonly wave?: number;
}

const SCRIPT = 'opt/citadel/scripts/build-python-environment';

/**
 * A Python environment that is made on the host from pinned and hashed requirements: built next to the current one, and
 * switched to by a link once it is whole. Going back to earlier requirements is another switch of the link.
 *
 * What uses it comes after `unitName`, wants it, and is restarted by changes of {@link changes}. Where building fails the
 * link stays as it was, and so does everything that runs.
 */
export class PythonEnvironment extends Construct {
  /** Path of the link; programs are in its `bin`. */
  readonly path: string;
  readonly unitName: string;
  /** The file that says what is in it: what runs from the environment restarts when it changes. */
  readonly changes: HostFile;
  /** The script that builds it. */
  readonly script: HostFile;

  constructor(scope: Construct, id: string, props: PythonEnvironmentProps) {
    super(scope, id);
    const {
      name = id,
      link = '/opt/citadel/vllm-env',
      keep = 1,
      timeout = Duration.minutes(25),
      wave = 0,
      wheels,
    } = props;
    const parent = link.slice(0, link.lastIndexOf('/'));
    const directory = props.directory ?? `${parent}/environments`;
    this.path = link;
    this.unitName = `citadel-${name}-env.service`;
    for (const each of ['python3', 'python3-venv']) new AptPackage(this, each);
    new Directory(this, 'directory', { path: directory });
    this.script = new HostFile(this, 'script', {
      path: `/${SCRIPT}`,
      content: loadTemplate(`ai-node/${SCRIPT}`).text,
      mode: '0755',
    });
    this.changes = new HostFile(this, 'requirements', {
      path: props.requirementsPath ?? `/opt/citadel/configs/${name}-requirements.txt`,
      content: props.requirements.text,
    });
    const options: ExecArgument[] = ['-d', directory, '-k', keep];
    if (props.program !== undefined) options.push('-p', props.program);
    if (props.imports !== undefined) options.push('-i', props.imports);
    if (wheels !== undefined) options.push('-w', wheels);
    new SystemdUnit(this, 'unit', {
      name: this.unitName,
      unit: {
        Description: `Python environment ${name} of Citadel`,
        ...(wheels === undefined ? { After: 'network-online.target', Wants: 'network-online.target' } : {}),
      },
      service: {
        ...HARDENED,
        Type: 'oneshot',
        RemainAfterExit: true,
        ExecStart: exec([this.script.path, ...options, name, this.changes.path, link]),
        TimeoutStartSec: timeout,
        Nice: 5,
        ReadWritePaths: words([...new Set([parent, directory])].sort()),
        UMask: '0022',
        // Installing copies programs and checks that they run; nothing of it needs a device or another process.
        ...(wheels === undefined
          ? { RestrictAddressFamilies: 'AF_UNIX AF_INET AF_INET6' }
          : { PrivateNetwork: true }),
      },
      install: { WantedBy: 'multi-user.target' },
      restartOn: [this.changes, this.script],
      wave,
    });
    addRule(this, () => [
      ...requirementProblems(props.requirements.file, props.requirements.text),
      ...versionProblems(props.requirements.file, props.requirements.text),
      ...badNumber(keep),
    ]);
  }
}

function badNumber(keep: number): OwnProblem[] {
  if (Number.isInteger(keep) && keep >= 0 && keep <= 100) return [];
  return [
    {
      code: 'construct.python-environment.keep',
      property: 'keep',
      got: `${keep} is not a number of environments to keep`,
      fix: 'Give a whole number from 0 to 100',
    },
  ];
}
