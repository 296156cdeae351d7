import { Construct } from 'constructs';
import { AptPackage, LogrotateFile } from '../../../constructs/host/index.js';

export interface LogRotationProps {
  /** Account that the logs belong to. */
  readonly account: string;
  /** @default '/opt/citadel/logs' */
  readonly directory?: string;
  /** Old files that are kept of each log; one is made a day. @default 14 */
  readonly keep?: number;
  /** A log that is larger is rotated before the day is over, when logrotate next looks. @default '100M' */
  readonly maxSize?: string;
}

/**
 * `/etc/logrotate.d/citadel-ai`: the `.log` files of a directory and of those in it. Services log on while and after a
 * file is rotated, whether they open it for each line or once: its text is copied and the file emptied (for that, who keeps
 * it open must append). JSON files of the monitor are not touched: they bound themselves.
 */
export class LogRotation extends Construct {
  static readonly NAME = 'citadel-ai';

  constructor(scope: Construct, id: string, props: LogRotationProps) {
    super(scope, id);
    const { account, directory = '/opt/citadel/logs', keep = 14, maxSize = '100M' } = props;
    new AptPackage(this, 'logrotate');
    new LogrotateFile(this, 'file', {
      name: LogRotation.NAME,
      entries: [
        {
          paths: [`${directory}/*.log`, `${directory}/*/*.log`],
          // The directories are the account's: logrotate refuses to work in them as root.
          su: { user: account, group: account },
          frequency: 'daily',
          maxsize: maxSize,
          rotate: keep,
          compress: true,
          delaycompress: true,
          copytruncate: true,
          missingok: true,
          notifempty: true,
        },
      ],
    });
  }
}
