/** One query of a panel. */
export interface Query {
  /** PromQL; may use `$__rate_interval`, `$__range` and the dashboard's variables. */
  readonly expr: string;
  /** Name of each series: `{{host}}`. @default - its labels */
  readonly legend?: string;
  /** The value of now only: for stats and tables. @default - by kind of panel */
  readonly instant?: boolean;
}

/** From this value on, this colour. */
export interface Step {
  readonly from: number;
  readonly color: Color;
}
export type Color = 'green' | 'yellow' | 'orange' | 'red' | 'blue' | 'text';

export type PanelKind = 'stat' | 'timeseries' | 'gauge' | 'table' | 'timeline' | 'text';

export interface PanelSpec {
  readonly kind: PanelKind;
  readonly title: string;
  /** What it shows and what to think of it: for someone who did not make it. */
  readonly description: string;
  /** Columns of 24. */
  readonly width: number;
  readonly queries: readonly Query[];
  /** Grafana's id of the unit: `s`, `bytes`, `percentunit`. */
  readonly unit: string;
  readonly min?: number;
  readonly max?: number;
  readonly decimals?: number;
  /** Colour below the first step. @default 'green' with steps, else 'text' */
  readonly base?: Color;
  readonly steps?: readonly Step[];
  /** Words for values. */
  readonly words?: Readonly<Record<number, { readonly text: string; readonly color: Color }>>;
  /** Shown where there is no sample. @default '–' */
  readonly noValue?: string;
  /** Series on top of each other. @default false */
  readonly stacked?: boolean;
  /** Uid of the dashboard that a click leads to, with variables to take along. */
  readonly opens?: { readonly uid: string; readonly query?: string };
  /** Of a table: labels that become columns, with their headings, in order. */
  readonly columns?: Readonly<Record<string, string>>;
  /** Of a text panel: Markdown. */
  readonly markdown?: string;
}

export interface RowSpec {
  readonly title: string;
  /** Grid units of its panels. @default 8 */
  readonly height?: number;
  readonly panels: readonly PanelSpec[];
}

/** A list to choose from, above the panels. */
export interface VariableSpec {
  readonly name: string;
  readonly label: string;
  /** The choices, known when the dashboard is made. */
  readonly values: readonly string[];
  /** Several at once, and all. @default false */
  readonly multi?: boolean;
}

export interface DashboardSpec {
  /** Fixed: other dashboards and alerts link to it. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables?: readonly VariableSpec[];
  readonly rows: readonly RowSpec[];
  /** @default 'now-6h' */
  readonly from?: string;
}

/** Grid units of a row of panels. */
export const PANEL_HEIGHT = 8;
export const GRID_WIDTH = 24;
