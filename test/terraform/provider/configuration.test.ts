import { describe, expect, it } from 'vitest';
import { UNKNOWN } from '../../../lib/terraform/provider/cty/value.js';
import { readConfiguration } from '../../../lib/terraform/provider/configuration.js';
import { parseTarget } from '../../../lib/terraform/provider/parse.js';

const PIN = `SHA256:${'A'.repeat(43)}`;

describe('the provider’s block', () => {
  it('says which client is used, and all hosts in between, nearest first', () => {
    const hop = { address: '10.0.0.1', port: 22, user: 'jump', host_keys: [PIN], identity_file: null };
    const block = {
      document: 'web.json',
      address: 'web.example',
      user: 'agent0',
      host_keys: [`@cert-authority web ${PIN}`],
      client: 'system',
      jump: [hop, { ...hop, address: '10.0.0.2', port: '2222' }],
    };
    const web = readConfiguration({ hosts: { web: block } })?.get('web');
    expect(web?.document).toBe('web.json');
    expect(parseTarget(web?.target, 'web')).toMatchObject({
      client: 'system',
      hostKeys: [`@cert-authority web ${PIN}`],
      jump: [
        { address: '10.0.0.1', port: 22, hostKeys: [PIN] },
        { address: '10.0.0.2', port: 2222 },
      ],
    });
  });

  it('knows each host by itself, and says which are not known yet', () => {
    const hosts = readConfiguration({ hosts: { a: { root: '/a' }, b: { root: UNKNOWN } } });
    expect([...(hosts ?? [])].map(([name, it]) => [name, it === undefined])).toEqual([
      ['a', false],
      ['b', true],
    ]);
    expect(readConfiguration({ hosts: UNKNOWN })).toBeUndefined();
    expect(readConfiguration({ hosts: null })).toBeNull();
  });
});
