import { Construct } from 'constructs';
import type { Problem } from '../../manifest/index.js';
import { markContributor, type Contribution, type Contributor, type Trigger } from './contribution.js';
import { Host } from './host.js';
import { addRule, type OwnProblem } from './problems.js';

/**
 * Base of the constructs that stand for items on a host. A subclass says what it contributes and what is wrong with it;
 * both are asked for after the whole tree exists, so `addX` calls of other constructs have been seen.
 */
export abstract class HostItem extends Construct implements Contributor {
  /** The host that this item stands on, found by scope. */
  readonly host: Host;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.host = Host.of(this);
    markContributor(this);
    addRule(this, () => this.problems());
  }

  abstract contributions(): readonly Contribution[];

  triggers(): readonly Trigger[] {
    return [];
  }

  /** Problems that only this construct can see; the manifest's own rules are checked by the host. */
  protected problems(): readonly (OwnProblem | Problem)[] {
    return [];
  }
}
