export {
  BackupPlan,
  type BackupPlanProps,
  type MaxAges,
  type PlannedAge,
  type PlannedCopies,
  type PlannedJob,
} from './backup-plan.js';
