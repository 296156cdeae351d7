import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AlertmanagerConfiguration } from '../../../lib/roles/monitoring/alertmanager/configuration.js';
import { alertmanagerConfiguration } from '../../../lib/roles/monitoring/alertmanager/configuration.js';
import { Reach } from '../../../lib/roles/monitoring/alertmanager/reach.js';
import { reachProblems, type KnownAlert } from '../../../lib/roles/monitoring/alertmanager/reach-rules.js';
import type { Receivers, Route, TimeWindow } from '../../../lib/roles/monitoring/alertmanager/routing.js';
import { readWindow } from '../../../lib/roles/monitoring/alertmanager/time-windows.js';
import { renderYaml } from '../../../lib/render/index.js';
import { scratch, writeTree } from '../../stacks/scratch.js';
import { hasTool } from '../../stacks/tools.js';
import { amtool } from './daemon-files.js';

const hook = (name: string) => [{ kind: 'webhook' as const, url: `http://192.0.2.1/${name}` }];
const TOLD: Receivers = { operators: hook('operators'), night: hook('night'), chat: hook('chat') };
const WINDOWS: Readonly<Record<string, TimeWindow>> = {
  nights: {
    times: [
      { from: '22:00', to: '24:00' },
      { from: '00:00', to: '06:00' },
    ],
    timeZone: 'Europe/Berlin',
  },
  days: { times: [{ from: '06:00', to: '22:00' }], timeZone: 'Europe/Berlin' },
  utcDays: { times: [{ from: '05:00', to: '21:00' }] },
  always: {},
  weekend: { weekdays: ['saturday', 'sunday'], timeZone: 'Europe/Berlin' },
  week: { weekdays: ['monday:friday'], timeZone: 'Europe/Berlin' },
};
const ALERTS: readonly KnownAlert[] = [
  { alert: 'ModelDown', labels: { severity: 'critical' } },
  { alert: 'HostCpuHigh', labels: { severity: 'warning' } },
  { alert: 'HostRebooted', labels: { severity: 'info' } },
  { alert: 'Watchdog', labels: { severity: 'none' } },
];

type Draft = Omit<Route, 'receiver' | 'routes'> & { readonly routes: readonly Draft[] };

interface Tree {
  readonly routes: readonly Route[];
  readonly receivers?: Receivers;
  readonly receiver?: string;
  readonly alerts?: readonly KnownAlert[];
}

function problems({ routes, receivers = TOLD, receiver = 'operators', alerts = ALERTS }: Tree): string[] {
  const configuration: AlertmanagerConfiguration = {
    receivers,
    route: { receiver, routes },
    inhibitions: [],
    timeWindows: WINDOWS,
  };
  return reachProblems(configuration, alerts).map(({ got, fix }) => `${got}. ${fix}.`);
}

const CRITICAL = ['severity="critical"'];
const LAST: Route = { receiver: 'operators' };
const LAST_ROUTE =
  'Add a last route without matchers next to it whose receiver is told at all times, and let this one continue (continue: true): once a route matches, the receiver of the route above it is not asked, whatever the time';
const night = (more: Partial<Route> = {}): Route => ({
  receiver: 'night',
  matchers: CRITICAL,
  onlyIn: ['nights'],
  continue: true,
  ...more,
});

