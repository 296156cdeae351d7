import { parseMatcher, type LabelTest } from './matcher.js';

/** Whether a value fits an expression, and how to find that out of one that is known. */
interface Fit {
  readonly fits: boolean;
  readonly matches?: ((value: string) => boolean) | undefined;
}

/** What is taken to be so of one label: its value, or which values it has not and which expressions it fits. */
interface Fact {
  readonly value?: string;
  readonly not: ReadonlySet<string>;
  readonly fits: ReadonlyMap<string, Fit>;
}

const UNKNOWN: Fact = { not: new Set(), fits: new Map() };

/** One way in which the labels of an alert may be: some are known, of others an assumption is made when a matcher asks. */
export class LabelWorld {
  private constructor(private readonly facts: ReadonlyMap<string, Fact>) {}

  /**
   * @param known labels with a value that is certain
   * @param not values that a label has not
   */
  static of(
    known: ReadonlyMap<string, string>,
    not: ReadonlyMap<string, ReadonlySet<string>> = new Map(),
  ): LabelWorld {
    const facts = new Map<string, Fact>(
      [...not].map(([label, values]) => [label, { ...UNKNOWN, not: values }]),
    );
    for (const [label, value] of known) facts.set(label, { ...UNKNOWN, value });
    return new LabelWorld(facts);
  }

  /** Whether all matchers hold, in each way in which the labels may be. */
  *matches(matchers: readonly string[]): Generator<readonly [LabelWorld, boolean]> {
    const [first, ...rest] = matchers;
    if (first === undefined) {
      yield [this, true];
      return;
    }
    const matcher = parseMatcher(first);
    // One that is no matcher is refused by itself.
    if (matcher === undefined) return;
    for (const [world, holds] of this.decide(matcher.label, matcher.test)) {
      if (holds === matcher.negated) yield [world, false];
      else yield* world.matches(rest);
    }
  }

  /** `host="a", gpu=~"0|1"`: what was assumed, without what was known. */
  assumed(known: ReadonlyMap<string, string>): string[] {
    return [...this.facts].flatMap(([label, { value, fits }]) => {
      if (known.has(label)) return [];
      if (value !== undefined) return value === '' ? [] : [`${label}=${JSON.stringify(value)}`];
      return [...fits].flatMap(([source, { fits: fit }]) =>
        fit ? [`${label}=~${JSON.stringify(source)}`] : [],
      );
    });
  }

  private decide(label: string, test: LabelTest): (readonly [LabelWorld, boolean])[] {
    const fact = this.facts.get(label) ?? UNKNOWN;
    if (test.kind === 'always') return [[this, true]];
    if (test.kind === 'any') return this.decideAny(label, fact, test.values);
    const { source, matches } = test;
    if (fact.value !== undefined && matches !== undefined) return [[this, matches(fact.value)]];
    const said = fact.fits.get(source);
    if (said !== undefined) return [[this, said.fits]];
    return [true, false].map((fit) => [
      this.with(label, { ...fact, fits: new Map([...fact.fits, [source, { fits: fit, matches }]]) }),
      fit,
    ]);
  }

  private decideAny(
    label: string,
    fact: Fact,
    values: readonly string[],
  ): (readonly [LabelWorld, boolean])[] {
    if (fact.value !== undefined) return [[this, values.includes(fact.value)]];
    const possible = [...new Set(values)].filter((value) => !fact.not.has(value) && agrees(fact, value));
    const others = new Set([...fact.not, ...values]);
    return [
      ...possible.map((value) => [this.with(label, { ...fact, value }), true] as const),
      [this.with(label, { ...fact, not: others }), false],
    ];
  }

  private with(label: string, fact: Fact): LabelWorld {
    return new LabelWorld(new Map([...this.facts, [label, fact]]));
  }
}

/** Whether a value can be, after what was assumed of expressions. */
function agrees({ fits }: Fact, value: string): boolean {
  return [...fits.values()].every(
    ({ fits: fit, matches }) => matches === undefined || matches(value) === fit,
  );
}
