import { Construct, type IConstruct } from 'constructs';
import type { Problem, Section } from '../../manifest/index.js';
import type { Contribution, Contributor, Override, Trigger } from './contribution.js';
import { isContributor, markContributor } from './contribution.js';
import { Host } from './host.js';
import { addRule, type OwnProblem } from './problems.js';

type Overridable<Name extends Section> = Partial<Extract<Contribution, { readonly section: Name }>['value']>;

/**
 * Base of the constructs that stand for items on a host. A subclass says what it contributes and what is wrong with it;
 * both are asked for after the whole tree exists, so `addX` calls of other constructs have been seen.
 */
export abstract class HostItem extends Construct implements Contributor {
  static readonly isHostItem = (construct: IConstruct): construct is HostItem => isContributor(construct);

  private readonly changed: Override[] = [];
  /** The host that this item stands on, found by scope. */
  readonly host: Host;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.host = Host.of(this);
    markContributor(this);
    addRule(this, () => [...this.problems(), ...this.overrideProblems()]);
  }

  /**
   * The way out where a construct has no property for something: sets properties of its items of one section, by the names
   * that they have in the host's document (docs/engine.md); `undefined` takes one away. The document's rules still hold.
   *
   *     server.node.findAll().filter(HostItem.isHostItem).forEach((item) => item.override('files', { mode: '0640' }));
   *     new SystemdUnit(host, 'x', { … }).override('units', { wave: 3 });
   *
   * A section of which the construct has no item is a problem.
   */
  override<Name extends Section>(section: Name, properties: Overridable<Name>): this {
    this.changed.push({ section, properties });
    return this;
  }

  get overrides(): readonly Override[] {
    return this.changed;
  }

  abstract contributions(): readonly Contribution[];

  triggers(): readonly Trigger[] {
    return [];
  }

  private overrideProblems(): OwnProblem[] {
    if (this.changed.length === 0) return [];
    const sections = [...new Set(this.contributions().map(({ section }) => section))].sort();
    return this.changed
      .filter(({ section }) => !sections.includes(section))
      .map(({ section }) => ({
        code: 'construct.override.section',
        property: `override(${JSON.stringify(section)})`,
        got: `this construct has nothing among ${section}`,
        fix: `It has items of ${sections.join(', ')}`,
      }));
  }

  /** Problems that only this construct can see; the manifest's own rules are checked by the host. */
  protected problems(): readonly (OwnProblem | Problem)[] {
    return [];
  }
}
