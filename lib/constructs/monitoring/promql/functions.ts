/** What an expression or an argument is. */
export type ValueType = 'scalar' | 'instant' | 'range' | 'string';

export interface FunctionInfo {
  readonly arguments: readonly ValueType[];
  /** Of the arguments, how many may be left out at the end. */
  readonly optional: number;
  /** Any number more of the last one. */
  readonly more: boolean;
  readonly returns: 'scalar' | 'instant';
}

const define = (
  names: string,
  args: readonly ValueType[],
  over: Partial<Omit<FunctionInfo, 'arguments'>> = {},
): [string, FunctionInfo][] =>
  names
    .split(' ')
    .map((name) => [name, { arguments: args, optional: 0, more: false, returns: 'instant', ...over }]);

/** The functions of Prometheus 2.42: Debian 12 has nothing newer. `holt_winters` lost its name in 3.0 and is left out. */
export const FUNCTIONS: ReadonlyMap<string, FunctionInfo> = new Map([
  ...define(
    'absent_over_time avg_over_time changes count_over_time delta deriv idelta increase irate last_over_time ' +
      'max_over_time min_over_time present_over_time rate resets stddev_over_time stdvar_over_time sum_over_time',
    ['range'],
  ),
  ...define('quantile_over_time', ['scalar', 'range']),
  ...define('predict_linear', ['range', 'scalar']),
  ...define(
    'abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor histogram_count histogram_sum ln log10 log2 ' +
      'rad sgn sin sinh sort sort_desc sqrt tan tanh timestamp',
    ['instant'],
  ),
  ...define('day_of_month day_of_week day_of_year days_in_month hour minute month year', ['instant'], {
    optional: 1,
  }),
  ...define('clamp', ['instant', 'scalar', 'scalar']),
  ...define('clamp_max clamp_min', ['instant', 'scalar']),
  ...define('round', ['instant', 'scalar'], { optional: 1 }),
  ...define('histogram_quantile', ['scalar', 'instant']),
  ...define('histogram_fraction', ['scalar', 'scalar', 'instant']),
  ...define('label_replace', ['instant', 'string', 'string', 'string', 'string']),
  ...define('label_join', ['instant', 'string', 'string', 'string'], { optional: 1, more: true }),
  ...define('pi time', [], { returns: 'scalar' }),
  ...define('scalar', ['instant'], { returns: 'scalar' }),
  ...define('vector', ['scalar']),
]);

/** Aggregations of 2.42, with the type of the argument before the vector where there is one. */
export const AGGREGATIONS: ReadonlyMap<string, ValueType | undefined> = new Map<
  string,
  ValueType | undefined
>([
  ...['avg', 'count', 'group', 'max', 'min', 'stddev', 'stdvar', 'sum'].map((name): [string, undefined] => [
    name,
    undefined,
  ]),
  ['bottomk', 'scalar'],
  ['topk', 'scalar'],
  ['quantile', 'scalar'],
  ['count_values', 'string'],
]);
