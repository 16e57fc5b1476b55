// How a plan is written down: the declarations are in plan.h (ToJson, ...FromJson). The ledger
// keeps these documents and workers get them, so a name in them is never changed or given another
// meaning; a new version of the program reads what an older one wrote. Arrow schemas are base64 of
// their IPC form, column types the SQL text of MaxCompute. Pure. Errors: kCorrupt PLAN_INVALID
// naming the member.
#pragma once

#include "migration/plan/plan.h"
