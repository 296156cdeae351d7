import { HostFile, type Host } from 'citadel-iac';
import { Construct } from 'constructs';

export interface MessageOfTheDayProps {
  /** One line, without its end. */
  readonly text: string;
}

/** What a person reads after logging in. */
export class MessageOfTheDay extends Construct {
  constructor(host: Host, id: string, props: MessageOfTheDayProps) {
    super(host, id);
    new HostFile(this, 'file', { path: '/etc/motd', content: `${props.text}\n` });
  }
}
