import type { SecretRef } from '../../../constructs/secret.js';

/** Who gets into Grafana besides `admin`, and how it writes mail. */
export interface GrafanaAccess {
  /** Whoever reaches its port looks at everything, and changes nothing. @default false */
  readonly anonymousViewers?: boolean;
  /** A provider of OpenID Connect or OAuth 2. Whoever signs in is a viewer, unless `rolePath` says more. @default - none */
  readonly oauth?: {
    /** On the button: `Company login`. */
    readonly name: string;
    readonly clientId: string;
    readonly clientSecret: SecretRef;
    readonly authUrl: string;
    readonly tokenUrl: string;
    /** Where the provider says who someone is. */
    readonly apiUrl: string;
    /** @default ['openid', 'profile', 'email'] */
    readonly scopes?: readonly string[];
    /** JMESPath expression that gives Viewer, Editor or Admin. @default - every one is a viewer */
    readonly rolePath?: string;
    /** Mail domains that may sign in. @default - all that the provider lets in */
    readonly allowedDomains?: readonly string[];
  };
  /** @default - it writes no mail */
  readonly smtp?: {
    /** `host:port`. */
    readonly host: string;
    readonly from: string;
    readonly user?: string;
    readonly password?: SecretRef;
  };
}

export const SECRETS = '/etc/grafana/secrets';

export function secretFile(secret: SecretRef): string {
  return `${SECRETS}/${secret.name}`;
}

export function accessSecrets({ oauth, smtp }: GrafanaAccess): SecretRef[] {
  const all = [oauth?.clientSecret, smtp?.password].filter((each) => each !== undefined);
  return [...new Map(all.map((secret) => [secret.name, secret])).values()];
}
