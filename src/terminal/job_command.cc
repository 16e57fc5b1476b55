#include "terminal/job_command.h"

#include "terminal/number_flags.h"

namespace mms::terminal {

std::vector<CLI::App*> JobCommand::AddTo(CLI::App& app, const Choose& choose) {
  choose_ = choose;
  return {AddJob(app), AddTimer(app), AddStatus(app)};
}

CLI::App* JobCommand::Add(CLI::App* parent, const char* name, const char* help, Verb verb) {
  CLI::App* sub = parent->add_subcommand(name, help);
  sub->add_option("--state", flags_.state, "The state folder")->required()->type_name("DIR");
  choose_(sub, [this, verb](Output& output) { return verb(flags_, output); });
  return sub;
}

void JobCommand::AddId(CLI::App* sub, const char* of) {
  sub->add_option("id", flags_.id, of)->required()->check(CheckId)->type_name("ID");
}

void JobCommand::AddPages(CLI::App* sub) {
  sub->add_option("--page", flags_.page, "From 1")->check(CLI::Range(1, 1'000'000));
  sub->add_option("--page-size", flags_.page_size, "How many")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
}

void JobCommand::AddScope(CLI::App* sub) {
  JobFlags& flags = flags_;
  sub->add_option("--source", flags.source, "The data source")->required()->type_name("NAME");
  sub->add_option("--schema", flags.schema, "The source's schema")->required()->type_name("NAME");
  const auto many = [sub](const char* name, auto& to, const char* help, const char* type) {
    return sub->add_option(name, to, help)->type_name(type)->allow_extra_args(false);
  };
  many("--table", flags.tables, "A table of it; may be given several times", "TABLE");
  many("--partition", flags.partitions, "The id of a partition (mms source partitions)", "ID")
      ->check(CheckId);
  many("--filter", flags.filters, "Partitions of a named table: day >= '2026-01-01'",
       "TABLE=CONDITION");
  many("--only", flags.whitelist, "Of the whole schema, only this table", "TABLE");
  many("--but", flags.blacklist, "Of the whole schema, not this table", "TABLE");
  many("--as", flags.table_names, "A table's name at the target", "TABLE=NAME");
  many("--column-as", flags.column_names, "A column's name at the target, in all tables",
       "COLUMN=NAME");
  many("--set", flags.settings, "A setting of the source for this alone", "KEY=VALUE");
  sub->add_flag("--no-schema", flags.no_schema, "The tables are there; make none");
  sub->add_flag("--views", flags.views, "Views too, whose rows are read by SQL");
  sub->add_flag("--schema-only", flags.schema_only, "Make the tables, copy nothing");
  CLI::Option* no_verify =
      sub->add_flag("--no-verify", flags.no_verify, "Do not compare what was copied");
  sub->add_option("--verify-by", flags.method, "Compare by this; else by checksum")
      ->check(CLI::IsMember({"checksum", "count", "count_both"}))
      ->excludes(no_verify);
}

void JobCommand::AddSchedule(CLI::App* sub) {
  sub->add_option("--daily", flags_.daily, "Each day at this time")->type_name("HH:MM");
  sub->add_option("--hourly", flags_.hourly, "Each hour at this minute")->type_name("MM");
  sub->add_option("--zone", flags_.zone, "On the clock of this IANA zone; else UTC")
      ->type_name("ZONE");
}

void JobCommand::AddDescription(CLI::App* sub, bool named) {
  JobFlags& flags = flags_;
  CLI::Option* name = sub->add_option("name", flags.name, "Its name")->type_name("NAME");
  if (named) name->required();
  AddScope(sub);
  sub->add_option("--project", flags.project, "The destination project; else the default one")
      ->type_name("NAME");
  sub->add_option("--target-schema", flags.target_schema, "The destination schema")
      ->type_name("NAME");
  sub->add_flag("--all", flags.all, "Also what is Completed and has not changed");
  sub->add_option("--eta", flags.eta, "When it should be done; sooner goes first")
      ->type_name("'2026-12-31 18:00:00'");
}

void JobCommand::AddPlan(CLI::App* job) {
  JobFlags& flags = flags_;
  CLI::App* plan = Add(job, "plan", "Show what such a job would do; it is not made", RunJobPlan);
  AddDescription(plan, false);
  plan->add_flag("--ddl", flags.ddl, "Print the statements too");
  plan->add_flag("--footers", flags.footers,
                 "Read the footers of files of whose values the log does not tell");
  plan->add_option("--rate-mib", flags.rate_mib,
                   "MiB a second, for the hours; else those of the source's last job")
      ->check(CheckAboveZero)
      ->type_name("NUMBER");
  plan->add_option("--price", flags.prices, "A price, instead of the one that is kept")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  plan->footer(
      "\nExample:\n  mms job plan --state ./state --source sales --schema orders --rate-mib 80");
}

CLI::App* JobCommand::AddJob(CLI::App& app) {
  JobFlags& flags = flags_;
  CLI::App* job = app.add_subcommand("job", "Make, run and follow migration jobs");
  job->require_subcommand(1);
  job->footer(
      "\nExample:\n  mms job create first --state ./state --source sales --schema orders\n"
      "  mms job run --state ./state");
  AddDescription(Add(job, "create", "Make a job of a schema, tables or partitions", RunJobCreate),
                 true);
  AddPlan(job);
  CLI::App* run = Add(job, "run", "Work until no task waits or runs", RunJobRun);
  run->add_option("id", flags.id, "Tell of this job too, though nothing of it may wait")
      ->check(CheckId)
      ->type_name("ID");
  run->add_option("--workers", flags.workers, "Worker processes for each destination")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  CLI::App* list = Add(job, "list", "List the jobs, newest first", RunJobList);
  list->add_option("--source", flags.source, "Of this data source")->type_name("NAME");
  list->add_option("--name", flags.name, "Only those with this in their name");
  list->add_option("--schema", flags.schema, "Of this schema")->type_name("NAME");
  list->add_option("--status", flags.status, "INIT, DOING, DONE or FAILED");
  list->add_option("--timer", flags.timer, "That this timer has made")
      ->check(CheckId)
      ->type_name("ID");
  CLI::App* tasks = Add(job, "tasks", "List a job's tasks", RunJobTasks);
  tasks->add_option("--status", flags.status, "One status, or FAILED for all that have failed");
  for (CLI::App* sub : {list, tasks}) AddPages(sub);
  AddId(tasks, "The job");
  AddId(Add(job, "show", "Print a job", RunJobShow), "The job");
  AddId(Add(job, "cost", "What it takes, by who is paid for it", RunJobCost), "The job");
  AddId(Add(job, "log", "Print the steps of a task", RunJobLog), "The task");
  AddId(Add(job, "stop", "Stop it; running tasks end between two blocks", RunJobStop), "The job");
  CLI::App* report = Add(job, "report", "Print its outcome table by table", RunJobReport);
  report->add_option("--format", flags.format, "Its form; else text")
      ->check(CLI::IsMember({"text", "json", "csv", "html"}));
  report->add_option("--lang", flags.lang, "Language of the page of html")
      ->check(CLI::IsMember({"en_US", "zh_CN"}));
  CLI::App* evidence =
      Add(job, "evidence", "Write what is known of it as a signed bundle", RunJobEvidence);
  for (CLI::App* sub : {report, evidence}) {
    AddId(sub, "The job");
    sub->add_option("--out", flags.out, "The file to write")->type_name("PATH");
  }
  evidence->add_flag("--list", flags.list, "List the bundles that are kept; write none")
      ->excludes("--out");
  CLI::App* start = Add(job, "start", "Go on with a job that was stopped", RunJobStart);
  AddId(start, "The job");
  start
      ->add_option("--set", flags.settings,
                   "Its max_egress_gb, max_cost, on_dropped_partition, on_extra_column or "
                   "verification.method")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  CLI::App* verify = Add(job, "verify", "Compare again what a job has copied", RunJobVerify);
  AddId(verify, "The job");
  verify->add_option("--by", flags.method, "How; else as the job was made")
      ->check(CLI::IsMember({"checksum", "count", "count_both"}));
  AddId(Add(job, "retry", "Try the failed tasks of a job again", RunJobRetry), "The job");
  AddId(Add(job, "retry-task", "Try one failed task again", RunJobRetryTask), "The task");
  AddId(Add(job, "delete", "Delete a job; what it copied stays", RunJobDelete), "The job");
  return job;
}

CLI::App* JobCommand::AddStatus(CLI::App& app) {
  CLI::App* status = app.add_subcommand("status", "Show what the jobs that wait or run are at");
  status->add_option("--state", flags_.state, "The state folder")->required()->type_name("DIR");
  status->add_flag("--watch", flags_.watch, "Keep showing it until no job waits or runs");
  choose_(status, [this](Output& output) { return RunStatus(flags_, output); });
  status->footer("\nExample:\n  mms status --state ./state --watch");
  return status;
}

CLI::App* JobCommand::AddTimer(CLI::App& app) {
  JobFlags& flags = flags_;
  CLI::App* timer = app.add_subcommand("timer", "Keep timers that make incremental jobs");
  timer->require_subcommand(1);
  timer->footer(
      "\nExample:\n  mms timer add nightly --state ./state --source sales --schema orders --daily "
      "02:30\n  mms source start sales --state ./state");
  CLI::App* add = Add(timer, "add", "Add a timer", RunTimerAdd);
  add->add_option("name", flags.name, "Its name")->required()->type_name("NAME");
  AddScope(add);
  AddSchedule(add);
  add->add_flag("--no-refresh", flags.no_refresh, "Do not scan the source before");
  CLI::App* list = Add(timer, "list", "List the timers", RunTimerList);
  list->add_option("--source", flags.source, "Of this data source")->type_name("NAME");
  list->add_option("--name", flags.name, "Only those with this in their name");
  CLI::App* update = Add(timer, "update", "Change its schedule or lists", RunTimerUpdate);
  AddSchedule(update);
  update->add_flag("--stop", flags.hold, "It fires no more");
  update->add_flag("--resume", flags.resume, "It fires again");
  update->add_option("--only", flags.whitelist, "Only this table; '': any")
      ->allow_extra_args(false);
  update->add_option("--but", flags.blacklist, "Not this table; '': none")->allow_extra_args(false);
  CLI::App* log = Add(timer, "log", "List its firings, newest first", RunTimerLog);
  for (CLI::App* sub : {list, log}) AddPages(sub);
  for (CLI::App* sub : {update, log, Add(timer, "remove", "Remove it", RunTimerRemove),
                        Add(timer, "trigger", "Fire it now", RunTimerTrigger)}) {
    AddId(sub, "The timer");
  }
  return timer;
}

}  // namespace mms::terminal
