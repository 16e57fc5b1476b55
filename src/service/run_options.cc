#include "service/run_options.h"

#include "service/job_choice.h"
#include "service/target_profile.h"

namespace mms::service {

Result<migration::SourceOptions> ConnectionOf(Store& store, const DataSource& source,
                                              const HttpClient::Options& direct) {
  TRY(migration::SourceOptions options, SourceOptionsOf(source.config));
  if (source.networklink == kDirectLink) {
    options.http = direct;
    return options;
  }
  TRY(const NetworkProfile network, store.UnsealNetwork(NetworkNameOf(source.networklink)));
  options.http = HttpOptionsOf(network);
  return options;
}

Result<migration::RunOptions> RunOptionsOf(Store& store, const DataSource& source,
                                           const migration::SourceOptions& connection,
                                           const HttpClient::Options& direct) {
  TRY(const Profile target, store.UnsealTarget());
  const SourceConfig& config = source.config;
  migration::RunOptions run;
  run.source = connection;
  run.target = TargetOptionsOf(target);
  run.target.job_project = config.Get("mc.job.project");
  run.target.sql_settings = SqlHintsOf(config);
  run.target_http = direct;
  const std::string network = target.Get("network");
  if (!network.empty()) {
    TRY(const NetworkProfile profile, store.UnsealNetwork(network));
    run.target_http = HttpOptionsOf(profile);
  }
  run.codec = CodecOf(target);
  run.limit_window_scale = LimitScaleOf(target);
  TRY(const ChoiceRules rules, ChoiceRulesOf(config, {}));
  run.plan.policy = rules.policy;
  return run;
}

}  // namespace mms::service
