import { describe, expect, it } from 'vitest';
import { DebconfAnswers, secret, type DebconfAnswersProps } from '../../../lib/constructs/index.js';
import { manifestOf, problemsOf } from '../host/support.js';

describe('DebconfAnswers', () => {
  it('are a file that root alone reads, the package, and one hook of apt for all of them', () => {
    const manifest = manifestOf((host) => {
      new DebconfAnswers(host, 'postfix', {
        answers: {
          'postfix/main_mailer_type': { select: 'Internet Site' },
          'postfix/mailname': { string: 'mail.example.org' },
          'postfix/destinations': { string: '' },
        },
      });
      new DebconfAnswers(host, 'keys', {
        package: 'slapd',
        answers: {
          'slapd/password1': { password: secret('ldap') },
          'slapd/no_configuration': { boolean: false },
          'slapd/parts': { multiselect: ['a b', 'c'] },
        },
      });
    });
    expect(manifest.packages).toEqual({ postfix: {}, slapd: {} });
    expect(Object.keys(manifest.files ?? {})).toEqual([
      '/etc/apt/apt.conf.d/60citadel-debconf',
      '/etc/apt/debconf-answers/postfix',
      '/etc/apt/debconf-answers/slapd',
    ]);
    expect(manifest.files?.['/etc/apt/debconf-answers/postfix']).toEqual({
      content:
        'postfix postfix/main_mailer_type select Internet Site\npostfix postfix/mailname string mail.example.org\npostfix postfix/destinations string \n',
      owner: 'root',
      group: 'root',
      mode: '0600',
      validate: { command: ['debconf-set-selections', '--checkonly', '%s'] },
    });
    expect(manifest.files?.['/etc/apt/debconf-answers/slapd']).toMatchObject({
      content:
        'slapd slapd/password1 password @@secret:ldap@@\nslapd slapd/no_configuration boolean false\nslapd slapd/parts multiselect a b, c\n',
      mode: '0600',
    });
  });

  const refused: [object, string][] = [
    [{}, '[ai-node/host/web] answers: there is none. Give at least one.'],
    [
      { mailname: { string: 'a' } },
      '"mailname" is not the name of a question. Write it as postfix/mailname.',
    ],
    [{ 'a/b': { string: 'a\nb b/c string d' } }, 'is not a value of one line'],
    [{ 'a/b': { string: 'a\\' } }, '"a\\\\" is not a value of one line'],
    [{ 'a/b': { string: ' a' } }, 'is not a value of one line'],
    [{ 'a/b': { multiselect: ['a,b'] } }, '"a,b" is not a value of one line'],
    [{ 'a/b': { multiselect: [''] } }, '"" is not a value of one line'],
    [
      { 'a/b': { password: 'plain' } },
      "answers[a/b]: a password stands in the configuration. Name a secret: { password: secret('name') }.",
    ],
    [
      { 'a/b': { text: 'a' } },
      'answers[a/b]: its types are text. Give exactly one of boolean, string, select, multiselect, password.',
    ],
    [{ 'a/b': { string: 'a', select: 'b' } }, 'its types are string, select'],
  ];
  it.each(refused)('are refused: %j', (answers, text) => {
    const props = { answers } as unknown as DebconfAnswersProps;
    expect(problemsOf((host) => new DebconfAnswers(host, 'web', props)).join('\n')).toContain(text);
  });
});
