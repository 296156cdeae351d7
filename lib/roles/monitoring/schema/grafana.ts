import { z } from 'zod';
import { tcpPort } from '../../../inventory/index.js';
import { secretName } from '../../../manifest/index.js';
import { webAddress, words } from './notification.js';

export const grafanaSchema = z
  .strictObject({
    port: tcpPort('TCP port of Grafana').default(3000),
    adminPassword: secretName.describe('Name of the secret: password of the account "admin"'),
    importPassword: secretName
      .optional()
      .describe(
        'Name of the secret: password of the account "citadel-import", an editor, with which AI nodes import dashboards (default: they cannot)',
      ),
    version: z
      .string()
      .regex(/^[0-9][A-Za-z0-9.+:~-]*$/, 'is not a version such as 12.1.0')
      .optional()
      .describe('Exact version of the package (default: the newest of the repository, once)'),
    anonymousViewers: z
      .boolean()
      .default(false)
      .describe('Whether whoever reaches its port looks at everything without an account'),
    oauth: z
      .strictObject({
        name: words.describe('What stands on the button'),
        clientId: words.describe('Name of this Grafana at the provider'),
        clientSecret: secretName.describe('Name of the secret'),
        authUrl: webAddress.describe('Where people sign in'),
        tokenUrl: webAddress.describe('Where tokens are given out'),
        apiUrl: webAddress.describe('Where the provider says who someone is'),
        scopes: z.array(words).min(1).optional().describe('Default: openid, profile, email'),
        rolePath: words
          .optional()
          .describe('JMESPath expression that gives Viewer, Editor or Admin (default: all are viewers)'),
        allowedDomains: z
          .array(words)
          .min(1)
          .optional()
          .describe('Mail domains that may sign in (default: all)'),
      })
      .optional()
      .describe('Single sign-on by OpenID Connect or OAuth 2'),
    smtp: z
      .strictObject({
        host: z
          .string()
          .regex(/^[^\s:]+:\d{1,5}$/, 'is not host:port')
          .describe('Mail server, host:port'),
        from: words.describe('Sender'),
        user: words.optional().describe('Account at the mail server (default: none)'),
        password: secretName.optional().describe('Name of the secret'),
      })
      .optional()
      .describe('How Grafana writes mail: invitations, lost passwords'),
    package: z
      .string()
      .regex(/^\/\S+\.deb$/, 'is not an absolute path of a .deb')
      .optional()
      .describe('Package file on the host, where its repository cannot be reached'),
    repository: z
      .strictObject({
        url: z
          .url({ protocol: /^https$/ })
          .default('https://apt.grafana.com')
          .describe('Address of the repository'),
        suite: words.default('stable').describe('Suite of the repository'),
        components: z.array(words).min(1).default(['main']).describe('Components of the suite'),
        key: z
          .string()
          .min(1)
          .describe('File with the repository’s public key, ASCII-armoured; relative to the project'),
      })
      .optional()
      .describe('Repository that the package comes from: Grafana is in no Debian suite'),
  })
  .refine(
    (value) => (value.package === undefined) !== (value.repository === undefined),
    'needs exactly one of "package" and "repository"',
  )
  .refine(
    ({ adminPassword, importPassword }) => adminPassword !== importPassword,
    'gives the account "citadel-import" the password of "admin": name another secret in "importPassword"',
  );

export type GrafanaInventory = z.infer<typeof grafanaSchema>;