describe('routes under which an alert reaches no one', () => {
  it('are named with the alert, the minute and what to do', () => {
    expect(problems({ routes: [night()] })).toEqual([
      `ModelDown (critical), and 1 more alert: no notification is sent on Monday 06:00 Europe/Berlin. The route for severity="critical" takes it to "night", which is told only in nights. ${LAST_ROUTE}.`,
    ]);
  });

  const bad: readonly (readonly [string, Tree, RegExp])[] = [
    ['without continue', { routes: [night({ continue: false }), LAST] }, /^ModelDown.* Monday 06:00 Europe/],
    [
      'muted by name',
      { routes: [night({ onlyIn: [], muteIn: ['nights'] })] },
      /Monday 00:00 .*not told in nights/,
    ],
    [
      'muted always',
      { routes: [night({ onlyIn: [], muteIn: ['always'] })] },
      /no notification is sent at any time\..*not in always/,
    ],
    ['in two windows at once', { routes: [night({ muteIn: ['weekend'] })] }, /Monday 06:00/],
    [
      'two that leave the weekend',
      { routes: [night({ onlyIn: ['week'] }), night({ receiver: 'chat', onlyIn: ['week'] })] },
      /Saturday 00:00 Europe\/Berlin/,
    ],
    [
      'below a route that takes all',
      { routes: [{ receiver: 'operators', routes: [night()] }] },
      /The route for severity="critical" takes it to "night"/,
    ],
    [
      'a fallback for others',
      { routes: [night(), { receiver: 'chat', matchers: ['severity!="critical"'] }] },
      /^ModelDown/,
    ],
    [
      'a fallback that only some values of a label reach',
      { routes: [night(), { receiver: 'operators', matchers: ['host="a"'] }] },
      /^ModelDown/,
    ],
    [
      'a value of a label that no one can know',
      { routes: [{ receiver: 'night', matchers: ['host=~"gpu-.+"'], onlyIn: ['nights'] }] },
      /^ModelDown \(critical\) with host=~"gpu-\.\+", and 2|^ModelDown/,
    ],
    [
      'an alert by its name',
      { routes: [{ receiver: 'night', matchers: ['alertname=~"Model.*"'], onlyIn: ['nights'] }] },
      /^ModelDown \(critical\)/,
    ],
    [
      'a window in another time zone, which summer time moves',
      { routes: [night(), night({ receiver: 'chat', onlyIn: ['utcDays'], continue: false })] },
      /sent on \w+day \d\d:\d\d Europe\/Berlin/,
    ],
    [
      'a receiver without notifications',
      { routes: [{ receiver: 'chat', matchers: CRITICAL }], receivers: { ...TOLD, chat: [] } },
      /no notification is sent at any time\. .*"chat", which has no notification\. Give the receiver "chat" a notification, or declare it as 'silent'/,
    ],
    [
      'the first one without notifications',
      { routes: [{ receiver: 'chat', matchers: CRITICAL }], receivers: { ...TOLD, operators: [] } },
      /^HostCpuHigh \(warning\), and 1 more alert.*The route for all alerts takes it to "operators", which has no notification/,
    ],
    [
      'a warning outside of the only window',
      { routes: [{ receiver: 'chat', matchers: ['severity="warning"'], onlyIn: ['days'] }] },
      /^HostCpuHigh \(warning\).*; or, if it may wait, name the times in which nothing is sent with muteIn\.$/,
    ],
    [
      'a warning that is never told',
      { routes: [{ receiver: 'chat', matchers: ['severity="warning"'], muteIn: ['nights', 'days'] }] },
      /^HostCpuHigh \(warning\): no notification is sent at any time/,
    ],
    [
      'a critical alert that no one here knows',
      { routes: [{ receiver: 'night', matchers: ['team="ml"'], onlyIn: ['nights'] }], alerts: [] },
      /^an alert of another origin \(critical\) with team="ml"/,
    ],
  ];
  it.each(bad)('%s', (_name, tree, message) => {
    const found = problems(tree);
    expect(found.join('\n')).toMatch(message);
  });

  const good: readonly (readonly [string, Tree])[] = [
    ['none', { routes: [] }],
    ['a last one without matchers', { routes: [night(), LAST] }],
    ['two windows that share the week', { routes: [night(), night({ receiver: 'chat', onlyIn: ['days'] })] }],
    [
      'week and weekend',
      { routes: [night({ onlyIn: ['week'] }), night({ receiver: 'chat', muteIn: ['week'], onlyIn: [] })] },
    ],
    ['an expression for all', { routes: [night(), { receiver: 'chat', matchers: ['severity=~".+"'] }] }],
    [
      'one for what it is not',
      { routes: [night(), { receiver: 'chat', matchers: ['severity!~"info|none"'] }] },
    ],
    [
      'every value of a label',
      {
        routes: [
          night(),
          { receiver: 'chat', matchers: ['host="a"'] },
          { receiver: 'chat', matchers: ['host!="a"'] },
        ],
      },
    ],
    [
      'an expression and its opposite',
      {
        routes: [
          night(),
          { receiver: 'chat', matchers: ['host=~"a.*"'] },
          { receiver: 'chat', matchers: ['host!~"a.*"'] },
        ],
      },
    ],
    [
      'a warning that waits by name',
      { routes: [{ receiver: 'chat', matchers: ['severity!="critical"'], muteIn: ['nights'] }] },
    ],
    [
      'a route that nothing of the severity takes',
      { routes: [night({ matchers: ['severity="critical"', 'severity="x"'] })] },
    ],
    [
      'silence on purpose',
      {
        routes: [{ receiver: 'chat', matchers: ['alertname="ModelDown"'] }],
        receivers: { ...TOLD, chat: 'silent' },
      },
    ],
    [
      'the Watchdog to no one',
      {
        routes: [{ receiver: 'chat', matchers: ['alertname="Watchdog"'] }],
        receivers: { ...TOLD, chat: [] },
        alerts: [],
      },
    ],
    ['no one to tell at all', { routes: [], receivers: { operators: [] } }],
  ];
  it.each(good)('are not: %s', (_name, tree) => {
    expect(problems(tree)).toEqual([]);
  });

  it('are refused where they cannot be followed', () => {
    const many = Array.from({ length: 24 }, (_each, index) => night({ matchers: [`label${index}="x"`] }));
    expect(problems({ routes: [...many, LAST] })).toEqual([]);
    const routes = [night(), night({ receiver: 'chat', onlyIn: ['days'] }), ...many];
    expect(problems({ routes })).toEqual([
      'there are too many ways through the routes to find out whether a notification is sent for every alert. Let fewer routes continue, or match by fewer different labels.',
    ]);
  });
});

