// What the tasks of a data source's jobs run by: from what the store keeps of the source, the
// target and their networks, to the options of a workflow.
//
// `direct`: the network `direct:local`. Errors: those of the store, of vault.h for sources and
// profiles that are unsealed, and of the settings' own checks.
#pragma once

#include "base/http_client.h"
#include "base/result.h"
#include "migration/inspect/inspect.h"
#include "migration/workflow/options.h"
#include "service/store.h"

namespace mms::service {

/// By the source's network.
Result<migration::SourceOptions> ConnectionOf(Store& store, const DataSource& source,
                                              const HttpClient::Options& direct);
/// But for the destination, the state folder and the workers. `connection`: of the source.
Result<migration::RunOptions> RunOptionsOf(Store& store, const DataSource& source,
                                           const migration::SourceOptions& connection,
                                           const HttpClient::Options& direct);

}  // namespace mms::service
