import { Construct } from 'constructs';
import { exec } from '../../render/index.js';
import { Duration } from '../units.js';
import { refuseUnknown, type Names } from '../host/known-props.js';
import { addRule } from '../host/problems.js';
import { SystemdUnit } from '../host/unit.js';
import { ONE_LINE, requireForm } from './forms.js';

export interface RunOnceProps {
  /** Program and arguments, run without a shell. A shell is `['/bin/sh', '-c', '…']`. */
  readonly command: readonly string[];
  /** A question to the host, program and arguments: exit status 0 says that there is nothing to do. This or `creates`. */
  readonly unless?: readonly string[];
  /** Absolute path that the command makes: there is nothing to do once something is there. */
  readonly creates?: string;
  /**
   * What stays on the host when this apply is undone, or when the construct leaves: no one can know how to take back
   * an arbitrary command. It stands in the plan: `the role app and what it owns`.
   */
  readonly leaves: string;
  /** User who runs both. @default 'root' */
  readonly user?: string;
  /** Units that run before. @default [] */
  readonly after?: readonly (string | { readonly unitName: string })[];
  /** Units of wave 0 are up before those of wave 1. @default 1 */
  readonly wave?: number;
  /** How long it may take. @default Duration.minutes(5) */
  readonly timeout?: Duration;
}

const NAMES: Names<RunOnceProps> = {
  command: true,
  unless: true,
  creates: true,
  leaves: true,
  user: true,
  after: true,
  wave: true,
  timeout: true,
};

/**
 * A command that runs where its work is not done yet: `createuser`, `pg_createcluster`, `certbot certonly`.
 *
 *     new RunOnce(host, 'role-app', {
 *       command: ['createuser', 'app'],
 *       unless: ['/bin/sh', '-c', `psql -tAc "SELECT 1 FROM pg_roles WHERE rolname = 'app'" | grep -q 1`],
 *       leaves: 'the role app',
 *       user: 'postgres',
 *       after: ['postgresql.service'],
 *     });
 *
 * It is a job of systemd, `citadel-once-<id>.service`, that asks first, runs, and asks again: a command that ends well without
 * its work being done has failed. It runs when it is new or changed and at boot, never at every apply; what it prints is in the
 * journal. A failure fails the apply, which is undone; what the command itself did stays, as `leaves` says.
 */
export class RunOnce extends Construct {
  readonly unit: SystemdUnit;

  constructor(scope: Construct, id: string, props: RunOnceProps) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    requireForm(
      this,
      'leaves',
      props.leaves,
      ONE_LINE,
      'what stays on the host, in one line',
      'Say it in words',
    );
    addRule(this, () => {
      const asked = [props.unless, props.creates].filter((each) => each !== undefined).length;
      if (asked === 1) return [];
      return [
        {
          code: 'construct.once.question',
          got: asked === 0 ? 'nothing says when its work is done' : 'both unless and creates are given',
          fix: 'Give one of unless and creates',
        },
      ];
    });
    const after = (props.after ?? []).map((unit) => (typeof unit === 'string' ? unit : unit.unitName));
    const question = props.unless ?? ['test', '-e', props.creates ?? ''];
    this.unit = new SystemdUnit(this, 'unit', {
      name: `citadel-once-${id.replaceAll(/[^A-Za-z0-9_.-]/g, '-')}.service`,
      unit: {
        Description: `Once: ${props.command.join(' ').slice(0, 120)}. Not undone: ${props.leaves}`,
        ...(after.length === 0 ? {} : { After: after, Wants: after }),
      },
      service: {
        Type: 'oneshot',
        RemainAfterExit: true,
        ...(props.user === undefined ? {} : { User: props.user }),
        ExecStart: exec(['/bin/sh', '-c', ONCE, 'once', question.length, ...question, ...props.command]),
        TimeoutStartSec: props.timeout ?? Duration.minutes(5),
      },
      install: { WantedBy: 'multi-user.target' },
      wave: props.wave ?? 1,
    });
  }
}

/** Constant; the words of question and command are its arguments: how many the question has, they, and the command's. */
const ONCE = [
  'ask() { n=$1; shift; i=0; for w do i=$((i + 1)); [ $i -gt 1 ] || set --; [ $i -gt $n ] || set -- "$@" "$w"; done; "$@" >/dev/null 2>&1; }',
  'if ask "$@"; then echo "nothing to do: it is so already"; exit 0; fi',
  '(shift $(($1 + 1)); exec "$@") || exit',
  'ask "$@" || { echo "the command has ended, and its work is not done"; exit 1; }',
].join('; ');
