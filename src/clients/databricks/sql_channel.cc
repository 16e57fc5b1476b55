#include "clients/databricks/sql_channel.h"

#include <utility>

#include "clients/databricks/statement_run.h"

namespace mms::databricks {

struct SqlChannel::State {
  SqlSessions sessions;
  RunList runs;
};

SqlChannel::SqlChannel(Options options, std::shared_ptr<HttpClient> http,
                       std::shared_ptr<HttpClient> links)
    : state_(new State{{std::move(options), std::move(http), std::move(links)}, {}}) {}
SqlChannel::~SqlChannel() = default;

Result<std::unique_ptr<SqlRows>> SqlChannel::Execute(std::string statement,
                                                     StatementOptions options) {
  const RunContext context{&state_->sessions, &state_->runs};
  auto run = std::make_unique<StatementRun>(context, std::move(statement), std::move(options));
  TRY_VOID(run->Start());
  return std::unique_ptr<SqlRows>(std::move(run));
}

void SqlChannel::Cancel() { state_->runs.CancelAll(); }

}  // namespace mms::databricks
