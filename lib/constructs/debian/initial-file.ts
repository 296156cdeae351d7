import { Construct } from 'constructs';
import { HostFile } from '../host/file.js';
import { refuseUnknown, type Names } from '../host/known-props.js';
import { ownership, type OwnershipProps } from '../host/ownership.js';
import type { SecretRef } from '../secret.js';
import { requireForm } from './forms.js';
import { RunOnce } from './run-once.js';

export interface InitialFileProps extends OwnershipProps {
  /** Absolute path, in a directory that is there or that the stack declares. */
  readonly path: string;
  /** The content line by line, without line ends. This or `secret`. */
  readonly lines?: readonly string[];
  /** The whole file is this secret's value. */
  readonly secret?: SecretRef;
  /** Four octal digits. @default '0644', and '0600' of a secret */
  readonly mode?: string;
}

const NAMES: Names<InitialFileProps> = {
  path: true,
  lines: true,
  secret: true,
  owner: true,
  group: true,
  mode: true,
};

/**
 * A file that is made where nothing stands, and belongs to the host from then on: what a program or a person writes into it stays, is
 * no drift, and is never replaced. A change of its content reaches hosts that lack the file.
 *
 *     new InitialFile(host, 'state', { path: '/var/lib/shop/settings.json', lines: ['{}'], owner: 'www-data' });
 */
export class InitialFile extends Construct {
  readonly path: string;
  readonly once: RunOnce;

  constructor(scope: Construct, id: string, props: InitialFileProps) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    const { path, lines, secret } = props;
    this.path = path;
    requireForm(this, 'path', path, /^(?:\/[^/\p{Cc}]+)+$/u, 'an absolute path', 'Give the path of a file');
    const { owner, group, mode } = ownership(props, secret === undefined ? '0644' : '0600');
    const source = new HostFile(this, 'content', {
      path: `/etc/citadel-initial/${id.replaceAll(/[^A-Za-z0-9_.-]/g, '-')}`,
      ...(lines === undefined ? {} : { lines }),
      ...(secret === undefined ? {} : { secret }),
      mode: '0600',
    });
    this.once = new RunOnce(this, id, {
      // -T: where a directory stands, it is an error and not a place to put the file into.
      command: ['install', '-T', '-o', owner, '-g', group, '-m', mode, '--', source.path, path],
      creates: path,
      leaves: path,
      wave: 0,
    });
  }
}
