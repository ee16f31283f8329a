// The farm behind the door: all that is seen once one is inside.

import { keepShell } from "./session/shell.js";
import { showAccount } from "./views/account.js";
import { showCalls } from "./views/calls.js";
import { showCollection } from "./views/collection.js";
import { showComposer } from "./views/composer.js";
import { watch } from "./views/dom.js";
import { showFrame } from "./views/frame.js";
import { showLog } from "./views/log.js";
import { showOffers } from "./views/offers.js";
import { OfferDialog } from "./views/offer-dialog.js";
import { showMilestones } from "./views/milestones.js";
import { showPeople } from "./views/people.js";
import { SwapDialog } from "./views/swap-dialog.js";
import { showSwaps } from "./views/swaps.js";

export function showInside(page) {
  page.offerDialog = new OfferDialog(page);
  page.swapDialog = new SwapDialog(page);
  page.composer = showComposer(page);
  const views = [
    showFrame,
    showCalls,
    showLog,
    showPeople,
    showOffers,
    showSwaps,
    showCollection,
    showMilestones,
    showAccount,
  ];
  for (const show of views) show(page);
  const isInside = (state) => state.phase === "inside";
  watch(page.store, isInside, (inside) => inside && keepShell());
}
