export {
  children,
  everything,
  selectorsIn,
  type Expression,
  type Fault,
  type Matcher,
  type Selector,
  type Span,
} from './expression.js';
export { checkLabels } from './labels.js';
export { parsePromql } from './parse.js';
export { positionOf, showFault } from './position.js';
export { checkQuery, type CheckedQuery, type QueryContext, type RecordedNames } from './query.js';
export { checkTypes } from './types.js';
