import { defineSite } from 'citadel-iac';
import { base } from 'citadel-iac/roles/base';
import { MessageOfTheDay } from './lib/message-of-the-day.js';

/** What the hosts of this site can be, and what they all have. */
export default defineSite({
  roles: [base],
  inventory: 'inventory.yaml',
  build: (fleet) => {
    for (const { name, host } of fleet.members) {
      new MessageOfTheDay(host, 'message-of-the-day', { text: `This is ${name}, kept by citadel-iac.` });
    }
  },
});
