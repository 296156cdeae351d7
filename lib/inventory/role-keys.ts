/**
 * Keys that roles add to a host and to the whole inventory, for the types of code that reads them. A role adds its own by
 * declaration merging; at run time they come from its `schema` alone.
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- filled by each role
export interface RoleHostKeys {}
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- filled by each role
export interface RoleSiteKeys {}
