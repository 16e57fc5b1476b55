// What the verbs of `mms job` and `mms timer` read and print.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "service/job_evidence.h"
#include "service/job_making.h"
#include "terminal/job_verbs.h"
#include "terminal/output.h"

namespace mms::terminal {

/// SOURCE=TARGET as a map. Errors: kInvalidInput JOB_CONFIG naming the flag.
Result<std::map<std::string, std::string>> ReadPairs(const std::vector<std::string>& texts,
                                                     const char* flag);
Result<service::JobConfig> ReadJobConfig(const JobFlags& flags);
/// What CreateMmsJob takes. Errors: also those of Store::FindSource.
Result<service::NewJob> ReadNewJob(service::Store& store, const JobFlags& flags);

Json JobFields(const service::Job& job);
Json JobTaskFields(const service::JobTask& task);
Json TaskLogFields(const service::TaskLog& log);
Json TimerFields(const service::JobTimer& timer);

/// "DOING (stopped)", ...
std::string StateOf(const service::Job& job);
/// Its error as a person reads it; "" = none.
std::string ErrorOf(const service::JobTask& task);
/// `kept`: its evidence; nullopt = it cannot be listed.
void PrintJob(const service::Job& job, const std::optional<std::vector<service::KeptBundle>>& kept,
              Output& output);

}  // namespace mms::terminal
