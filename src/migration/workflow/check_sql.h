// The steps of `mms check` that look at the place where the source's SQL runs: the state and access
// mode of the cluster or warehouse, and SELECT 1 through the SQL channel.
#pragma once

#include <memory>

#include "base/http_client.h"
#include "clients/databricks/workspace_api.h"
#include "migration/inspect/inspect.h"
#include "migration/workflow/check_steps.h"

namespace mms::migration {

struct SqlQuestion {
  const SourceOptions& options;
  const CheckWishes& wishes;
  std::shared_ptr<HttpClient> http;               ///< of the source's network
  std::shared_ptr<databricks::WorkspaceApi> api;  ///< who tells states; null = nobody
};

/// Nothing where no cluster, warehouse or JDBC URL is set. One that does not run is not asked,
/// since that may start it, unless it is wished.
void CheckSql(const SqlQuestion& question, CheckSteps& steps);

}  // namespace mms::migration
