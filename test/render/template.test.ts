import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadTemplate, renderTemplate, RenderError } from '../../lib/render/index.js';

const fill = (text: string, values: Record<string, unknown> = {}) =>
  renderTemplate({ name: 'etc/x.ejs', text }, values);

describe('renderTemplate', () => {
  it('quotes by the language that the template names', () => {
    expect(
      fill(
        'a=<%= sh(x) %> b=<%= toml(x) %> c=<%= python(x) %> d=<%= json(x) %> e=<%= ini(5) %> f=<%= raw(x) %>',
        { x: `it's "x"` },
      ),
    ).toBe(String.raw`a='it'\''s "x"' b="it's \"x\"" c="it's \"x\"" d="it's \"x\"" e=5 f=it's "x"`);
  });
  it('prints numbers and booleans, raw text, several words and loops', () => {
    expect(
      fill(
        '<%= n %> <%= b %> <%- r %> <%= sh(l) %>\n<% for (const x of l) { -%>\n[<%- x // each -%>]\n<% } -%>\nend\n',
        { n: 1, b: true, r: '<raw>', l: ['a b', 'c'] },
      ),
    ).toBe("1 true <raw> 'a b' c\n[a b]\n[c]\nend\n");
  });
  it('keeps a template without values as it is', () => {
    expect(fill('#!/bin/sh\n$x ${y} <b> % %h <%%\n')).toBe('#!/bin/sh\n$x ${y} <b> % %h <%\n');
  });

  it.each<[string, Record<string, unknown>, string, string]>([
    [
      'a\n<%= nope %>',
      {},
      'render.template.unknown-variable',
      'etc/x.ejs:2: nope is not a value of this template. Pass it, or correct its name.',
    ],
    [
      '<%- nope %>',
      {},
      'render.template.unknown-variable',
      'etc/x.ejs:1: nope is not a value of this template. Pass it, or correct its name.',
    ],
    [
      '<% if (nope) { %>x<% } %>',
      {},
      'render.template.unknown-variable',
      'etc/x.ejs:1: nope is not a value of this template. Pass it, or correct its name.',
    ],
    [
      '<%= x %>',
      { x: 's' },
      'render.template.unquoted',
      'etc/x.ejs:1: "s" is not quoted. Print it by sh(), toml(), python(), ini() or json(), or by raw() if it needs no quotes.',
    ],
    [
      '<%= x %>',
      { x: undefined },
      'render.template.value',
      'etc/x.ejs:1: undefined cannot be printed. Print a string, a number or a boolean.',
    ],
    [
      '<%- x %>',
      { x: { a: 1 } },
      'render.template.value',
      'etc/x.ejs:1: {"a":1} cannot be printed. Print a string, a number or a boolean.',
    ],
    [
      '<%= sh(x) %>',
      { x: 'a\0' },
      'render.shell.nul',
      'etc/x.ejs:1: "a\\u0000" has a NUL character. Take it out.',
    ],
    [
      '<%= x.y.z %>',
      { x: {} },
      'render.template.failed',
      "etc/x.ejs:1: Cannot read properties of undefined (reading 'z'). Correct the template.",
    ],
    [
      'x',
      { sh: 1 },
      'render.template.value-name',
      'etc/x.ejs: "sh" cannot name a value, it is a helper. Use another name, of letters, digits and "_".',
    ],
    [
      'x',
      { 'a b': 1 },
      'render.template.value-name',
      'etc/x.ejs: "a b" cannot name a value. Use another name, of letters, digits and "_".',
    ],
  ])('refuses %j', (text, values, code, message) => {
    let thrown: unknown;
    try {
      fill(text, values);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(RenderError);
    expect((thrown as RenderError).message).toBe(message);
    expect((thrown as RenderError).code).toBe(code);
  });

  it('says which template is no JavaScript', () => {
    expect(() => fill('<% if ( { %>')).toThrow(/^etc\/x\.ejs: .*\. Correct the template\.$/);
  });
});

describe('loadTemplate', () => {
  it('reads by the path below templates/', () => {
    const directory = mkdtempSync(join(tmpdir(), 'citadel-templates-'));
    try {
      writeFileSync(join(directory, 'x.ejs'), 'hello');
      expect(loadTemplate('x.ejs', directory)).toEqual({ name: 'x.ejs', text: 'hello' });
      expect(() => loadTemplate('y.ejs', directory)).toThrow(
        'y.ejs: there is no such template. Add it, or correct the name.',
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
    expect(() => loadTemplate('../package.json')).toThrow(
      '../package.json: the name is not a path below templates/. Correct the name.',
    );
  });
});
