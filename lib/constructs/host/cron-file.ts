import type { Construct } from 'constructs';
import { renderCronFile, type CronJob } from '../../render/index.js';
import { order } from '../../text/order.js';
import { attempt } from './attempt.js';
import type { Contribution } from './contribution.js';
import { HostItem } from './item.js';
import { refuseUnknown, unknownProps, type Names } from './known-props.js';
import type { OwnProblem } from './problems.js';

export interface CronFileProps {
  /** File name in /etc/cron.d: letters, digits, `_` and `-` only, or cron ignores the file. @default - the construct's id */
  readonly name?: string;
  /** @default [] (more by `addJob`) */
  readonly jobs?: readonly CronJob[];
  /** Environment of the jobs. @default - SHELL=/bin/sh and a PATH with the sbin directories */
  readonly environment?: Readonly<Record<string, string>>;
  /** Who gets mail with the jobs' output; `''` for no one. @default - whoever cron thinks right */
  readonly mailTo?: string;
}

const NAMES: Names<CronFileProps> = { name: true, jobs: true, environment: true, mailTo: true };
const JOB: Names<CronJob> = { schedule: true, user: true, command: true, comment: true };

const NAME = /^[A-Za-z0-9_-]+$/;

/** A file in /etc/cron.d. cron notices changes by itself. */
export class CronFile extends HostItem {
  readonly path: string;
  private readonly fileName: string;
  private readonly jobs: CronJob[];

  constructor(
    scope: Construct,
    id: string,
    private readonly props: CronFileProps = {},
  ) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    this.fileName = props.name ?? id;
    this.path = `/etc/cron.d/${this.fileName}`;
    this.jobs = [...(props.jobs ?? [])];
  }

  addJob(job: CronJob): void {
    this.jobs.push(job);
  }

  override contributions(): Contribution[] {
    // The rule for documents would say of the path what is said of the name.
    if (!NAME.test(this.fileName)) return [];
    const value = {
      content: this.text().text,
      owner: 'root',
      group: 'root',
      mode: '0644',
      validate: 'cron' as const,
    };
    return [{ section: 'files', key: this.path, value }];
  }

  protected override problems(): OwnProblem[] {
    const problems: OwnProblem[] = [
      ...this.jobs.flatMap((job, index) => unknownProps(job, JOB, `jobs[${index}]`)),
      ...this.text().problems,
    ];
    if (!NAME.test(this.fileName)) {
      problems.push({
        code: 'construct.cron.name',
        property: 'name',
        got: `cron ignores a file called ${JSON.stringify(this.fileName)}`,
        fix: 'Use letters, digits, "_" and "-" only',
      });
    }
    if (this.jobs.length === 0) {
      problems.push({
        code: 'construct.cron.empty',
        property: 'jobs',
        got: 'there is no job',
        fix: 'Give at least one',
      });
    }
    return problems;
  }

  private text() {
    const { environment, mailTo } = this.props;
    return attempt(() =>
      renderCronFile({
        jobs: [...this.jobs].sort(byLine),
        environment: { ...environment, ...(mailTo === undefined ? {} : { MAILTO: mailTo }) },
      }),
    );
  }
}

/** Jobs are a set: their order in the file says nothing, so it must not depend on who was added first. */
function byLine(a: CronJob, b: CronJob): number {
  const [left, right] = [a, b].map((job) => `${job.command}\0${job.schedule}\0${job.user}`) as [
    string,
    string,
  ];
  return order(left, right);
}
