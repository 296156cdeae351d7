import { describe, expect, it } from 'vitest';
import { CitadelError } from '../../../lib/manifest/index.js';
import { choicesOf } from '../../../lib/terraform/binding/choices.js';
import { stackNames } from '../../../lib/terraform/binding/stack-names.js';

const context = (value: unknown) => ({ CDKTF_CONTEXT_JSON: JSON.stringify(value) });

describe('choicesOf', () => {
  it.each([
    ['nothing at all', {}, { cdk: 'cdktf', binding: 'provider', stacks: 'host' }],
    [
      'empty variables',
      { CITADEL_CDK: '', CITADEL_BINDING: '', CITADEL_NONCE: '' },
      { cdk: 'cdktf', binding: 'provider', stacks: 'host' },
    ],
    [
      'the environment',
      { CITADEL_CDK: 'cdktn', CITADEL_BINDING: 'exec' },
      { cdk: 'cdktn', binding: 'exec', stacks: 'host' },
    ],
    [
      'the context',
      context({ cdk: 'cdktn', binding: 'exec', stacks: 'host', nonce: 7 }),
      { cdk: 'cdktn', binding: 'exec', stacks: 'host', nonce: '7' },
    ],
    [
      'both: the environment wins',
      { ...context({ binding: 'exec', nonce: 'a' }), CITADEL_BINDING: 'provider', CITADEL_NONCE: 'b' },
      { cdk: 'cdktf', binding: 'provider', stacks: 'host', nonce: 'b' },
    ],
    [
      'stacks of several hosts',
      context({ stacks: '@web,@db-1' }),
      { cdk: 'cdktf', binding: 'provider', stacks: '@web,@db-1' },
    ],
    [
      'a context that is no JSON, which cdktf reports',
      { CDKTF_CONTEXT_JSON: '{' },
      { cdk: 'cdktf', binding: 'provider', stacks: 'host' },
    ],
    ['a context that is no object', context(null), { cdk: 'cdktf', binding: 'provider', stacks: 'host' }],
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
    [
      { CITADEL_STACKS: 'web,db' },
      '[CITADEL_STACKS] is "web,db". Say "host", "all" or groups as "@web,@db", or leave it out for "host": a stack for each.',
    ],
  ])('refuses %o', (env, message) => {
    expect(() => choicesOf(env)).toThrow(CitadelError);
    expect(() => choicesOf(env)).toThrow(message);
  });
});

describe('stackNames', () => {
  const hosts = ['a', 'b', 'c'];
  const groups = { web: ['a', 'b'], db: ['c'], some: ['b', 'c'], c: ['c'] };
  const named = (choice: string) => Object.fromEntries(stackNames(choice, hosts, groups));

  it.each([
    ['host', { a: 'a', b: 'b', c: 'c' }],
    ['all', { a: 'hosts', b: 'hosts', c: 'hosts' }],
    ['@web', { a: 'web', b: 'web', c: 'c' }],
    ['@web,@db', { a: 'web', b: 'web', c: 'db' }],
  ])('%s', (choice, expected) => {
    expect(named(choice)).toEqual(expected);
  });

  it.each([
    ['@wbe', 'there is no group "wbe" in the inventory'],
    ['@web,@some', 'the host "b" is in "web" and in "some"'],
    ['@c', 'the group "c" has the name of a host'],
  ])('refuses %s', (choice, message) => {
    expect(() => named(choice)).toThrow(message);
  });
});
