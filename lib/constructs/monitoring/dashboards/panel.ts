import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  MappingType,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  DashboardLinkBuilder,
  type Panel,
  type Threshold,
  type ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as GaugeBuilder } from '@grafana/grafana-foundation-sdk/gauge';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TextBuilder, TextMode } from '@grafana/grafana-foundation-sdk/text';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import type { PanelSpec } from './spec.js';

/** The data source that provisioning makes. */
export const DATA_SOURCE = { type: 'prometheus', uid: 'prometheus' } as const;

/** A panel without its place and id. */
export function buildPanel(spec: PanelSpec): Panel {
  switch (spec.kind) {
    case 'text':
      return new TextBuilder()
        .title(spec.title)
        .description(spec.description)
        .mode(TextMode.Markdown)
        .content(spec.markdown ?? '')
        .build();
    case 'stat':
      return common(new StatBuilder(), spec)
        .reduceOptions(lastValue())
        .colorMode(
          spec.steps === undefined && spec.words === undefined
            ? BigValueColorMode.Value
            : BigValueColorMode.Background,
        )
        .graphMode(BigValueGraphMode.None)
        .build();
    case 'gauge':
      return common(new GaugeBuilder(), spec).reduceOptions(lastValue()).build();
    case 'timeseries':
      return timeseries(spec).build();
    case 'timeline':
      return common(new TimelineBuilder(), spec).mergeValues(true).build();
    case 'table':
      return table(spec).build();
  }
}

type AnyBuilder = StatBuilder | GaugeBuilder | TimeseriesBuilder | TimelineBuilder | TableBuilder;

function common<B extends AnyBuilder>(builder: B, spec: PanelSpec): B {
  const link = spec.opens;
  builder
    .title(spec.title)
    .description(spec.description)
    .datasource(DATA_SOURCE)
    .unit(spec.unit)
    .noValue(spec.noValue ?? '–')
    .targets(spec.queries.map((query, index) => target(spec, query, index)))
    .thresholds(thresholds(spec))
    .mappings(mappings(spec));
  if (spec.min !== undefined) builder.min(spec.min);
  if (spec.max !== undefined) builder.max(spec.max);
  if (spec.decimals !== undefined) builder.decimals(spec.decimals);
  if (link !== undefined) {
    builder.dataLinks([new DashboardLinkBuilder('Look closer').url(`/d/${link.uid}${link.query ?? ''}`)]);
  }
  return builder;
}

function target(
  spec: PanelSpec,
  { expr, legend, instant }: PanelSpec['queries'][number],
  index: number,
): DataqueryBuilder {
  const now = instant ?? (spec.kind === 'stat' || spec.kind === 'gauge' || spec.kind === 'table');
  const builder = new DataqueryBuilder()
    .refId(String.fromCharCode(65 + index))
    .expr(expr)
    .datasource(DATA_SOURCE);
  if (legend !== undefined) builder.legendFormat(legend);
  if (spec.kind === 'table') builder.format(PromQueryFormat.Table);
  return now ? builder.instant() : builder.range();
}

function thresholds({ steps = [], base }: PanelSpec): ThresholdsConfigBuilder {
  const first: Threshold = { value: null, color: base ?? (steps.length > 0 ? 'green' : 'text') };
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps([first, ...steps.map(({ from, color }) => ({ value: from, color }))]);
}

function mappings({ words }: PanelSpec): ValueMapping[] {
  if (words === undefined) return [];
  const options = Object.fromEntries(
    Object.entries(words).map(([value, { text, color }], index) => [value, { text, color, index }]),
  );
  return [{ type: MappingType.ValueToText, options }];
}

function lastValue(): ReduceDataOptionsBuilder {
  return new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false);
}

function timeseries(spec: PanelSpec): TimeseriesBuilder {
  const builder = common(new TimeseriesBuilder(), spec)
    .drawStyle(GraphDrawStyle.Line)
    .lineWidth(1)
    .fillOpacity(spec.stacked === true ? 30 : 8)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max']),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  return spec.stacked === true
    ? builder.stacking(new StackingConfigBuilder().mode(StackingMode.Normal))
    : builder;
}

function table(spec: PanelSpec): TableBuilder {
  const columns = Object.entries(spec.columns ?? {});
  const names = columns.map(([label]) => label);
  return common(new TableBuilder(), spec).withTransformation({
    id: 'organize',
    options: {
      includeByName: Object.fromEntries(names.map((name) => [name, true])),
      indexByName: Object.fromEntries(names.map((name, index) => [name, index])),
      renameByName: Object.fromEntries(columns),
    },
  });
}
