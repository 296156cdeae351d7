import type { FleetMap, MapEdge, MapHost, MapService } from './fleet-map.js';
import { markup, type Markup } from './markup.js';

/** What a plan does to a service, by `host/service`: shown on the map. */
export type MapMarks = ReadonlyMap<string, 'restarts' | 'starts' | 'stops' | 'reloads'>;

const NODE = { width: 320, height: 28, gap: 8 };
const HOST = { padding: 14, title: 34, gap: 28 };
/** Room for arcs between services of one column, and between the two columns. */
const ARCS = 86;
const MIDDLE = 190;
const SYMBOL = { restarts: '↻', starts: '▶', stops: '■', reloads: '⟳' } as const;

interface Spot {
  readonly x: number;
  /** Middle of the box. */
  readonly y: number;
  readonly column: 0 | 1;
}

/**
 * The map as inline SVG: hosts that ask others on the left, the others on the right, a box for each service with its
 * ports, an arrow from who asks to who is asked. No script and no style of its own; the page has the colours.
 */
export function mapSvg(map: FleetMap, marks: MapMarks = new Map()): Markup {
  const asking = new Set(map.edges.map(({ from }) => from.slice(0, from.indexOf('/'))));
  const left = map.hosts.filter(({ name }) => asking.has(name));
  const right = map.hosts.filter(({ name }) => !asking.has(name));
  const columns = left.length === 0 ? [right, []] : [left, right];
  const spots = new Map<string, Spot>();
  const drawn = columns.map((hosts, index) => drawColumn(hosts, index === 0 ? 0 : 1, spots, marks));
  const width = ARCS + columnWidth + (columns[1]?.length === 0 ? 0 : MIDDLE + columnWidth) + 8;
  const height = Math.max(60, ...drawn.map((column) => column.height)) + 8;
  return markup`<svg
    class="map"
    viewBox="0 0 ${width} ${height}"
    width="${width}"
    height="${height}"
    role="img"
    aria-label="Map of hosts, services and ports"
    xmlns="http://www.w3.org/2000/svg"
  >
    <defs>${(['scrapes', 'probes', 'alerts'] as const).map((kind) => arrowHead(kind))}</defs>
    ${drawn.map(({ boxes }) => boxes)} ${map.edges.map((edge, index) => drawEdge(edge, index, spots))}
    ${drawn.map(({ nodes }) => nodes)}
  </svg>`;
}

const columnWidth = NODE.width + 2 * HOST.padding;

function drawColumn(
  hosts: readonly MapHost[],
  column: 0 | 1,
  spots: Map<string, Spot>,
  marks: MapMarks,
): { height: number; boxes: Markup[]; nodes: Markup[] } {
  const x = ARCS + column * (columnWidth + MIDDLE);
  const boxes: Markup[] = [];
  const nodes: Markup[] = [];
  let y = 4;
  for (const host of hosts) {
    const height = HOST.title + host.services.length * (NODE.height + NODE.gap) + HOST.padding - NODE.gap;
    boxes.push(
      markup`<g class="host${host.known ? '' : ' unknown'}" data-host="${host.name}">
        <rect x="${x}" y="${y}" width="${columnWidth}" height="${height}" rx="8" />
        <text x="${x + HOST.padding}" y="${y + 22}"
          >${host.name}${host.known ? '' : ' (not part of this comparison)'}</text
        >
      </g>`,
    );
    host.services.forEach((service, index) => {
      const key = `${host.name}/${service.name}`;
      const top = y + HOST.title + index * (NODE.height + NODE.gap);
      spots.set(key, { x: x + HOST.padding, y: top + NODE.height / 2, column });
      nodes.push(drawService(service, key, x + HOST.padding, top, marks.get(key)));
    });
    y += height + HOST.gap;
  }
  return { height: y - HOST.gap, boxes, nodes };
}

