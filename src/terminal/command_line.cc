#include "terminal/command_line.h"

#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <clocale>
#include <csignal>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "terminal/job_command.h"
#include "terminal/number_flags.h"
#include "terminal/output.h"
#include "terminal/source_verbs.h"
#include "terminal/verbs.h"
#include "terminal/yaml_map.h"

namespace mms::terminal {
namespace {

constexpr const char* kFooter = R"(
Examples:
  mms check -f migration.yaml          are both sides reachable, and is everything allowed?
  mms plan -f migration.yaml --ddl     what would be made and copied; nothing is written there
  mms plan -f migration.yaml --out plan.json   the same, frozen: mms run plan.json
  mms run -f migration.yaml            copy and compare; run it again to go on after any stop
  mms verify -f migration.yaml         compare again what was copied
  mms report -f migration.yaml --json  the outcome, for machines
  mms report -f migration.yaml --evidence proof.tar   the same, signed

Exit codes: 0 done, 1 bug, 2 usage, 3 configuration or credentials, 4 plan blocked, 5 transient
failure outlived the retries, 6 some tables failed, 7 verification mismatch, 8 limit reached,
130 interrupted.)";

struct Arguments {
  std::string file;
  bool json = false;
  PlanFlags plan;
  std::string frozen_plan;
  bool start_compute = false;
  SyncFlags sync;
  ReportFlags report;
  SourceFlags source;
  SandboxFlags sandbox;
};

using Verb = std::function<ExitCode(Output&)>;

class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(1);
    app_.footer(kFooter);
    app_.get_formatter()->column_width(28);
    CLI::App* check = AddFileVerb(
        "check", "Check credentials, network and rights of both sides", [this](Output& output) {
          return RunCheck(arguments_.file, arguments_.start_compute, output);
        });
    check->add_flag("--start-compute", arguments_.start_compute,
                    "Start the cluster or warehouse where it does not run, for SELECT 1");
    AddSync();
    AddPlan();
    AddRun();
    AddFileVerb("verify", "Compare again what was copied",
                [this](Output& output) { return RunVerify(arguments_.file, output); });
    AddReport();
    AddSource();
    AddJobs();
    AddSandbox();
    AddVerb("version", "Print the version", [](Output& output) { return RunVersion(output); });
    // Started by `run`; of no use by hand, hence not listed.
    AddPlainVerb("worker", "", [](Output& output) { return RunWorkerVerb(output); })->group("");
  }

  int Run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
      Output output(false);
      output.Result(HelpOfChosen());
      return static_cast<int>(output.Close(ExitCode::kDone));
    } catch (const CLI::ParseError& error) {
      return Usage(error, argc, argv);
    }
    Output output(arguments_.json);
    return static_cast<int>(output.Close(chosen_(output)));
  }

 private:
  /// A verb without --json: `sandbox` prints one line for people, `worker` speaks a protocol.
  CLI::App* AddPlainVerb(const std::string& name, const std::string& help, Verb verb) {
    CLI::App* sub = app_.add_subcommand(name, help);
    sub->callback([this, verb = std::move(verb)] { chosen_ = verb; });
    verbs_.push_back(sub);
    return sub;
  }

  CLI::App* AddVerb(const std::string& name, const std::string& help, Verb verb) {
    CLI::App* sub = AddPlainVerb(name, help, std::move(verb));
    sub->add_flag("--json", arguments_.json, "Print one JSON object a line on stdout");
    return sub;
  }

  CLI::App* AddFileVerb(const std::string& name, const std::string& help, Verb verb) {
    CLI::App* sub = AddVerb(name, help, std::move(verb));
    sub->add_option("-f,--file", arguments_.file, "The migration file (YAML)")
        ->required()
        ->type_name("FILE");
    sub->footer("\nExample:\n  mms " + name + " -f migration.yaml");
    return sub;
  }

  void AddPlan() {
    PlanFlags& flags = arguments_.plan;
    CLI::App* sub = AddFileVerb(
        "plan", "Show what a run would make and copy, and what it refuses",
        [this, &flags](Output& output) { return RunPlan(arguments_.file, flags, output); });
    sub->add_flag("--ddl", flags.ddl, "Print the statements too");
    sub->add_flag("--footers", flags.footers,
                  "Read the footers of files of whose values the log does not tell");
    sub->add_option("--out", flags.out, "Freeze it into this file, for mms run PLAN")
        ->type_name("PLAN");
    sub->add_option("--rate-mib", flags.rate_mib,
                    "MiB a second, for the hours; else the last run's")
        ->check(CheckAboveZero)
        ->type_name("NUMBER");
    sub->add_option("--window", flags.window, "Time of day in which it is to run: 22:00-06:00")
        ->type_name("HH:MM-HH:MM");
    sub->add_option("--price", flags.prices, "A price (mms source prices items), for the cost")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    sub->footer(
        "\nExample:\n  mms plan -f migration.yaml --ddl\n"
        "  mms plan -f migration.yaml --out plan.json");
  }

  /// `-f FILE`, or a frozen plan, which knows its file.
  void AddRun() {
    std::string& plan = arguments_.frozen_plan;
    CLI::App* sub = AddVerb("run", "Copy the tables and compare them; goes on from what is done",
                            [this, &plan](Output& output) {
                              if (plan.empty()) return RunRun(arguments_.file, output);
                              return RunFrozenPlan(plan, arguments_.file, output);
                            });
    CLI::Option* file =
        sub->add_option(
               "-f,--file,--config", arguments_.file,
               "The migration file (YAML); with PLAN it may be another than it was made with")
            ->type_name("FILE");
    CLI::Option* frozen =
        sub->add_option("plan", plan, "A plan of mms plan --out: exactly that, or nothing")
            ->type_name("PLAN");
    sub->parse_complete_callback([file, frozen] {
      if (file->count() + frozen->count() == 0) throw CLI::RequiredError("--file");
    });
    sub->footer("\nExample:\n  mms run -f migration.yaml\n  mms run plan.json");
  }

  void AddSync() {
    SyncFlags& flags = arguments_.sync;
    CLI::App* sub = AddFileVerb(
        "sync", "Read what the source holds into the metadata, and say what changed",
        [this, &flags](Output& output) { return RunSync(arguments_.file, flags, output); });
    CLI::Option* schemas =
        sub->add_option("--schema", flags.schemas, "Scan this schema; may be given several times")
            ->type_name("NAME");
    CLI::Option* tables =
        sub->add_option("--table", flags.tables, "Scan this table; may be given several times")
            ->type_name("SCHEMA.TABLE");
    sub->add_flag("--list", flags.list, "Print what the metadata holds; needs no network")
        ->excludes(schemas)
        ->excludes(tables);
    sub->add_option("pattern", flags.pattern, "With --list: the tables to print, * and ? allowed")
        ->type_name("PATTERN");
    sub->footer(
        "\nExample:\n  mms sync -f migration.yaml --schema sales\n"
        "  mms sync -f migration.yaml --list 'sales.*'");
  }

  void AddReport() {
    ReportFlags& flags = arguments_.report;
    CLI::App* sub =
        AddFileVerb("report", "Print the outcome table by table; needs no network and no secrets",
                    [this, &flags](Output& output) {
                      if (!flags.check.empty())
                        return RunEvidenceCheck(flags.check, flags.key, output);
                      if (!flags.evidence.empty()) {
                        return RunEvidence(arguments_.file, flags.evidence, output);
                      }
                      return RunReport(arguments_.file, flags, output);
                    });
    CLI::Option* format =
        sub->add_option("--format", flags.format,
                        "text, json (as --json), csv (a row a partition) or html (a page)")
            ->check(CLI::IsMember({"text", "json", "csv", "html"}))
            ->excludes("--json")
            ->type_name("FORMAT");
    CLI::Option* out =
        sub->add_option("--out", flags.out, "Write it into this file")->type_name("PATH");
    sub->add_option("--lang", flags.lang, "Language of the page")
        ->check(CLI::IsMember({"en_US", "zh_CN"}))
        ->capture_default_str();
    CLI::Option* evidence = sub->add_option("--evidence", flags.evidence,
                                            "Write all of it as a signed bundle (tar) instead")
                                ->excludes(format)
                                ->excludes(out)
                                ->type_name("PATH");
    AddEvidenceCheck(sub, {format, out, evidence});
    sub->footer(
        "\nExample:\n  mms report -f migration.yaml\n"
        "  mms report -f migration.yaml --format csv --out partitions.csv\n"
        "  mms report -f migration.yaml --format html --out report.html\n"
        "  mms report -f migration.yaml --evidence evidence.tar\n"
        "  mms report --check evidence.tar --key FINGERPRINT");
  }

  /// `--check` goes without a migration file, and with nothing else of `report`.
  void AddEvidenceCheck(CLI::App* sub, const std::vector<CLI::Option*>& others) {
    ReportFlags& flags = arguments_.report;
    CLI::Option* file = sub->get_option("--file");
    CLI::Option* check =
        sub->add_option("--check", flags.check, "Check a bundle; needs no file and no state folder")
            ->check(CheckNotEmpty)
            ->excludes(file)
            ->type_name("BUNDLE");
    for (CLI::Option* other : others) check->excludes(other);
    sub->add_option("--key", flags.key, "With --check: the key that is trusted")
        ->needs(check)
        ->check([](const std::string& text) {
          const bool fits = text.size() == 64 &&
                            text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
          return fits ? "" : "must be the 64 hexadecimal digits of a fingerprint";
        })
        ->type_name("FINGERPRINT");
    file->required(false);
    sub->parse_complete_callback([file, check] {
      if (file->count() + check->count() == 0) throw CLI::RequiredError("--file");
    });
  }

  using SourceVerb = Result<ExitCode> (*)(const SourceFlags&, Output&);

  void ChooseSourceVerb(CLI::App* sub, SourceVerb verb) {
    sub->callback([this, verb] {
      chosen_ = [this, verb](Output& output) {
        const Result<ExitCode> code = verb(arguments_.source, output);
        return code ? *code : output.Fail(code.error());
      };
    });
    sub->add_flag("--json", arguments_.json, "Print one JSON object a line on stdout");
    source_verbs_.push_back(sub);
  }

  /// `mms source NAME ...`; `takes_name`: of the data source.
  CLI::App* AddSourceVerb(CLI::App* source, const std::string& name, const std::string& help,
                          SourceVerb verb, bool takes_name = true) {
    SourceFlags& flags = arguments_.source;
    CLI::App* sub = source->add_subcommand(name, help);
    ChooseSourceVerb(sub, verb);
    sub->add_option("--state", flags.state, "The state folder")->required()->type_name("DIR");
    if (takes_name) {
      sub->add_option("name", flags.name, "The data source")->required()->type_name("NAME");
    }
    return sub;
  }

  void AddSource() {
    CLI::App* source = app_.add_subcommand("source", "Keep, scan, start and stop data sources");
    verbs_.push_back(source);
    source->require_subcommand(1);
    source->footer(
        "\nExample:\n  mms source add sales --state ./state --set db.catalog=main ...\n"
        "  mms source sync sales --state ./state");
    CLI::App* items = source->add_subcommand("items", "List the settings of a data source");
    ChooseSourceVerb(items, RunSourceItems);
    AddLanguage(items);
    AddSourceRecords(source);
    AddSourceNetworks(source);
    AddSourceTarget(source);
    AddSourcePrices(source);
    AddSourceLife(source);
    AddSourceObjects(source);
  }

  void AddLanguage(CLI::App* sub) {
    sub->add_option("--lang", arguments_.source.lang, "Language of the names")
        ->check(CLI::IsMember({"en_US", "zh_CN"}))
        ->capture_default_str();
  }

  void AddSourceRecords(CLI::App* source) {
    SourceFlags& flags = arguments_.source;
    CLI::App* add = AddSourceVerb(source, "add", "Add a data source", RunSourceAdd);
    CLI::App* update = AddSourceVerb(source, "update", "Change settings", RunSourceUpdate);
    add->add_option("--type", flags.type, "Its type")->capture_default_str();
    update->add_option("--rename", flags.rename, "Its new name")->type_name("NAME");
    update->add_flag("--test", flags.test, "Store the settings only when the test passes");
    CLI::App* test = AddSourceVerb(source, "test",
                                   "Test the connection step by step, with the "
                                   "settings given as if they were stored",
                                   RunSourceTest);
    for (CLI::App* sub : {add, update, test}) {
      AddSettings(sub, "A setting (mms source items)");
      sub->add_option("--networklink", flags.networklink,
                      "The network it is reached by (mms source network list)")
          ->type_name("NAME:local");
    }
    CLI::App* list = AddSourceVerb(source, "list", "List the data sources", RunSourceList, false);
    list->add_option("--name", flags.part, "Only those with this in their name");
    CLI::App* tasks = AddSourceVerb(
        source, "tasks", "List its starts, stops, tests and updates, newest first", RunSourceTasks);
    for (CLI::App* sub : {list, tasks}) AddPages(sub);
    AddSourceVerb(source, "show", "Print the settings, secrets masked", RunSourceShow);
    AddSourceVerb(source, "remove", "Remove it, with what is known of its tables", RunSourceRemove);
  }

  void AddPages(CLI::App* sub) {
    SourceFlags& flags = arguments_.source;
    sub->add_option("--page", flags.page, "From 1")->check(CLI::Range(1, 1'000'000));
    sub->add_option("--page-size", flags.page_size, "How many")
        ->check(CLI::Range(1, 1'000))
        ->capture_default_str();
  }

  void AddSettings(CLI::App* sub, const std::string& help) {
    sub->add_option("--set", arguments_.source.settings,
                    help + "; a secret as KEY=env:NAME or KEY=file:PATH")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
  }

  void AddSourceNetworks(CLI::App* source) {
    CLI::App* network = source->add_subcommand(
        "network", "Keep the networks that data sources are reached by: proxies, addresses");
    network->require_subcommand(1);
    network->footer(
        "\nExample:\n  mms source network add office --state ./state --set "
        "proxy=http://proxy:3128\n"
        "  mms source update sales --state ./state --networklink office");
    CLI::App* items = network->add_subcommand("items", "List the settings of a network");
    ChooseSourceVerb(items, RunSourceNetworkItems);
    AddLanguage(items);
    CLI::App* add = AddNetworkVerb(network, "add", "Add a network", RunSourceNetworkAdd);
    CLI::App* update = AddNetworkVerb(network, "update", "Change settings", RunSourceNetworkUpdate);
    for (CLI::App* sub : {add, update}) AddSettings(sub, "A setting (mms source network items)");
    AddSourceVerb(network, "list", "List the networks", RunSourceNetworkList, false);
    AddNetworkVerb(network, "show", "Print the settings, secrets masked, and its data sources",
                   RunSourceNetworkShow);
    AddNetworkVerb(network, "remove", "Remove it when no data source is reached by it",
                   RunSourceNetworkRemove);
    source_verbs_.push_back(network);  // after its own
  }

  void AddSourceTarget(CLI::App* source) {
    CLI::App* target =
        source->add_subcommand("target", "Keep where MaxCompute is, for the jobs of all sources");
    target->require_subcommand(1);
    target->footer(
        "\nExample:\n  mms source target set --state ./state --set endpoint=https://... \\\n"
        "      --set access_key_id=ID --set access_key_secret=env:KEY_SECRET");
    CLI::App* items = target->add_subcommand("items", "List the settings of the target");
    ChooseSourceVerb(items, RunSourceTargetItems);
    AddLanguage(items);
    CLI::App* set = AddSourceVerb(target, "set", "Change settings", RunSourceTargetSet, false);
    AddSettings(set, "A setting (mms source target items)");
    AddSourceVerb(target, "show", "Print the settings, secrets masked", RunSourceTargetShow, false);
    source_verbs_.push_back(target);  // after its own
  }

  void AddSourcePrices(CLI::App* source) {
    CLI::App* prices = source->add_subcommand(
        "prices", "Keep what a unit costs, for the bill of jobs and sources");
    prices->require_subcommand(1);
    prices->footer(
        "\nExample:\n  mms source prices set --state ./state --set azure.egress.gb=0.087 --set "
        "network.gb=0");
    CLI::App* items = prices->add_subcommand("items", "List the prices there are");
    ChooseSourceVerb(items, RunSourcePricesItems);
    AddLanguage(items);
    CLI::App* set = AddSourceVerb(prices, "set", "Change prices", RunSourcePricesSet, false);
    AddSettings(set, "A price (mms source prices items)");
    AddSourceVerb(prices, "show", "Print them", RunSourcePricesShow, false);
    source_verbs_.push_back(prices);  // after its own
  }

  void AddJobs() {
    const auto choose = [this](CLI::App* sub, std::function<Result<ExitCode>(Output&)> verb) {
      sub->callback([this, verb = std::move(verb)] {
        chosen_ = [verb](Output& output) {
          const Result<ExitCode> code = verb(output);
          return code ? *code : output.Fail(code.error());
        };
      });
      sub->add_flag("--json", arguments_.json, "Print one JSON object a line on stdout");
      source_verbs_.push_back(sub);
    };
    for (CLI::App* group : jobs_.AddTo(app_, choose)) verbs_.push_back(group);
  }

  CLI::App* AddNetworkVerb(CLI::App* network, const std::string& name, const std::string& help,
                           SourceVerb verb) {
    CLI::App* sub = AddSourceVerb(network, name, help, verb, false);
    sub->add_option("name", arguments_.source.name, "The network")->required()->type_name("NAME");
    return sub;
  }

  void AddSourceLife(CLI::App* source) {
    SourceFlags& flags = arguments_.source;
    CLI::App* start = AddSourceVerb(
        source, "start", "Keep it started in the foreground, and obey its timer", RunSourceStart);
    start
        ->add_option("--idle-minutes", flags.idle_minutes,
                     "Shut it down after so long without work")
        ->check(CLI::Range(0, 10'080))
        ->capture_default_str();
    AddSourceVerb(source, "stop", "Stop it, in whatever process it is", RunSourceStop);
    AddSourceVerb(source, "status", "State, last scan, and what its instance took",
                  RunSourceStatus);
    CLI::App* sync = AddSourceVerb(source, "sync", "Update its metadata by a scan", RunSourceSync);
    sync->add_option("--schema", flags.schema, "Scan this schema")->type_name("NAME");
    AddTables(sync, "Scan this table; may be given several times");
    CLI::App* tables =
        AddSourceVerb(source, "tables", "Print what its scans found", RunSourceTables);
    tables->add_option("pattern", flags.pattern, "The tables to print, * and ? allowed")
        ->type_name("PATTERN");
    CLI::App* partitions =
        AddSourceVerb(source, "partitions", "Print the partitions of one table, with their ids",
                      RunSourcePartitions);
    partitions->add_option("table", flags.pattern, "The table")
        ->required()
        ->type_name("SCHEMA.TABLE");
    AddPages(partitions);
  }

  void AddTables(CLI::App* sub, const std::string& help) {
    sub->add_option("--table", arguments_.source.tables, help)
        ->type_name("TABLE")
        ->allow_extra_args(false);
  }

  void AddSourceObjects(CLI::App* source) {
    SourceFlags& flags = arguments_.source;
    AddPages(AddSourceVerb(source, "databases", "Print its schemas with sums", RunSourceDatabases));
    CLI::App* map = AddSourceVerb(
        source, "map", "Say where a schema or tables go unless a job says otherwise", RunSourceMap);
    CLI::App* mark = AddSourceVerb(
        source, "mark", "Take objects for INIT, so that they are copied again, or for DONE",
        RunSourceMark);
    mark->add_option("status", flags.status, "INIT or DONE")
        ->required()
        ->check(CLI::IsMember({"INIT", "DONE"}));
    for (CLI::App* sub : {map, mark}) {
      sub->add_option("--schema", flags.schema, "The source's schema")
          ->required()
          ->type_name("NAME");
      AddTables(sub, "A table of it; may be given several times; else all of the schema");
    }
    mark->add_option("--partition", flags.partitions,
                     "The id of a partition (mms source partitions)")
        ->type_name("ID")
        ->allow_extra_args(false);
    map->add_option("--project", flags.project, "Into this project")->type_name("NAME");
    map->add_option("--target-schema", flags.target_schema, "Into this schema")->type_name("NAME");
    map->add_option("--as", flags.target_name, "Under this name")->type_name("NAME");
    map->add_flag("--clear", flags.clear, "Forget what was said before");
  }

  void AddSandbox() {
    SandboxFlags& flags = arguments_.sandbox;
    CLI::App* sub =
        AddPlainVerb("sandbox", "Serve a MaxCompute-compatible endpoint on this machine",
                     [&flags](Output& output) { return RunSandbox(flags, output); });
    sub->add_option("--listen", flags.listen, "Address to serve on; port 0 takes a free one")
        ->type_name("HOST:PORT")
        ->capture_default_str();
    sub->add_option("--data", flags.data_dir, "Folder of the tables")->required()->type_name("DIR");
    sub->add_option("--project", flags.projects, "A project to have; may be given several times")
        ->required()
        ->type_name("NAME");
    sub->add_option("--flat-project", flags.flat_projects, "A project to have without schemas")
        ->type_name("NAME");
    sub->add_option("--access-key-id", flags.access_key_id, "The key id that clients sign with")
        ->type_name("ID");
    sub->add_option("--access-key-secret", flags.access_key_secret, "Where its secret is")
        ->type_name("env:NAME|file:PATH");
    sub->add_option("--security-token", flags.security_token, "Where the STS token is, if any")
        ->type_name("env:NAME|file:PATH");
    sub->add_option("--users", flags.users_file, "Users with their keys and rights (YAML)")
        ->type_name("FILE");
    AddSandboxRehearsal(sub);
    sub->footer(
        "\nExample:\n  mms sandbox --listen 127.0.0.1:8080 --data /tmp/mc --project dw \\\n"
        "      --access-key-id demo --access-key-secret env:SANDBOX_SECRET");
  }

  /// What makes the sandbox behave like the service on a bad day; docs/sandbox.md tells more.
  void AddSandboxRehearsal(CLI::App* sub) {
    SandboxFlags& flags = arguments_.sandbox;
    sub->add_option("--faults", flags.faults_file, "Rules of failures to inject (JSON)")
        ->type_name("FILE");
    CLI::Option* enforce =
        sub->add_flag("--enforce-limits", flags.enforce_limits,
                      "Refuse what MaxCompute would refuse by rate and concurrency");
    sub->add_option("--limit-window-scale", flags.limit_window_scale,
                    "Length of the limits' time windows; 0.02 makes 5 minutes 6 seconds")
        ->check(CLI::Range(0.0001, 1.0))
        ->needs(enforce)
        ->capture_default_str();
    sub->add_option("--limit-slots", flags.limit_slots, "Tunnel requests at once")
        ->check(CLI::Range(1, 1'000))
        ->needs(enforce)
        ->capture_default_str();
    sub->add_option("--limit-block-rate", flags.limit_block_mb_per_s,
                    "MB/s of one block; 0 = no throttle")
        ->check(CLI::Range(0, 10'000))
        ->needs(enforce)
        ->capture_default_str();
    sub->add_option("--session-seconds", flags.session_seconds,
                    "Life of upload and download sessions")
        ->check(CLI::Range(1, 24 * 3'600))
        ->capture_default_str();
  }

  std::string HelpOfChosen() const {
    for (const CLI::App* verb : source_verbs_) {
      const std::string parent = verb->get_parent()->get_name();
      const bool top = parent == "source" || parent == "job" || parent == "timer";
      const std::string before = (top ? "mms " : "mms source ") + parent;
      if (verb->parsed()) return verb->help(before);
    }
    for (const CLI::App* verb : verbs_) {
      if (verb->parsed()) return verb->help("mms");
    }
    return app_.help();
  }

  /// Only the parser's words, never the arguments: a secret typed by mistake is not repeated. One
  /// thing is worth more: the verb that was meant.
  int Usage(const CLI::ParseError& error, int argc, char** argv) {
    Output output(false);
    if (argc < 2) {
      output.Log(app_.help());
      return static_cast<int>(ExitCode::kUsage);
    }
    std::string text = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr ||
                               dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr
                           ? "an argument was not expected or lacks its value"
                           : error.what();
    std::vector<std::string> names;
    for (const CLI::App* verb : verbs_) {
      if (!verb->get_group().empty()) names.push_back(verb->get_name());
      if (verb->parsed()) text += "; see mms " + verb->get_name() + " --help";
    }
    const std::string_view first = argv[1];
    if (app_.get_subcommands().empty() && !first.starts_with('-')) {
      const std::vector<std::string_view> words(names.begin(), names.end());
      const std::string_view nearest = NearestOf(first, words);
      text = "the first argument is not a verb of mms";
      if (!nearest.empty()) text += "; did you mean mms " + std::string(nearest) + "?";
      text += " See mms --help";
    }
    output.Log("error: " + text + " [USAGE]");
    return static_cast<int>(ExitCode::kUsage);
  }

  CLI::App app_{"Moves Delta tables from Databricks into MaxCompute and proves that they arrived",
                "mms"};
  Arguments arguments_;
  JobCommand jobs_;
  std::vector<CLI::App*> verbs_;
  std::vector<CLI::App*> source_verbs_;
  Verb chosen_;
};

}  // namespace

int Main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "");
  std::signal(SIGPIPE, SIG_IGN);  // a peer or reader that goes away is an error value, not our end
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);  // a core would hold secrets
  try {
    return CommandLine().Run(argc, argv);
  } catch (const std::exception& exception) {
    Output(false).Log(std::string("error: unexpected: ") + exception.what() +
                      "; this is a bug of mms, please report it with the command [INTERNAL]");
    return static_cast<int>(ExitCode::kBug);
  }
}

}  // namespace mms::terminal
