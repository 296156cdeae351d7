import { Construct } from 'constructs';
import { addRule, HostFile, type OwnProblem } from '../host/index.js';

export interface DaemonArgumentsProps {
  /** Debian package, which is also the unit's name: `prometheus`. */
  readonly package: string;
  /** One argument each. They are split at white space by the unit, so none may hold any. */
  readonly arguments: readonly string[];
}

/**
 * `/etc/default/<package>` of Debian's monitoring daemons: `ARGS="…"`, which their units pass on as `$ARGS`. Its change
 * needs a restart, because a running process keeps its arguments.
 */
export class DaemonArguments extends Construct {
  readonly path: string;

  constructor(scope: Construct, id: string, props: DaemonArgumentsProps) {
    super(scope, id);
    this.path = `/etc/default/${props.package}`;
    new HostFile(this, 'file', {
      path: this.path,
      content: ['# Arguments of the daemon, one a line.', ...argumentLines(props.arguments), ''].join('\n'),
    });
    addRule(this, () =>
      props.arguments.flatMap((argument, index) => argumentProblem(argument, index, this.path)),
    );
  }
}

function argumentProblem(argument: string, index: number, path: string): OwnProblem[] {
  if (/^[^\s"'\\`]+$/.test(argument)) return [];
  return [
    {
      code: 'construct.daemon.argument',
      property: `arguments[${index}]`,
      got: `${JSON.stringify(argument)} is empty or has white space, a quote or a backslash, which ${path} cannot hold`,
      fix: 'Use another spelling, for example [0-9] for \\d',
    },
  ];
}

/** Inside double quotes, systemd drops a backslash with the line end after it: a diff shows the argument that changed. */
function argumentLines(list: readonly string[]): string[] {
  if (list.length === 0) return ['ARGS=""'];
  return list.map((argument, index) => {
    const start = index === 0 ? 'ARGS="' : '  ';
    return `${start}${argument}${index === list.length - 1 ? '"' : ' \\'}`;
  });
}
