/**
 * Copies of sections without a prototype: a key such as `constructor`, which an account or a check may have, is there
 * only when someone put it there.
 */
export function withOwnKeys<Sections extends object>(sections: Sections): Sections {
  return Object.fromEntries(
    Object.entries(sections).map(([name, section]: [string, unknown]) => [
      name,
      typeof section === 'object' && section !== null && !Array.isArray(section)
        ? Object.assign(Object.create(null) as object, section)
        : section,
    ]),
  ) as Sections;
}
