import { Construct } from 'constructs';
import { HostFile } from '../../../constructs/host/index.js';
import type { SecretRef } from '../../../constructs/secret.js';

export interface CurlLoginProps {
  /** Account that types curl. */
  readonly account: string;
  /** @default `/home/<account>` */
  readonly home?: string;
  /** Host name or address of the server, as it stands in the URLs. */
  readonly server: string;
  readonly user: string;
  /** Without white space: `.netrc` ends a word there. */
  readonly password: SecretRef;
}

/**
 * Lets `curl http://SERVER…` log in by itself when an account types it, so that no password stands in a command or in its
 * argument list: a line in the account's own `.netrc` (0600), which its `.curlrc` tells curl to look at. Source: curl(1).
 */
export class CurlLogin extends Construct {
  constructor(scope: Construct, id: string, props: CurlLoginProps) {
    super(scope, id);
    const home = props.home ?? `/home/${props.account}`;
    const own = { owner: props.account, group: props.account, mode: '0600' };
    new HostFile(this, 'netrc', {
      path: `${home}/.netrc`,
      ...own,
      lines: [`machine ${props.server} login ${props.user} password ${props.password.toString()}`],
    });
    new HostFile(this, 'curlrc', { path: `${home}/.curlrc`, ...own, lines: ['netrc-optional'] });
  }
}
