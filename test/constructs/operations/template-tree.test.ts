import { describe, expect, it } from 'vitest';
import { TemplateTree } from '../../../lib/constructs/operations/index.js';
import { listTemplates } from '../../../lib/render/index.js';
import { manifestOf } from '../host/support.js';

describe('a tree of templates', () => {
  const { files = {}, directories = {} } = manifestOf((host) => {
    new TemplateTree(host, 'tree', {
      from: 'ai-node',
      except: ['/opt/citadel/scripts/wait-for-health'],
      directories: ['/opt/citadel/lib'],
    });
  });

  it('is every file of its folder but those that others install or fill', () => {
    const wanted = listTemplates('ai-node').filter((name) => !name.endsWith('/wait-for-health'));
    expect(Object.keys(files).sort()).toEqual(wanted.map((name) => `/${name}`).sort());
    expect(wanted).toContain('opt/citadel/lib/citadel_node/settings.py');
    expect(wanted.filter((name) => /\.ejs$|pycache|\.pyc$/.test(name))).toEqual([]);
  });

  it('lets programs be run and the rest be read, all of it root’s', () => {
    expect(files['/opt/citadel/lib/citadel_node/settings.py']).toMatchObject({ mode: '0644', owner: 'root' });
    expect(files['/opt/citadel/scripts/storage_manager.py']).toMatchObject({ mode: '0755', owner: 'root' });
    for (const [path, { mode }] of Object.entries(files)) {
      expect(mode, path).toBe(/\/(scripts|bin)\//.test(path) ? '0755' : '0644');
    }
  });

  it('brings the directories of its library, and no others', () => {
    expect(Object.keys(directories)).toContain('/opt/citadel/lib/citadel_node');
    expect(Object.keys(directories).every((path) => path.startsWith('/opt/citadel/lib/'))).toBe(true);
  });

  it('is refused by name where there is no such folder', () => {
    expect(() => listTemplates('nowhere')).toThrow('nowhere: there is no such folder of templates');
  });
});
