import { createHash } from 'node:crypto';
import { planNotes } from '../../engine/plan/notes.js';
import type { Change, HostPlan } from '../../engine/model.js';
import { changeDetails } from '../text/change-details.js';
import { plural } from '../text/style.js';
import { diffTable, sizeOf } from './diff-table.js';
import { fleetMap, type FleetMap } from './fleet-map.js';
import {
  interruptionsOf,
  limitText,
  longestInterruption,
  spanText,
  type Interruption,
} from './interruptions.js';
import { mapSvg, type MapMarks } from './map-svg.js';
import { markup, Markup } from './markup.js';
import { PAGE_STYLE } from './page-style.js';

export interface PageOptions {
  /** What the plans were made against, as a sentence. */
  readonly comparison: string;
  readonly remarks?: readonly string[];
}

interface Report {
  readonly plan: HostPlan;
  readonly units: readonly Interruption[];
}

/** Changes of a host that are unfolded at first, from the top. */
const OPEN_CHANGES = 12;
/** A change with more lines than this is folded. */
const OPEN_LINES = 60;
const WORD = { restart: 'restarts', stop: 'stops', start: 'starts', reload: 'reloads' } as const;

/**
 * Plans as one page of HTML that needs nothing else: no script, no request, and a policy that forbids both. The same
 * plans make the same bytes.
 */
export function plansPage(plans: readonly HostPlan[], options: PageOptions): string {
  const reports = plans.map((plan): Report => ({ plan, units: interruptionsOf(plan) }));
  const map = fleetMap(plans.map(({ manifest }) => manifest));
  const hash = createHash('sha256').update(PAGE_STYLE).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'`;
  const page = markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <link rel="icon" href="data:," />
        <title>What a deploy would change</title>
        <style>${new Markup(PAGE_STYLE)}</style>
      </head>
      <body>
        <a class="skip" href="#summary">To the summary</a>
        <header>
          <h1>What a deploy would change</h1>
          <p class="soft">${options.comparison}</p>
          ${(options.remarks ?? []).map((remark) => markup`<p class="remark">${remark}</p>`)}
        </header>
        <main>
          <h2 id="summary">Summary</h2>
          <div class="scroll" tabindex="0" role="region" aria-label="Summary">${summaryTable(reports)}</div>
          <h2 id="map">Hosts, services and ports</h2>
          ${mapSection(map, marksOf(reports, map))} ${reports.map(hostSection)}
        </main>
      </body>
    </html>
`;
  return page.text;
}

function summaryTable(reports: readonly Report[]): Markup {
  return markup`<table class="summary">
    <thead>
      <tr>
        <th scope="col">host</th>
        <th scope="col" class="count">create</th>
        <th scope="col" class="count">update</th>
        <th scope="col" class="count">delete</th>
        <th scope="col" class="count">by hand</th>
        <th scope="col">stops or restarts</th>
        <th scope="col">for how long</th>
      </tr>
    </thead>
    <tbody>
      ${reports.map(summaryRow)}
    </tbody>
  </table>`;
}

function summaryRow({ plan, units }: Report): Markup {
  const count = (test: (change: Change) => boolean): Markup =>
    markup`<td class="count">${plan.changes.filter(test).length}</td>`;
  const down = units.filter(({ verb }) => verb === 'restart' || verb === 'stop');
  const limit = longestInterruption(units);
  return markup`<tr>
    <th scope="row"><a href="#host-${plan.host}">${plan.host}</a></th>
    ${(['create', 'update', 'delete'] as const).map((action) => count((change) => change.action === action))}
    ${count(({ cause }) => cause !== 'config')}
    <td class="wide">
      ${down.length === 0 ? 'nothing' : down.map(({ verb, unit }) => markup`<div>${WORD[verb]} <code>${unit}</code></div>`)}
    </td>
    <td class="wide">${limit === undefined ? '' : limitText(limit)}</td>
  </tr>`;
}

function marksOf(reports: readonly Report[], map: FleetMap): MapMarks {
  const marks = new Map<string, (typeof WORD)[Interruption['verb']]>();
  for (const { plan, units } of reports) {
    const services = map.hosts.find(({ name }) => name === plan.host)?.services ?? [];
    for (const { unit, verb } of units) {
      const service = services.find(({ name, parts }) => name === unit || parts.includes(unit));
      if (service !== undefined) marks.set(`${plan.host}/${service.name}`, WORD[verb]);
    }
  }
  return marks;
}

function mapSection(map: FleetMap, marks: MapMarks): Markup {
  const line = (kind: string): Markup =>
    markup`<svg width="34" height="10" aria-hidden="true">
      <path class="${kind}" d="M0 5H34" fill="none" stroke-width="2" />
    </svg>`;
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="Map">${mapSvg(map, marks)}</div>
    <ul class="key">
      <li>${line('scrapes')} scrapes</li>
      <li>${line('probes')} probes</li>
      <li>${line('alerts')} sends alerts to</li>
      <li>&#8635; restarts</li>
      <li>&#10227; reloads</li>
      <li>&#9654; starts</li>
      <li>&#9632; stops</li>
      <li>lo: this host only</li>
    </ul>
    <details>
      <summary>The same in words</summary>
      <ul>
        ${map.hosts.map(
          ({ name, services }) =>
            markup`<li>
              <b>${name}</b>:
              ${services
                .map(({ name: service, ports }) =>
                  [service, ...ports.map(({ number, protocol }) => `${number}/${protocol}`)].join(' '),
                )
                .join(', ')}
            </li>`,
        )}
      </ul>
      <ul>
        ${map.edges.map(
          ({ from, to, kind, jobs }) =>
            markup`<li>${from} ${kind} ${to}${jobs.length === 0 ? '' : ` (${jobs.join(', ')})`}</li>`,
        )}
      </ul>
    </details>`;
}

