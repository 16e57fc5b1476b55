#include "world.h"

#include <algorithm>

#include "migration/transfer/job.h"

namespace mms::simulation {
namespace {

using nlohmann::json;

json ErrorAnswer(const Error& error) { return {{"error", migration::ToJson(error)}}; }

json Unavailable(const char* code) {
  return ErrorAnswer(Error(ErrorKind::kUnavailable, code, "drawn by the simulation"));
}

json HttpAnswer(const Answer& answer) {
  return {{"status", answer.status}, {"headers", answer.headers}, {"body", answer.body}};
}

std::string TargetCall(const Asked& asked) {
  if (asked.host.starts_with("tunnel.")) {
    if (asked.Has("uploads")) return "create upload";
    if (asked.Has("uploadid")) return asked.method == "POST" ? "commit upload" : "fetch upload";
    return "create download";
  }
  if (asked.Has("partitions")) return "list partitions";
  if (asked.path.find("/tables/") != asked.path.npos) return "fetch table";
  if (asked.method == "POST") return "submit sql";
  return asked.path.ends_with("/instances") ? "list instances" : "fetch instance";
}

/// What the call is about, the same in each run of the seed: no id.
std::string ObjectOf(const Asked& asked) {
  if (asked.path.find("/tables/") == asked.path.npos) return "";
  return asked.Last() + " " + asked.Get("partition");
}

}  // namespace

World::World(uint64_t seed)
    : draw(seed),
      source(draw),
      target(source, [this](const std::string& what) { Violate(what); }) {}

void World::BeginLife(const Trouble& trouble) {
  trouble_ = trouble;
  requests_of_life_ = 0;
  target.BeginLife();
}

const char* World::FaultName(Fault fault) {
  switch (fault) {
    case Fault::kNone: return "none";
    case Fault::kUnreachable: return "unreachable";
    case Fault::kUnavailable: return "503";
    case Fault::kThrottled: return "429";
    case Fault::kNeverArrived: return "request lost";
    case Fault::kAnswerLost: return "answer lost";
    case Fault::kCommitLate: return "commit late";
    case Fault::kCommitFails: return "commit fails";
    case Fault::kExpired: return "session expired";
    case Fault::kDiesBefore: return "worker dies before its block";
    case Fault::kDiesAfter: return "worker dies after its block";
    case Fault::kSourceAway: return "source away";
    case Fault::kFilesGone: return "files gone";
    case Fault::kRowsShort: return "rows short";
    case Fault::kBlockRefused: return "block refused";
  }
  return "";
}

World::Fault World::Pick(const std::string& call, const std::vector<Fault>& possible) {
  const uint64_t nth = ++counts_[call];
  if (draw.Happens("crash " + call, trouble_.crashes, nth)) dies_ = true;
  if (!draw.Happens("fault " + call, trouble_.faults, nth)) return Fault::kNone;
  const Fault fault = possible[draw.Bits("which " + call, nth) % possible.size()];
  ++faults[FaultName(fault)];
  return fault;
}

World::Reply World::Respond(const json& request) {
  dies_ = ++requests_of_life_ == trouble_.dies_at;
  ++requests;
  const std::string call = request.at("call");
  // Half of the deaths come before the call has its effect.
  if (dies_ && draw.Happens("dies before", 0.5, static_cast<uint64_t>(requests))) return {{}, true};
  json answer;
  if (call == "http") {
    answer = RespondHttp(request);
  } else if (call == "find") {
    answer = Find(request);
  } else if (call == "inspect") {
    answer = Inspect(request);
  } else if (call == "copy") {
    answer = Copy(request);
  } else if (call == "read_back") {
    answer = ReadBack(request);
  } else {
    Violate(request.value("text", "a call that is not known: " + call));
  }
  return {std::move(answer), dies_};
}

// HTTP. ------------------------------------------------------------------------------------------

json World::RespondHttp(const json& request) {
  const Asked asked = ParseAsked(request);
  const bool of_target =
      asked.host.find("target.") != asked.host.npos || asked.host.starts_with("tunnel.");
  return of_target ? RespondTarget(asked) : RespondWorkspace(asked);
}

json World::RespondWorkspace(const Asked& asked) {
  const Fault fault = Pick("workspace", {Fault::kUnavailable, Fault::kAnswerLost});
  if (fault == Fault::kUnavailable) return HttpAnswer({503, {}, "{}"});
  if (fault == Fault::kAnswerLost) return Unavailable("HTTP_BROKEN");
  if (asked.path.ends_with("/Me")) {
    return HttpAnswer({200, {}, R"({"id": "1", "userName": "anna"})"});
  }
  if (asked.path.ends_with("/catalogs/main")) return HttpAnswer({200, {}, R"({"name": "main"})"});
  return HttpAnswer({404, {}, R"({"error_code": "NOT_FOUND", "message": "none"})"});
}

json World::RespondTarget(const Asked& asked) {
  if (asked.path.find("/logview") != asked.path.npos) return HttpAnswer(target.Respond(asked));
  const std::string call = TargetCall(asked);
  const std::string name = call + " " + ObjectOf(asked);
  std::vector<Fault> possible = {Fault::kUnreachable, Fault::kUnavailable, Fault::kThrottled,
                                 Fault::kNeverArrived, Fault::kAnswerLost};
  if (call == "commit upload") {
    possible.insert(possible.end(), {Fault::kAnswerLost, Fault::kCommitLate, Fault::kCommitFails});
    const bool spoils = draw.Happens("spoil " + name, trouble_.spoils, counts_[name]);
    if (spoils) ++faults["row lost by the target"];
    if (spoils) target.Spoil(asked.Get("uploadid"));
  }
  if (call == "fetch upload") possible.push_back(Fault::kExpired);
  const Fault fault = Pick(name, possible);
  json answer = fault == Fault::kNone ? HttpAnswer(target.Respond(asked)) : Fail(asked, fault);
  if (fault != Fault::kNone) target.Trouble(ObjectOf(asked));
  return answer;
}

json World::Fail(const Asked& asked, Fault fault) {
  const std::string session = asked.Get("uploadid");
  const auto nth = counts_["fail"]++;
  switch (fault) {
    case Fault::kUnreachable: return Unavailable("HTTP_UNREACHABLE");
    case Fault::kUnavailable: return HttpAnswer({503, {}, ""});
    case Fault::kThrottled: {
      const int64_t wait_s = draw.Number("retry after", 1, 90, nth);
      return HttpAnswer({429, {{"retry-after", std::to_string(wait_s)}}, ""});
    }
    case Fault::kNeverArrived: return Unavailable("HTTP_TIMEOUT");
    case Fault::kAnswerLost: (void)target.Respond(asked); return Unavailable("HTTP_BROKEN");
    case Fault::kCommitLate:
    case Fault::kCommitFails: {
      const int looks = static_cast<int>(draw.Number("looks", 0, 6, nth));
      target.Close(session, {looks, fault == Fault::kCommitLate});
      return draw.Happens("late and lost", 0.5, nth) ? Unavailable("HTTP_TIMEOUT")
                                                     : HttpAnswer(target.Respond(asked));
    }
    default: target.Expire(session); return HttpAnswer(target.Respond(asked));
  }
}

// The source. ------------------------------------------------------------------------------------

json World::Find(const json& request) {
  const std::string name = request.at("table");
  if (Pick("find " + name, {Fault::kSourceAway}) != Fault::kNone) return Unavailable("HTTP_BROKEN");
  if (source.tables.contains(name)) return {{"found", true}};
  return ErrorAnswer(Error(ErrorKind::kNotFound, "TABLE_NOT_FOUND", "there is no table " + name));
}

json World::Inspect(const json& request) {
  const std::string name = request.at("table");
  SourceTable& table = source.tables.at(name);
  const Fault fault = Pick("inspect " + name, {Fault::kSourceAway});
  if (fault != Fault::kNone) return Unavailable("STORAGE_UNREACHABLE");
  // Writers do not wait for us.
  if (!writers_rest && draw.Happens("writers " + name, 0.15, counts_["inspect " + name]))
    table.Commit();
  const int64_t version =
      request.contains("version") ? request["version"].get<int64_t>() : table.newest;
  if (version < table.oldest) {
    return ErrorAnswer(Error(ErrorKind::kNotFound, "DELTA_NOT_FOUND",
                             "version " + std::to_string(version) + " is gone"));
  }
  json files = json::array();
  for (const auto& [partition, paths] : table.versions.at(version)) {
    for (const std::string& path : paths) {
      files.push_back(
          {{"path", path}, {"partition", partition}, {"rows", table.files.at(path).size()}});
    }
  }
  return {{"version", version}, {"partitioned", table.partitioned}, {"files", std::move(files)}};
}

// Workers. ---------------------------------------------------------------------------------------

json World::Copy(const json& request) {
  const std::string where = request.at("where");
  const int64_t block = request.at("block");
  const Fault fault = Pick("copy " + where + " " + std::to_string(block),
                           {Fault::kDiesBefore, Fault::kDiesAfter, Fault::kSourceAway,
                            Fault::kFilesGone, Fault::kRowsShort, Fault::kBlockRefused});
  if (fault != Fault::kNone) target.Trouble(where);
  if (fault == Fault::kDiesBefore) return {{"dies", true}};
  if (fault == Fault::kSourceAway) return Unavailable("STORAGE_UNREACHABLE");
  if (fault == Fault::kBlockRefused) return Unavailable("ODPS_UNAVAILABLE");
  Rows rows;
  for (const auto& slice : request.at("files")) {
    SourceTable* const table = source.TableOfFile(slice);
    if (fault == Fault::kFilesGone && table->HasMore()) {
      table->Commit();
      table->Vacuum();
    }
    if (!table->IsThere(slice)) {
      target.Trouble(where);
      return ErrorAnswer(Error(ErrorKind::kNotFound, "STORAGE_NOT_FOUND",
                               "file " + slice.get<std::string>() + " is gone"));
    }
    Add(table->files.at(slice), &rows);
  }
  if (fault == Fault::kRowsShort && !rows.empty()) rows.pop_back();
  if (!target.Put(request.at("session"), block, rows)) {
    target.Trouble(where);
    return ErrorAnswer(
        Error(ErrorKind::kConflict, "TUNNEL_STATUS_CONFLICT", "the session takes no block"));
  }
  if (fault == Fault::kDiesAfter) return {{"dies", true}};
  return {{"rows", rows.size()}, {"checksum", migration::ToJson(ChecksumOf(rows))}};
}

json World::ReadBack(const json& request) {
  const std::string where = request.at("where");
  const Fault fault =
      Pick("read back " + where, {Fault::kDiesBefore, Fault::kUnavailable, Fault::kAnswerLost});
  if (fault == Fault::kDiesBefore) return {{"dies", true}};
  if (fault != Fault::kNone) return Unavailable("ODPS_UNAVAILABLE");
  const Rows& all = target.downloads.at(request.at("session"));
  const auto begin = all.begin() + request.at("start").get<int64_t>();
  const Rows rows(begin, begin + request.at("count").get<int64_t>());
  return {{"rows", rows.size()}, {"checksum", migration::ToJson(ChecksumOf(rows))}};
}

}  // namespace mms::simulation
