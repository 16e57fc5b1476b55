#include "migration/workflow/plan_file.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

namespace mms::migration {
namespace {

using nlohmann::ordered_json;

constexpr const char* kFormat = "mms-plan";
constexpr int kSchema = 1;
constexpr std::string_view kDigestKey = ",\"sha256\":";

std::string Dump(const ordered_json& document) {
  // Names from outside may be broken UTF-8: replaced, never thrown about.
  return document.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Error Changed(const std::string& path, std::string_view why) {
  return Error(ErrorKind::kConflict, "PLAN_CHANGED",
               "is not as `mms plan --out` wrote it: " + std::string(why) +
                   "; make the plan again, and change the migration file instead of the plan")
      .At(path);
}

/// Lines of a plan file, hashed as they come.
class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), stream_(path, std::ios::binary) {}

  Result<PlanFile> Read() {
    std::string line;
    if (!stream_.is_open() || !std::getline(stream_, line)) {
      return Error(ErrorKind::kInvalidInput, "PLAN_UNREADABLE",
                   "cannot be read; check the path and its rights, or make one by mms plan --out")
          .At(path_);
    }
    TRY(PlanFile plan, ReadHeader(line));
    Hash(line);
    int64_t tables = 0;
    while (std::getline(stream_, line) && !line.starts_with("]")) {
      ++tables;
      Hash(line);
      if (line.ends_with(',')) line.pop_back();
      TRY_VOID(ReadTable(line, &plan));
    }
    TRY_VOID(ReadEnd(line, tables));
    return plan;
  }

 private:
  void Hash(const std::string& line) {
    hash_.Update(line);
    hash_.Update("\n");
  }

  Result<PlanFile> ReadHeader(const std::string& line) {
    const ordered_json document = ordered_json::parse(line + "]}", nullptr, false);
    if (!document.is_object() || document.value("format", ordered_json()) != kFormat) {
      return Changed(path_, "it does not begin like a plan");
    }
    try {
      if (document.at("schema").get<int>() > kSchema) {
        return Error(ErrorKind::kUnsupported, "PLAN_FORMAT",
                     "was made by a later release; run it with that one, or make the plan again")
            .At(path_);
      }
      PlanFile plan;
      document.at("config").at("path").get_to(plan.config_path);
      document.at("config").at("sha256").get_to(plan.config_sha256);
      document.at("target").get_to(plan.target);
      return plan;
    } catch (const ordered_json::exception& exception) {
      return Changed(path_, exception.what());
    }
  }

  Status ReadTable(const std::string& line, PlanFile* plan) {
    try {
      const ordered_json document = ordered_json::parse(line);
      if (document.contains("left_out")) {
        plan->left_out.push_back({document.at("source"), document.at("left_out")});
      } else {
        plan->tables.push_back(FrozenTableFromJson(document));
      }
      return OkStatus();
    } catch (const ordered_json::exception& exception) {
      return Changed(path_, exception.what());
    }
  }

  Status ReadEnd(const std::string& line, int64_t tables) {
    const size_t digest = line.rfind(kDigestKey);
    if (digest == std::string::npos) return Changed(path_, "its end is missing");
    hash_.Update(std::string_view(line).substr(0, digest));
    const ordered_json end = ordered_json::parse("{\"tables\":[" + line, nullptr, false);
    const bool same = end.is_object() && end.value("tables_total", ordered_json()) == tables &&
                      end.value("sha256", ordered_json()) == hash_.Finish();
    std::string more;
    if (!same || std::getline(stream_, more)) {
      return Changed(path_, "its digest is not that of its bytes");
    }
    return OkStatus();
  }

  const std::string& path_;
  std::ifstream stream_;
  Sha256 hash_;
};

}  // namespace

Status PlanFileWriter::Put(std::string_view text) {
  hash_.Update(text);
  return write_(text);
}

Status PlanFileWriter::Begin(const PlanFile& plan) {
  const ordered_json header = {
      {"format", kFormat},
      {"schema", kSchema},
      {"config", {{"path", plan.config_path}, {"sha256", plan.config_sha256}}},
      {"target", plan.target},
      {"tables", ordered_json::array()}};
  std::string text = Dump(header);
  text.resize(text.size() - std::string_view("]}").size());
  return Put(text);
}

Status PlanFileWriter::AddLine(std::string line) {
  return Put((tables_++ == 0 ? "\n" : ",\n") + std::move(line));
}

Status PlanFileWriter::Add(const FrozenTable& table) { return AddLine(Dump(ToJson(table))); }

Status PlanFileWriter::Add(const PlanFile::LeftOut& table) {
  return AddLine(Dump({{"source", table.source_name}, {"left_out", table.code}}));
}

Result<std::string> PlanFileWriter::Finish() {
  TRY_VOID(Put("\n],\"tables_total\":" + std::to_string(tables_)));
  const std::string digest = hash_.Finish();
  TRY_VOID(write_(std::string(kDigestKey) + "\"" + digest + "\"}\n"));
  return digest;
}

Result<PlanFile> ReadPlanFile(const std::string& path) { return Reader(path).Read(); }

}  // namespace mms::migration
