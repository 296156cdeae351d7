import { z } from 'zod';
import { tcpPort } from '../../../inventory/index.js';
import { ALERTMANAGER_VERSIONS } from '../alertmanager/index.js';
import { deadMansSwitch, notification, webAddress, words } from './notification.js';

const seconds = (what: string) =>
  z.number().int().min(0).max(604_800).optional().describe(`${what}, in seconds`);
const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'is not a name: a-z, 0-9 and "-", starting with a letter');

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

const timeZone = z
  .string()
  .regex(/^[A-Za-z0-9_+/-]+$/, 'is not a time zone such as Europe/Berlin')
  .optional()
  .describe('Time zone of the times, such as Europe/Berlin (default: UTC)');

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
  timeZone,
});

export const alertmanagerSchema = z.strictObject({
  port: tcpPort('TCP port of Alertmanager').default(9093),
  webhook: webAddress.optional().describe('Short for one receiver, "operators", with this webhook'),
  receivers: z
    .record(name, z.array(notification).min(1))
    .default({})
    .describe('Who can be told, by name; each in one or several ways'),
  receiver: name.optional().describe('Who is told what no route takes (default: operators)'),
  routes: z
    .array(route)
    .default([])
    .describe(
      'Which alerts go elsewhere; the first that matches takes them (default: critical at once, warning in working hours, info nowhere)',
    ),
  timeWindows: z.record(name, timeWindow).default({}).describe('Times of the week, for routes'),
  workingHours: z
    .strictObject({
      from: clock.default('08:00').describe('When they begin, Monday to Friday'),
      to: clock.default('18:00').describe('When they end'),
      timeZone,
    })
    .prefault({})
    .describe('When warnings are told, where no "routes" are given; critical alerts are told at once'),
  deadMansSwitch: deadMansSwitch
    .optional()
    .describe(
      'Told once a minute that monitoring works: a service outside of these hosts that alarms when it hears nothing',
    ),
  version: z
    .enum(ALERTMANAGER_VERSIONS)
    .optional()
    .describe(
      'Release of Alertmanager on the host, at least (default: that of its "os"; without one 0.25, which Debian 12 has; Debian 13 has 0.28)',
    ),
});

export type AlertmanagerInventory = z.infer<typeof alertmanagerSchema>;