/** A concrete alert's labels; an empty value is a label that is not there. */
const LABELS = fc.record({
  a: fc.constantFrom('', 'x', 'y', 'xy', 'x-1'),
  b: fc.constantFrom('', 'x', 'z.1'),
});
const MATCHER = fc
  .tuple(
    fc.constantFrom('a', 'b'),
    fc.constantFrom('=', '!=', '=~', '!~'),
    fc.constantFrom(
      '',
      'x',
      'y',
      'xy',
      'x.*',
      '.+',
      '.*',
      'x|y',
      '[xy]+',
      'x?y',
      '(?i)X.*',
      '^x$',
      'z\\.1',
      'x-\\d',
      '|x',
    ),
  )
  .map(([label, operator, value]) => `${label}${operator}"${value}"`);
const ROUTE = fc.letrec<{ route: Draft }>((tie) => ({
  route: fc.record({
    matchers: fc.array(MATCHER, { maxLength: 2 }),
    continue: fc.boolean(),
    routes: fc.oneof(
      { depthSize: 'small', maxDepth: 3 },
      fc.constant<Draft[]>([]),
      fc.array(tie('route'), { maxLength: 3 }),
    ),
  }),
})).route;

describe.skipIf(!hasTool('amtool'))('the routes that an alert takes, by amtool (skipped without it)', () => {
  it('are among those that are found, and are those alone where every label is known', () => {
    fc.assert(
      fc.property(
        fc.array(ROUTE, { minLength: 1, maxLength: 3 }),
        fc.array(LABELS, { minLength: 2, maxLength: 4 }),
        (drafts, sets) => {
          let count = 0;
          const named = (draft: Draft): Route => ({
            ...draft,
            receiver: `r${count++}`,
            routes: draft.routes.map(named),
          });
          const route: Route = { receiver: 'root', routes: drafts.map(named) };
          const receivers: Receivers = Object.fromEntries(
            ['root', ...Array.from({ length: count }, (_each, index) => `r${index}`)].map((name) => [
              name,
              [],
            ]),
          );
          const configuration = { receivers, route, inhibitions: [], timeWindows: {} };
          const root = scratch();
          writeTree(root, { 'alertmanager.yml': renderYaml(alertmanagerConfiguration(configuration)) });
          const reach = new Reach(configuration);
          const taken = (labels: ReadonlyMap<string, string>): string[] =>
            [...reach.lost({ severity: 'critical', labels })].map(({ routes }) =>
              routes.map(({ receiver }) => receiver).join(),
            );
          const anything = taken(new Map());
          for (const labels of sets) {
            const words = Object.entries(labels).flatMap(([name, value]) =>
              value === '' ? [] : [`${name}=${value}`],
            );
            const { output, status } = amtool(
              'config',
              'routes',
              'test',
              `--config.file=${join(root, 'alertmanager.yml')}`,
              ...(words.length === 0 ? ['c=c'] : words),
            );
            expect(status, output).toBe(0);
            const real = output.split('\n')[0] ?? '';
            const ours = taken(new Map(Object.entries(labels)));
            expect(ours).toContain(real);
            expect(anything).toContain(real);
            // Flags are read by Alertmanager alone.
            if (!JSON.stringify(route).includes('(?i)')) expect(ours).toEqual([real]);
          }
        },
      ),
      { seed: 20_261_128, numRuns: 60 },
    );
  }, 240_000);

  it.each<TimeWindow>([
    {},
    { weekdays: ['monday:friday'] },
    { weekdays: ['sunday:saturday'] },
    { weekdays: ['saturday:sunday'] },
    { weekdays: ['monday:sunday'] },
    { weekdays: ['moonday'] },
    { weekdays: ['Monday'] },
    { times: [{ from: '22:00', to: '06:00' }] },
    { times: [{ from: '22:00', to: '22:00' }] },
    { times: [{ from: '22:00', to: '24:00' }] },
    { times: [{ from: '24:00', to: '24:00' }] },
    { times: [{ from: '7:00', to: '24:30' }] },
    { times: [{ from: '07:00', to: '08:60' }] },
    { timeZone: 'Europe/Berlin' },
    { timeZone: 'Europe/Nowhere' },
  ])('takes the window %j where it is taken here', (window) => {
    const configuration = {
      receivers: { a: hook('a') },
      route: { receiver: 'a' },
      inhibitions: [],
      timeWindows: { window },
    };
    const root = scratch();
    writeTree(root, { 'alertmanager.yml': renderYaml(alertmanagerConfiguration(configuration)) });
    const { status, output } = amtool('check-config', join(root, 'alertmanager.yml'));
    expect(typeof readWindow(window) === 'string' ? 1 : 0, output).toBe(status);
  });
});
