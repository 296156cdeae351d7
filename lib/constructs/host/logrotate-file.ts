import type { Construct } from 'constructs';
import { renderLogrotate, type LogrotateEntry } from '../../render/index.js';
import { by } from '../../text/order.js';
import { attempt } from './attempt.js';
import type { Contribution } from './contribution.js';
import { HostItem } from './item.js';
import { refuseUnknown, unknownProps, type Names } from './known-props.js';
import type { OwnProblem } from './problems.js';

export interface LogrotateFileProps {
  /** File name in /etc/logrotate.d. @default - the construct's id */
  readonly name?: string;
  /** @default [] (more by `addEntry`) */
  readonly entries?: readonly LogrotateEntry[];
}

const NAMES: Names<LogrotateFileProps> = { name: true, entries: true };
const ENTRY: Names<LogrotateEntry> = {
  paths: true,
  frequency: true,
  rotate: true,
  maxageDays: true,
  size: true,
  maxsize: true,
  minsize: true,
  compress: true,
  delaycompress: true,
  copytruncate: true,
  missingok: true,
  notifempty: true,
  dateext: true,
  dateformat: true,
  extension: true,
  sharedscripts: true,
  create: true,
  su: true,
  olddir: true,
  scripts: true,
  compressWith: true,
  minageDays: true,
  dateyesterday: true,
  createOlddir: true,
  mail: true,
  shred: true,
};

/** A file in /etc/logrotate.d; logrotate's own timer reads it. */
export class LogrotateFile extends HostItem {
  readonly path: string;
  private readonly fileName: string;
  private readonly entries: LogrotateEntry[];

  constructor(scope: Construct, id: string, props: LogrotateFileProps = {}) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    this.fileName = props.name ?? id;
    this.path = `/etc/logrotate.d/${this.fileName}`;
    this.entries = [...(props.entries ?? [])];
  }

  addEntry(entry: LogrotateEntry): void {
    this.entries.push(entry);
  }

  override contributions(): Contribution[] {
    const value = {
      content: this.text().text,
      owner: 'root',
      group: 'root',
      mode: '0644',
      validate: 'logrotate' as const,
    };
    return [{ section: 'files', key: this.path, value }];
  }

  protected override problems(): OwnProblem[] {
    const problems: OwnProblem[] = [
      ...this.entries.flatMap((entry, index) => unknownProps(entry, ENTRY, `entries[${index}]`)),
      ...this.text().problems,
    ];
    // logrotate's default tabooext: it passes over such names without a word.
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(this.fileName) || TABOO.test(this.fileName)) {
      problems.push({
        code: 'construct.logrotate.name',
        property: 'name',
        got: `logrotate ignores a file called ${JSON.stringify(this.fileName)}`,
        fix: 'Use letters, digits, "_" and "-"',
      });
    }
    if (this.entries.length === 0) {
      problems.push({
        code: 'construct.logrotate.empty',
        property: 'entries',
        got: 'there is no entry',
        fix: 'Give at least one',
      });
    }
    return problems;
  }

  private text() {
    const sorted = [...this.entries].sort(by(({ paths }) => paths.join('\0')));
    return attempt(() => renderLogrotate(sorted));
  }
}

const TABOO =
  /(,v|\.cfsaved|\.disabled|\.dpkg-(bak|del|dist|new|old|tmp)|\.rhn-cfg-tmp-.*|\.rpm(new|orig|save)|\.swp|\.ucf-(dist|new|old)|~)$/;