function drawService(
  { name, parts, ports }: MapService,
  key: string,
  x: number,
  y: number,
  mark: keyof typeof SYMBOL | undefined,
): Markup {
  const numbers = ports.map(({ number, protocol, sources }) => portText(number, protocol, sources));
  const listed =
    numbers.length > 3 ? `${numbers.slice(0, 2).join(' ')} +${numbers.length - 2}` : numbers.join(' ');
  const room = 38 - listed.length - (mark === undefined ? 0 : 2);
  const label = name.replace(/\.service$/, '');
  return markup`<g class="service${mark === undefined ? '' : ` ${mark}`}" data-service="${key}">
    <title>
      ${[
        `${name}${mark === undefined ? '' : ` (${mark})`}`,
        ...ports.map(
          ({ number, protocol, listener, sources }) =>
            `${number}/${protocol} ${listener}: ${whoMay(sources)}`,
        ),
        ...parts.map((part) => `with ${part}`),
      ].join('; ')}
    </title>
    <rect x="${x}" y="${y}" width="${NODE.width}" height="${NODE.height}" rx="5" />
    <text x="${x + 9}" y="${y + 18}">
      ${mark === undefined ? '' : `${SYMBOL[mark]} `}${label.length > room ? `${label.slice(0, room - 1)}…` : label}
    </text>
    <text class="ports" x="${x + NODE.width - 9}" y="${y + 18}" text-anchor="end">${listed}</text>
    ${parts.map((part) => markup`<g data-part="${part}"></g>`)}
  </g>`;
}

function portText(number: number, protocol: string, sources: MapService['ports'][number]['sources']): string {
  return `${sources === 'loopback' ? 'lo' : ''}:${number}${protocol === 'udp' ? '/udp' : ''}`;
}

export function whoMay(sources: MapService['ports'][number]['sources']): string {
  if (sources === 'any') return 'anybody';
  if (sources === 'loopback') return 'this host only';
  return sources.join(', ');
}

function arrowHead(kind: MapEdge['kind']): Markup {
  return markup`<marker
    id="arrow-${kind}"
    class="${kind}"
    viewBox="0 0 8 8"
    refX="7"
    refY="4"
    markerWidth="7"
    markerHeight="7"
    orient="auto"
  >
    <path d="M0 0L8 4L0 8z" />
  </marker>`;
}

/** Where each kind of arrow meets its box, so that two to one service can be told apart. */
const OFFSET = { scrapes: -5, probes: 5, alerts: 0 } as const;

function drawEdge(
  { from, to, kind, address, jobs }: MapEdge,
  index: number,
  spots: ReadonlyMap<string, Spot>,
): Markup {
  const start = spots.get(from);
  const end = spots.get(to);
  if (start === undefined || end === undefined) return markup``;
  const [y1, y2] = [start.y + OFFSET[kind], end.y + OFFSET[kind]];
  const path =
    start.column === end.column
      ? arc(start.x, y1, y2, from === to ? 22 : 26 + ((index * 9) % 50))
      : `M${start.x + NODE.width} ${y1}C${start.x + NODE.width + MIDDLE * 0.6} ${y1} ${end.x - MIDDLE * 0.6} ${y2} ${end.x - 1} ${y2}`;
  return markup`<path
    class="edge ${kind}"
    d="${path}"
    marker-end="url(#arrow-${kind})"
    data-edge="${from} ${kind} ${to}"
  >
    <title>${from} ${kind} ${to} (${address}${jobs.length === 0 ? '' : `, job ${jobs.join(', ')}`})</title>
  </path>`;
}

/** From one box to another of its column, round the left; back to itself as a loop. */
function arc(x: number, y1: number, y2: number, bulge: number): string {
  const [from, to] = y1 === y2 ? [y1 - 6, y2 + 6] : [y1, y2];
  return `M${x} ${from}C${x - bulge} ${from} ${x - bulge} ${to} ${x - 1} ${to}`;
}
