import { describe, expect, it } from 'vitest';
import { CitadelError } from '../../../lib/manifest/index.js';
import { choicesOf } from '../../../lib/terraform/binding/choices.js';

const context = (value: unknown) => ({ CDKTF_CONTEXT_JSON: JSON.stringify(value) });

describe('choicesOf', () => {
  it.each([
    ['nothing at all', {}, { cdk: 'cdktf', binding: 'provider' }],
    [
      'empty variables',
      { CITADEL_CDK: '', CITADEL_BINDING: '', CITADEL_NONCE: '' },
      { cdk: 'cdktf', binding: 'provider' },
    ],
    ['the environment', { CITADEL_CDK: 'cdktn', CITADEL_BINDING: 'exec' }, { cdk: 'cdktn', binding: 'exec' }],
    [
      'the context',
      context({ cdk: 'cdktn', binding: 'exec', nonce: 7 }),
      { cdk: 'cdktn', binding: 'exec', nonce: '7' },
    ],
    [
      'both: the environment wins',
      { ...context({ binding: 'exec', nonce: 'a' }), CITADEL_BINDING: 'provider', CITADEL_NONCE: 'b' },
      { cdk: 'cdktf', binding: 'provider', nonce: 'b' },
    ],
    [
      'a context that is no JSON, which cdktf reports',
      { CDKTF_CONTEXT_JSON: '{' },
      { cdk: 'cdktf', binding: 'provider' },
    ],
    ['a context that is no object', context(null), { cdk: 'cdktf', binding: 'provider' }],
  ])('%s', (_, env, expected) => {
    expect(choicesOf(env)).toEqual(expected);
  });

  it.each([
    [
      { CITADEL_CDK: 'pulumi' },
      '[CITADEL_CDK] is "pulumi". Say "cdktf" or "cdktn", or leave it out for "cdktf".',
    ],
    [
      context({ binding: true }),
      '[cdktf.json] context.binding: is true. Say "provider" or "exec", or leave it out for "provider".',
    ],
  ])('refuses %o', (env, message) => {
    expect(() => choicesOf(env)).toThrow(CitadelError);
    expect(() => choicesOf(env)).toThrow(message);
  });
});
