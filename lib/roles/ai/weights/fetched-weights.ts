import { Construct } from 'constructs';
import { Directory, HostFile, SystemdUnit } from '../../../constructs/host/index.js';
import { HARDENED } from '../../../constructs/operations/index.js';
import type { SecretRef } from '../../../constructs/secret.js';
import { Duration, type Size } from '../../../constructs/units.js';
import { exec, renderJson, words } from '../../../render/index.js';
import { byKey } from '../../../text/order.js';
import type { LockedFiles } from './lock-file.js';

export interface FetchedModel {
  /** As the inventory says it, for people. */
  readonly from: string;
  /** Where its files are, each below it by its path: a URL that ends in `/`, or an absolute folder. */
  readonly base: { readonly url: string } | { readonly folder: string };
  readonly files: LockedFiles;
  /** Folder of the weights, inside the active directory. */
  readonly directory: string;
  readonly start: 'boot' | 'manual';
  /** What is sent to the source as bearer token. @default - none */
  readonly token?: SecretRef;
  /** What may be fetched each second. @default - no limit */
  readonly perSecond?: Size;
}

export interface FetchedWeightsProps {
  /** By name. */
  readonly models: Readonly<Record<string, FetchedModel>>;
  /** Account that owns weights. */
  readonly account: string;
  /** Directory with one folder of weights per model; what is being fetched is in its sibling `downloads`. */
  readonly active: string;
  /** Mount points that may have copies. */
  readonly disks: readonly string[];
  /** Root-only folder of credentials, which someone else makes. */
  readonly credentials: string;
}

const SCRIPT = '/opt/citadel/scripts/fetch_weights.py';
const WANTED = '/opt/citadel/configs/weights';
/** There while a transaction is at work. Weights that it switched could not be switched back by its undo. */
const AFTER_TRANSACTION = 'while test -L /var/lib/citadel-iac/open; do sleep 2; done';

/**
 * Weights that the host fetches by itself, once for each model: what is wanted as a file, `citadel-weights-NAME.service`, which
 * makes the folder so, and `citadel-weights-NAME.timer`, which starts it when what is wanted changes, when the host starts, and
 * each hour: so an apply never waits for it, and what was cut off goes on.
 */
export class FetchedWeights extends Construct {
  constructor(
    scope: Construct,
    id: string,
    private readonly props: FetchedWeightsProps,
  ) {
    super(scope, id);
    new Directory(this, 'wanted', { path: WANTED });
    for (const [name, model] of Object.entries(props.models).sort(byKey)) this.add(name, model);
  }

  private add(name: string, model: FetchedModel): void {
    const { account, active, credentials } = this.props;
    const models = active.slice(0, active.lastIndexOf('/'));
    const wanted = new HostFile(this, name, {
      path: `${WANTED}/${name}.json`,
      content: `${renderJson(this.wantedOf(name, model, models))}\n`,
    });
    const token =
      model.token === undefined
        ? undefined
        : new HostFile(this, `${name}-token`, {
            path: `${credentials}/${name}-weights-token`,
            secret: model.token,
            mode: '0600',
          });
    new SystemdUnit(this, `${name}-unit`, {
      name: `citadel-weights-${name}.service`,
      unit: {
        Description: `Weights of the model ${name}`,
        After: 'network-online.target',
        Wants: 'network-online.target',
        RequiresMountsFor: words([active]),
      },
      service: {
        ...HARDENED,
        Type: 'exec',
        User: account,
        NotifyAccess: 'main',
        ExecStartPre: exec(['/bin/sh', '-c', AFTER_TRANSACTION], { prefix: '+' }),
        TimeoutStartSec: 'infinity',
        ExecStart: exec([SCRIPT, wanted.path]),
        ...(token === undefined ? {} : { LoadCredential: `token:${token.path}` }),
        ReadWritePaths: words([models]),
        RestrictAddressFamilies: 'AF_UNIX AF_INET AF_INET6',
        // Everybody may read weights, as in the folders around them.
        UMask: '0022',
        Nice: 10,
        IOSchedulingClass: 'idle',
      },
    });
    new SystemdUnit(this, `${name}-timer`, {
      name: `citadel-weights-${name}.timer`,
      unit: { Description: `Looks after the weights of the model ${name}` },
      timer: {
        OnActiveSec: Duration.seconds(1),
        OnUnitInactiveSec: Duration.hours(1),
        AccuracySec: Duration.seconds(1),
      },
      install: { WantedBy: 'timers.target' },
      restartOn: [wanted, ...(token === undefined ? [] : [token])],
    });
  }

  private wantedOf(name: string, model: FetchedModel, models: string) {
    const { base, perSecond, from, start, directory, files } = model;
    return {
      model: name,
      unit: `citadel-${name}.service`,
      start,
      from,
      kind: 'url' in base ? 'http' : 'folder',
      base: 'url' in base ? base.url : base.folder,
      target: `${this.props.active}/${directory}`,
      work: `${models}/downloads/${directory}`,
      disks: [...this.props.disks].sort(),
      bytesPerSec: perSecond === undefined ? null : perSecond.toBytes(),
      files: Object.entries(files)
        .sort(byKey)
        .map(([path, { size, sha256 }]) => ({ path, size, sha256 })),
    };
  }
}
