import { Construct } from 'constructs';
import { loadTemplate } from '../../render/index.js';
import { AptPackage, HostFile } from '../../constructs/host/index.js';

const DIRECTORY = '/opt/citadel/scripts';
const TEMPLATES = 'ai-node/opt/citadel/scripts';

/** The constant scripts that model services call, in `/opt/citadel/scripts`. */
export class ModelScripts extends Construct {
  static readonly PATHS: readonly string[] = [
    'back-off',
    'lan_side.py',
    'wait-for-health',
    'with-credentials',
  ].map((name) => `${DIRECTORY}/${name}`);

  /** `wait-for-health URL SECONDS`: ends when the service answers. */
  readonly waiter: HostFile;
  /** `back-off`: waits the longer the more starts have failed in a row. */
  readonly backOff: HostFile;
  /** `with-credentials PROGRAM …`: becomes the program, with VLLM_API_KEY in its environment. */
  readonly launcher: HostFile;
  /** `lan_side.py close|open MODEL`: whether the LAN side takes new requests for it. */
  readonly lanSide: HostFile;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    new AptPackage(this, 'curl');
    this.waiter = this.script('wait-for-health');
    this.backOff = this.script('back-off');
    this.launcher = this.script('with-credentials');
    this.lanSide = this.script('lan_side.py');
  }

  private script(name: string): HostFile {
    return new HostFile(this, name, {
      path: `${DIRECTORY}/${name}`,
      content: loadTemplate(`${TEMPLATES}/${name}`).text,
      mode: '0755',
    });
  }
}
