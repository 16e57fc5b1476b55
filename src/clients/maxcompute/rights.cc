#include "clients/maxcompute/rights.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "clients/maxcompute/random_id.h"

namespace mms::maxcompute {
namespace {

constexpr const char* kNoTable = "the project has no table to try it on";
constexpr const char* kNotTried = "not tried, since it takes a table of our own";

/// Runs the steps and keeps what is known for the next.
class Rights {
 public:
  Rights(Tunnel& tunnel, const RightsOptions& options)
      : tunnel_(tunnel), client_(tunnel.client()), may_create_(options.may_create_table) {}

  std::vector<Right> Find() {
    std::optional<std::string> some_table;
    Add("list", OnProject("List"), [&]() -> Result<std::string> {
      TRY(some_table, client_.FindAnyTable());
      return std::string("listed the tables");
    });
    Add("create instance", OnProject("CreateInstance"), [&]() -> Result<std::string> {
      TRY(const SqlResult result, client_.RunSql("SELECT 1;"));
      return "ran instance " + result.instance_id;
    });
    if (may_create_) CreateTable();
    if (!own_table_.empty()) some_table = own_table_;
    OnTable(some_table.value_or(""));
    if (!own_table_.empty()) DropTable();
    return InOrder();
  }

 private:
  void Add(const std::string& name, std::string grant,
           const std::function<Result<std::string>()>& look) {
    Right right{name, RightState::kGranted, "", ""};
    Result<std::string> seen = look();
    if (seen) {
      right.detail = *std::move(seen);
    } else {
      const bool denied = seen.error().code() == "ODPS_DENIED";
      right.state = denied ? RightState::kMissing : RightState::kUnknown;
      right.detail = seen.error().ToString();
      right.grant = std::move(grant);
    }
    found_.push_back(std::move(right));
  }

  void AddUnknown(const std::string& name, std::string grant, std::string why) {
    found_.push_back({name, RightState::kUnknown, std::move(why), std::move(grant)});
  }

  std::string OnProject(const std::string& right) const {
    return "GRANT " + right + " ON PROJECT " + client_.options().project + " TO USER <user>;";
  }
  std::string OnTable(const std::string& rights, const std::string& table) const {
    return "GRANT " + rights + " ON TABLE " + (table.empty() ? "<table>" : table) +
           " TO USER <user>;";
  }

  std::string Qualified(const std::string& table) const {
    const Options& options = client_.options();
    std::string name = QuoteName(options.project) + ".";
    if (UsesSchema(options)) name += QuoteName(options.schema) + ".";
    return name + QuoteName(table);
  }

  Result<std::string> Run(const std::string& statement) {
    TRY_VOID(client_.RunSql(statement));
    return statement;
  }

  void CreateTable() {
    std::string id = RandomId();
    std::erase(id, '-');
    const std::string table = "mms_rights_" + id.substr(0, 12);
    Add("create table", OnProject("CreateTable"), [&]() -> Result<std::string> {
      TRY(std::string done,
          Run("CREATE TABLE IF NOT EXISTS " + Qualified(table) + " (v BIGINT) LIFECYCLE 1;"));
      own_table_ = table;
      return done;
    });
  }

  void DropTable() {
    const Result<std::string> dropped = Run("DROP TABLE IF EXISTS " + Qualified(own_table_) + ";");
    if (dropped) return;
    for (Right& right : found_) {
      if (right.name != "create table") continue;
      right.detail += " (it could not be dropped again; it goes by itself after a day)";
    }
  }

  void OnTable(const std::string& table) {
    const std::string grant_tunnel = OnTable("Update, Download", table);
    if (table.empty()) {
      AddUnknown("describe", OnTable("Describe", table), kNoTable);
      AddUnknown("tunnel", grant_tunnel, kNoTable);
    } else {
      Add("describe", OnTable("Describe", table), [&]() -> Result<std::string> {
        TRY_VOID(client_.FetchTable(table));
        return "read the schema of " + table;
      });
      Add("tunnel", grant_tunnel, [&] { return TryTunnel(table); });
    }
    if (own_table_.empty()) return;
    Add("alter", OnTable("Alter", table),
        [&] { return Run("ALTER TABLE " + Qualified(table) + " SET COMMENT 'of mms check';"); });
    Add("select", OnTable("Select", table),
        [&] { return Run("SELECT COUNT(*) FROM " + Qualified(table) + ";"); });
  }

  /// Sessions alone change nothing: they expire. A table of our own has no partitions.
  Result<std::string> TryTunnel(const std::string& table) {
    if (own_table_.empty()) {
      TRY(const TableInfo info, client_.FetchTable(table));
      if (!info.schema.partition_columns.empty()) {
        return Error(ErrorKind::kUnsupported, "ODPS_UNSUPPORTED",
                     table + " has partitions, so a session would have to name one");
      }
    }
    Tunnel::UploadOptions options;
    options.overwrite = false;
    TRY_VOID(tunnel_.CreateUpload({table, {}}, options));
    TRY_VOID(tunnel_.CreateDownload({table, {}}));
    return "opened sessions on " + table;
  }

  std::vector<Right> InOrder() {
    std::vector<Right> ordered;
    for (const auto& [name, grant] : std::vector<std::pair<std::string, std::string>>{
             {"list", OnProject("List")},
             {"create table", OnProject("CreateTable")},
             {"create instance", OnProject("CreateInstance")},
             {"alter", OnTable("Alter", "")},
             {"describe", OnTable("Describe", "")},
             {"select", OnTable("Select", "")},
             {"tunnel", OnTable("Update, Download", "")}}) {
      const auto at = std::find_if(found_.begin(), found_.end(),
                                   [&](const Right& right) { return right.name == name; });
      ordered.push_back(at != found_.end() ? std::move(*at)
                                           : Right{name, RightState::kUnknown, kNotTried, grant});
    }
    return ordered;
  }

  Tunnel& tunnel_;
  Client& client_;
  const bool may_create_;
  std::string own_table_;
  std::vector<Right> found_;
};

}  // namespace

std::vector<Right> CheckRights(Tunnel& tunnel, const RightsOptions& options) {
  return Rights(tunnel, options).Find();
}

}  // namespace mms::maxcompute
