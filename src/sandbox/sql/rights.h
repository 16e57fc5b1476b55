// Which rights a statement needs, asked before it runs. Rights of statements: "Permissions" in the
// MaxCompute reference. Pure, any thread. Errors: kDenied ODPS-0130013.
#pragma once

#include "sandbox/sql/ast.h"
#include "sandbox/sql/executor.h"

namespace mms::sandbox::sql {

Status CheckStatement(const Statement& statement, const SqlContext& context);

}  // namespace mms::sandbox::sql