function hostSection({ plan, units }: Report): Markup {
  return markup`<section aria-labelledby="host-${plan.host}">
    <h2 id="host-${plan.host}">${plan.host}</h2>
    ${planNotes(plan).map((note) => markup`<p class="remark">${note}</p>`)}
    ${plan.changes.length === 0 && units.length === 0 && markup`<p>Nothing to do.</p>`}
    ${
      units.length > 0 &&
      markup`<h3>${plural(units.length, 'unit')}, in this order</h3>
        <ul>
          ${units.map(unitItem)}
        </ul>`
    }
    ${plan.changes.length > 0 && markup`<h3>${plural(plan.changes.length, 'change')}</h3>`}
    ${plan.changes.map((change, index) => changeSection(change, index < OPEN_CHANGES))}
  </section>`;
}

function unitItem({ unit, verb, limit, along, checks }: Interruption): Markup {
  const list = (names: readonly Markup[]): Markup[] =>
    names.map((name, index) => (index === 0 ? name : markup`, ${name}`));
  return markup`<li>
    ${WORD[verb]} <code>${unit}</code>${limit !== undefined && markup`, <b>${limitText(limit)}</b>`}${
      along.length > 0 &&
      markup`; with it, where they run: ${list(along.map((name) => markup`<code>${name}</code>`))}`
    }${
      checks.length > 0 &&
      markup`; undone unless it then passes
      ${list(checks.map(({ name, seconds }) => markup`<code>${name}</code> (${spanText(seconds)})`))}`
    }
  </li>`;
}

const SIGN = { create: '+', update: '~', delete: '−' } as const;
const ACTION = { create: 'is created', update: 'changes', delete: 'goes' } as const;

function changeSection(change: Change, early: boolean): Markup {
  const diff = change.diff ?? '';
  const size = sizeOf(diff);
  const open = early && size.added + size.removed <= OPEN_LINES;
  const details = changeDetails(change);
  return markup`<details class="change ${change.action}" ${open && markup` open`}>
    <summary>
      <span class="sign" title="${ACTION[change.action]}">${SIGN[change.action]}</span> ${change.section}
      <code>${change.key}</code>
      ${change.cause !== 'config' && markup`<span class="tag">${change.cause}</span>`}
      ${diff !== '' && markup`<span class="plus">+${size.added}</span> <span class="minus">&minus;${size.removed}</span>`}
    </summary>
    ${
      details.length > 0 &&
      markup`<ul>
        ${details.map(({ words, code }) => markup`<li>${words}${code !== undefined && markup` <code>${code}</code>`}</li>`)}
      </ul>`
    }
    ${diff !== '' && diffTable(diff, change.key)}
  </details>`;
}
