#include "watch.h"

#include <algorithm>
#include <functional>
#include <set>

#include "migration/ledger/ledger.h"
#include "service/job.h"

namespace mms::simulation {
namespace {

using migration::UnitState;
using migration::Verdict;
using nlohmann::json;

constexpr int64_t kTurnsMax = 4'000;
constexpr int kRetriesMax = 12;
constexpr int64_t kSecond = 1'000;
constexpr int64_t kLeapMax = 2 * 60 * 60 * kSecond;
constexpr int64_t kIdleMax = 7;  // turns: a window is waited for, and whatever a user has stopped

std::string PartitionOf(const json& unit) { return unit.at("partition"); }
std::string WhereOf(const json& unit) {
  return unit.at("table").get<std::string>() + " " + PartitionOf(unit);
}
bool Is(const json& unit, UnitState state) { return unit.at("state") == static_cast<int>(state); }
bool IsOver(const json& seen) { return seen.at("open") == 0 && seen.at("running") == 0; }

int64_t PrintOf(const std::vector<std::string>& files) {
  std::string all;
  for (const std::string& file : files) all += file + " ";
  return static_cast<int64_t>(std::hash<std::string>()(all) >> 1);
}

/// What may rightly be refused to a user.
bool IsRefusal(const std::string& code) {
  static const std::set<std::string> kRefusals = {"JOB_CONFLICT", "JOB_STATE", "JOB_NOTHING_TO_DO",
                                                  "JOB_NOT_FOUND", "SOURCE_STATE"};
  return kRefusals.contains(code);
}

}  // namespace

void Watch::BeginLife(size_t life) {
  life_ = life;
  turns_of_life_ = 0;
  idle_turns_ = 0;
  held_ = false;
  world_.BeginLife(scenario_.lives[life].trouble);
}

bool Watch::Takes(const json& request) {
  static const std::set<std::string> kCalls = {"begin", "turn", "did", "audit"};
  return kCalls.contains(request.at("call").get<std::string>());
}

json Watch::Respond(const json& request) {
  const std::string call = request.at("call");
  if (call == "begin") return Begin();
  if (call == "turn") return Turn(request);
  if (call == "did") Did(request);
  if (call == "audit") Audit(request);
  return json::object();
}

json Watch::Begin() {
  return {{"settings", scenario_.settings}, {"target", scenario_.target}, {"tables", Tables()}};
}

/// What a scan of the source finds.
json Watch::Tables() const {
  json tables = json::object();
  for (const auto& [name, table] : world_.source.tables) {
    json partitions = json::object();
    for (const auto& [partition, files] : table.versions.at(table.newest)) {
      if (!table.partitioned) continue;
      partitions[partition.substr(partition.find('=') + 1)] = PrintOf(files);
    }
    tables[name] = {{"version", table.newest},
                    {"partitioned", table.partitioned},
                    {"partitions", std::move(partitions)}};
  }
  return tables;
}

// Turns. -----------------------------------------------------------------------------------------

json Watch::Turn(const json& seen) {
  ++turns_;
  ++turns_of_life_;
  const LifePlan& plan = scenario_.lives[life_];
  const bool calm = life_ + 1 == scenario_.lives.size();
  json actions = json::array();
  if (turns_ > kTurnsMax) {
    Violate("the run does not end: " + seen.dump());
    return {{"actions", actions}, {"ends", true}};
  }
  PassTime(seen);
  TakeActs(seen, &actions);
  if (calm && actions.empty() && acts_taken_ == scenario_.acts.size()) Finish(seen, &actions);
  bool ends = !calm && (turns_of_life_ >= plan.turns_max || idle_turns_ > kIdleMax);
  const bool idle = IsOver(seen) && seen.at("starting") == 0 && actions.empty();
  bool over = calm && idle && acts_taken_ == scenario_.acts.size();
  if (over && scenario_.catches_up && !caught_up_) {
    CatchUp(&actions);
    over = false;
  }
  over_ = over_ || over;
  return {{"actions", actions}, {"waits", scenario_.waits}, {"ends", ends || over}, {"over", over}};
}

/// While nothing runs, ever longer, so that windows and waits are come to.
void Watch::PassTime(const json& seen) {
  const bool idle = seen.at("running") == 0 && seen.at("starting") == 0;
  idle_turns_ = idle ? idle_turns_ + 1 : 0;
  const int64_t doublings = std::clamp<int64_t>(3 * (idle_turns_ - 1), 0, 15);
  clock_ms_.fetch_add(std::min(kLeapMax, kSecond << doublings));
}

void Watch::TakeActs(const json& seen, json* actions) {
  // Where nothing is at work none that is far ahead is waited for.
  while (acts_taken_ < scenario_.acts.size()) {
    const PlannedAct& act = scenario_.acts[acts_taken_];
    const bool done = IsOver(seen) && seen.at("starting") == 0;
    const bool soon = (done || idle_turns_ > kIdleMax) && actions->empty();
    if (act.turn > turns_ && !soon) return;
    ++acts_taken_;
    TakeAct(act.action, seen, actions);
  }
}

void Watch::TakeAct(const json& action, const json& seen, json* actions) {
  const std::string what = action.at("do");
  if (what == "clock") {
    clock_ms_.fetch_add(action.at("jump_ms"));
    return;
  }
  if (what == "writers") {
    for (auto& [name, table] : world_.source.tables) table.Commit();
    return;
  }
  if (what == "sync") {
    actions->push_back({{"do", what}, {"tables", Tables()}});
    return;
  }
  if (what == "make job") {
    for (const auto& table : action.at("tables")) world_.target.NoteJob(table);
  } else if (what.ends_with(" job")) {
    const auto& jobs = seen.at("jobs");
    const bool known = std::any_of(
        jobs.begin(), jobs.end(), [&](const json& job) { return job.at("id") == action.at("id"); });
    if (!known) return;
  }
  if (what == "retry job") NoteJobs();  // of an older job too: it copies what a later one has
  // What is at work may be given up half done.
  if (what.starts_with("stop")) world_.target.TroubleAll();
  if (what.ends_with(" source")) held_ = what == "stop source";
  actions->push_back(action);
}

void Watch::NoteJobs() {
  for (const auto& [name, table] : world_.source.tables) world_.target.NoteJob(name);
}

void Watch::Finish(const json& seen, json* actions) {
  for (const json& job : seen.at("jobs")) {
    const int64_t id = job.at("id");
    if (job.at("stopped")) actions->push_back({{"do", "start job"}, {"id", id}});
  }
  if (held_) actions->push_back({{"do", "start source"}});
  held_ = false;
  if (!actions->empty() || !IsOver(seen)) return;
  for (const json& job : seen.at("jobs")) {
    if (job.at("failed") == 0) continue;
    if (++retries_ > kRetriesMax) {
      Violate("a job still fails when nothing goes wrong any more: " + job.dump());
      return;
    }
    NoteJobs();
    actions->push_back({{"do", "retry job"}, {"id", job.at("id")}});
    return;  // one at a time: two may mean one table
  }
}

/// Whatever came before, a scan and a job of what changed bring the target to the newest version.
void Watch::CatchUp(json* actions) {
  caught_up_ = world_.writers_rest = true;
  NoteJobs();
  json names = json::array();
  for (const auto& [name, table] : world_.source.tables) names.push_back(name);
  actions->push_back({{"do", "sync"}, {"tables", Tables()}});
  actions->push_back({{"do", "make job"},
                      {"name", "last"},
                      {"tables", std::move(names)},
                      {"increment", true},
                      {"method", "checksum"}});
}

void Watch::Did(const json& told) {
  const std::string what = told.at("action").at("do");
  if (what.starts_with("stop")) world_.target.TroubleAll();  // also what began meanwhile
  if (!told.contains("error")) return;
  if (what == "start source") held_ = true;  // to be asked again
  const std::string code = told.at("error").value("code", "");
  const bool troubled = life_ + 1 < scenario_.lives.size() && what == "start source";
  if (!IsRefusal(code) && !troubled) Violate("a user's act fails: " + told.dump());
}

// Audits. ----------------------------------------------------------------------------------------

void Watch::Audit(const json& told) {
  const bool over = told.at("over");
  const json& audit = told.at("audit");
  if (over) world_.target.Settle();
  for (const json& unit : audit.at("units")) {
    CheckMoves(unit);
    CheckUnit(unit);
  }
  CheckTasks(audit, over);
  if (over) CheckEvidence(audit);
  if (over && caught_up_) CheckCaughtUp();
}

void Watch::CheckCaughtUp() {
  for (const auto& [name, table] : world_.source.tables) {
    for (const auto& [partition, files] : table.versions.at(table.newest)) {
      if (world_.target.tables[name].partitions[partition].rows ==
          table.RowsAt(table.newest, partition)) {
        continue;
      }
      Violate("all is over, and the target is not as the newest version: " + name + " " +
              partition);
    }
  }
}

/// Generations are counted on, and within one a unit goes forward, or anew from its beginning.
void Watch::CheckMoves(const json& unit) {
  const int64_t generation = unit.at("generation");
  const int state = unit.at("state");
  const auto [mark, first] = marks_.try_emplace(WhereOf(unit));
  const bool same = generation == mark->second.generation;
  const bool anew = Is(unit, UnitState::kPlanned);
  if (!first &&
      (generation < mark->second.generation || (same && !anew && state < mark->second.state))) {
    Violate("the ledger goes back: " + unit.dump());
  }
  mark->second = {generation, state};
}

void Watch::CheckUnit(const json& unit) {
  const std::string table = unit.at("table");
  const std::string partition = PartitionOf(unit);
  const SourceTable& source = world_.source.tables.at(table);
  const std::vector<std::string> files = unit.at("files");
  const bool appends = unit.at("appends");
  if (!appends && !source.AreWhole(partition, files, source.newest)) {
    Violate("a unit's files are all of its partition at no version: " + unit.dump());
  }
  const bool committed = Is(unit, UnitState::kCommitted) || Is(unit, UnitState::kVerified);
  if (!committed) return;
  const auto upload = world_.target.uploads.find(unit.at("session"));
  if (upload == world_.target.uploads.end() || upload->second.state != UploadState::kClosed) {
    Violate("committed by the ledger, not by the target: " + unit.dump());
    return;
  }
  Rows rows;
  for (const std::string& file : files) Add(source.files.at(file), &rows);
  // What is appended is all of the version with what was there.
  if (appends) rows = source.RowsAt(unit.at("version"), partition).value_or(Rows());
  if (unit.at("rows") != rows.size()) Violate("other rows were counted than are: " + unit.dump());
  const TargetPartition& target = world_.target.tables[table].partitions[partition];
  const bool matched = unit.at("verdict") == static_cast<int>(Verdict::kMatch);
  if (matched && target.spoilt) Violate("a lost row was not found: " + unit.dump());
  if (matched && target.rows != rows) {
    Violate("verified, and the target has other rows: " + unit.dump());
  }
}

void Watch::CheckTasks(const json& audit, bool over) {
  using service::JobTaskStatus;
  for (const json& task : audit.at("tasks")) {
    const auto status = static_cast<JobTaskStatus>(task.at("status").get<int>());
    const std::string error = task.at("error");
    if (service::HasFailed(status) &&
        json::parse(error, nullptr, false).value("code", "").empty()) {
      Violate("a task has failed and does not say why: " + task.dump());
    }
    if (task.at("not_before") > 0 && error.empty()) {
      Violate("a task waits and does not say for what: " + task.dump());
    }
    if (status == JobTaskStatus::kDone) CheckDone(task, audit);
    if (over && (status != JobTaskStatus::kDone || task.at("running"))) {
      Violate("all is over, and a task is not done: " + task.dump());
    }
  }
}

/// All that a task had to copy is verified, and counted by it. Of a table that a later job has
/// planned, that job's tasks tell.
void Watch::CheckDone(const json& task, const json& audit) {
  int64_t units = 0, rows = 0, of_table = 0;
  for (const json& unit : audit.at("units")) {
    if (unit.at("table") != task.at("table")) continue;
    ++of_table;
    if (unit.at("task") != task.at("id")) continue;
    ++units;
    rows += unit.at("rows").get<int64_t>();
    const bool matches =
        Is(unit, UnitState::kVerified) && unit.at("verdict") == static_cast<int>(Verdict::kMatch);
    if (!matches) Violate("done, and not verified: " + task.dump() + " " + unit.dump());
  }
  if (units == 0) return;
  const int64_t wanted =
      task.at("partitions") == 0 ? of_table : task.at("partitions").get<int64_t>();
  if (units != wanted) {
    Violate("done with " + std::to_string(units) + " of " + std::to_string(wanted) +
            " partitions: " + task.dump());
  }
  if (rows != task.at("rows")) {
    Violate("its units have " + std::to_string(rows) + " rows: " + task.dump());
  }
}

void Watch::CheckEvidence(const json& audit) {
  std::set<int64_t> jobs;
  for (const json& task : audit.at("tasks")) jobs.insert(task.at("job").get<int64_t>());
  for (const json& evidence : audit.at("evidence")) {
    if (!jobs.contains(evidence.at("job"))) continue;
    if (!evidence.at("there")) Violate("a job has ended without evidence: " + evidence.dump());
    if (evidence.contains("error")) Violate("evidence that is wrong: " + evidence.dump());
  }
}

}  // namespace mms::simulation
