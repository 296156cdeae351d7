import { z } from 'zod';
import { secretName } from '../../manifest/index.js';
import { tcpPort } from './reach.js';

const words = z.string().min(1).max(500);
const webAddress = z.url({ protocol: /^https?$/ });
const seconds = (what: string) =>
  z.number().int().min(0).max(604_800).optional().describe(`${what}, in seconds`);
const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'is not a name: a-z, 0-9 and "-", starting with a letter');

const notification = z
  .strictObject({
    webhook: z
      .strictObject({
        url: webAddress.describe('Address that alerts are posted to, as JSON'),
        bearerToken: secretName.optional().describe('Name of the secret that is sent as bearer token'),
      })
      .optional()
      .describe('Tells a program, by HTTP'),
    email: z
      .strictObject({
        to: words.describe('Recipients, separated by commas'),
        from: words.describe('Sender'),
        smarthost: z
          .string()
          .regex(/^[^\s:]+:\d{1,5}$/, 'is not host:port')
          .describe('Mail server, host:port'),
        username: words.optional().describe('Account at the mail server (default: none)'),
        password: secretName.optional().describe('Name of the secret'),
        requireTls: z.boolean().default(true).describe('Whether mail is sent over TLS only'),
      })
      .optional()
      .describe('Tells people by mail'),
    slack: z
      .strictObject({
        apiUrl: secretName.describe('Name of the secret that is the incoming webhook’s address'),
        channel: words.describe('Channel that is written to, such as #alerts'),
      })
      .optional()
      .describe('Tells a channel of Slack'),
    pagerduty: z
      .strictObject({
        routingKey: secretName.describe('Name of the secret: key of an Events API v2 integration'),
      })
      .optional()
      .describe('Tells a service of PagerDuty'),
  })
  .refine(
    (value) => Object.keys(value).length === 1,
    'is not exactly one of webhook, email, slack, pagerduty',
  );

const route = z.strictObject({
  match: z
    .array(words)
    .default([])
    .describe(
      'Matchers that must all hold: severity="critical", host=~"ai-.*" (default: none, for every alert)',
    ),
  receiver: name.describe('Who is told: the name of a receiver'),
  groupBy: z
    .array(words)
    .optional()
    .describe('Labels by which alerts go together into one message (default: alertname and host)'),
  groupWaitSec: seconds('How long the first alert of a group waits for others'),
  groupIntervalSec: seconds('How long a group that was sent waits for more'),
  repeatIntervalSec: seconds('When an alert that goes on is told again'),
  muteIn: z.array(name).optional().describe('Time windows in which nothing is sent'),
  onlyIn: z.array(name).optional().describe('Time windows in which alone something is sent'),
  continue: z.boolean().default(false).describe('Whether the routes after this one are looked at as well'),
});

const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'is not a time such as 08:00');

const timeWindow = z.strictObject({
  weekdays: z
    .array(z.string().regex(/^[a-z]+(:[a-z]+)?$/, 'is not a day or days such as monday:friday'))
    .optional()
    .describe('Days, such as monday or monday:friday (default: all)'),
  times: z
    .array(
      z.strictObject({
        from: clock.describe('When it begins, such as 08:00'),
        to: clock.describe('When it ends, such as 18:00; 24:00 is midnight'),
      }),
    )
    .optional()
    .describe('Times of the day (default: all of it)'),
  timeZone: z
    .string()
    .regex(/^[A-Za-z0-9_+/-]+$/, 'is not a time zone such as Europe/Berlin')
    .optional()
    .describe('Time zone of the times, such as Europe/Berlin (default: UTC)'),
});

export const alertmanagerSchema = z.strictObject({
  port: tcpPort('TCP port of Alertmanager').default(9093),
  webhook: webAddress.optional().describe('Short for one receiver, "operators", with this webhook'),
  receivers: z
    .record(name, z.array(notification).min(1))
    .default({})
    .describe('Who can be told, by name; each in one or several ways'),
  receiver: name.optional().describe('Who is told what no route takes (default: operators)'),
  routes: z.array(route).default([]).describe('Which alerts go elsewhere; the first that matches takes them'),
  timeWindows: z.record(name, timeWindow).default({}).describe('Times of the week, for routes'),
  deadMansSwitch: z
    .strictObject({
      url: webAddress.describe(
        'Service outside these hosts that alarms when it hears nothing for a few minutes',
      ),
      bearerToken: secretName.optional().describe('Name of the secret that is sent as bearer token'),
    })
    .optional()
    .describe('Told once a minute that monitoring works'),
});

export const grafanaSchema = z
  .strictObject({
    port: tcpPort('TCP port of Grafana').default(3000),
    adminPassword: secretName.describe('Name of the secret: password of the account "admin"'),
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
  );

export type AlertmanagerInventory = z.infer<typeof alertmanagerSchema>;
export type GrafanaInventory = z.infer<typeof grafanaSchema>;
