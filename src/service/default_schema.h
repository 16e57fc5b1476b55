// The schema of the destination where nothing names one: of a project that has schemas that of the
// source schema's name, as the service does it; of one without there is none, and tables of all
// schemas share its names.
//
// Whether a project has schemas is asked of it once and then kept, so that a project that gets
// schemas later does not move the destination of jobs that go on.
//
// Threads: any. Errors: kInvalidInput TARGET_MISSING; those of Client::FetchProject, with what to
// do; kUnsupported NAME_INVALID for a name that MaxCompute does not take; those of the store.
#pragma once

#include <functional>
#include <string>

#include "base/http_client.h"
#include "base/result.h"
#include "migration/plan/policy.h"
#include "service/job.h"
#include "service/store.h"

namespace mms::service {

/// How a target is reached from here.
struct TargetReach {
  HttpClient::Options direct = {};            ///< the network `direct:local`
  std::function<bool()> cancelled = nullptr;  ///< ends what waits
};

/// "" = the project's default schema, or a project without schemas. `job` has its project.
Result<std::string> DefaultSchema(Store& store, const DataSource& source, const Job& job,
                                  const migration::Policy& policy, const TargetReach& reach);

}  // namespace mms::service
