// For the tests of this folder: the settings of a data source that lacks nothing.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace mms::service {

inline nlohmann::json ExampleSettings(const std::string& workspace = "http://127.0.0.1:1") {
  return {{"db.workspace.url", workspace},
          {"db.catalog", "main"},
          {"db.access.token", "dapi-secret"},
          {"azure.auth.type", "sas"},
          {"azure.sas.token", "?sv=2024-01-01&sr=c&sp=rl&se=2099-01-01T00:00:00Z&sig=c2lnbmF0dXJl"},
          {"mc.default.project", "dw"},
          {"mc.job.project", "dw_jobs"}};
}

}  // namespace mms::service
