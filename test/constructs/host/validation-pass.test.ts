import { Construct, RootConstruct } from 'constructs';
import { expect, it } from 'vitest';
import { Host, oncePerPass, synthesizeHosts, addRule } from '../../../lib/constructs/host/index.js';
import { validationPass } from '../../../lib/constructs/host/validation-pass.js';

it('asks a question about a construct once in a pass, and each time outside of one', () => {
  const root = new RootConstruct();
  let asked = 0;
  const question = () => ++asked;
  validationPass(() => {
    oncePerPass(root, question);
    validationPass(() => oncePerPass(root, question));
  });
  expect(asked).toBe(1);
  validationPass(() => oncePerPass(root, question));
  oncePerPass(root, question);
  expect(asked).toBe(3);
});

it('keeps no answer of a pass that failed', () => {
  const root = new RootConstruct();
  let asked = 0;
  const question = () => ++asked;
  const failing = () =>
    validationPass(() => {
      oncePerPass(root, question);
      throw new Error('planted');
    });
  expect(failing).toThrow('planted');
  oncePerPass(root, question);
  expect(asked).toBe(2);
});

it('validates each construct of a tree once when its hosts are synthesized', () => {
  const root = new RootConstruct();
  const asked: string[] = [];
  for (const name of ['one', 'two']) {
    const host = new Host(root, name);
    addRule(new Construct(host, 'part'), () => {
      asked.push(name);
      return [];
    });
  }
  expect(synthesizeHosts(root).map(({ host }) => host)).toEqual(['one', 'two']);
  expect(asked).toEqual(['one', 'two']);
});
