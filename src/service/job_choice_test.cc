#include "service/job_choice.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "service/example_source.h"

namespace mms::service {
namespace {

using migration::Metadata;

class ChooseTasksTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "choice-XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    metadata_ = *Metadata::Open(folder_);
    job_.src_db = "s";
  }
  void TearDown() override {
    metadata_.reset();
    std::filesystem::remove_all(folder_);
  }

  /// A table whose partitions p=0, 1, ... have these bytes; none = without partitions.
  void Put(const std::string& name, const std::vector<int64_t>& bytes) {
    std::vector<migration::PartitionEntry> partitions;
    for (size_t i = 0; i < bytes.size(); ++i) {
      partitions.push_back(Partition("[\"" + std::to_string(i) + "\"]", bytes[i]));
    }
    PutTable(name, "int", partitions);
  }
  /// One whose partitions have these values of p, each as JSON.
  void PutValues(const std::string& name, const std::string& type,
                 const std::vector<std::string>& values) {
    std::vector<migration::PartitionEntry> partitions;
    for (const std::string& value : values) partitions.push_back(Partition("[" + value + "]", 1));
    PutTable(name, type, partitions);
  }
  static migration::PartitionEntry Partition(const std::string& values, int64_t bytes) {
    migration::PartitionEntry partition;
    partition.values = values;
    partition.bytes = bytes;
    partition.rows = 1;
    partition.data_version = 1;
    return partition;
  }
  void PutTable(const std::string& name, const std::string& type,
                const std::vector<migration::PartitionEntry>& partitions) {
    const int64_t scan = *metadata_->BeginScan("", 1);
    migration::ListedTable listed;
    listed.name = "main.s." + name;
    listed.database = "s";
    listed.table = name;
    listed.columns_json = R"([{"name":"p","type":")" + type + R"("},{"name":"n","type":"string"}])";
    listed.catalog_id = name;
    ASSERT_TRUE(metadata_->SaveDatabase(scan, "s", ""));
    ASSERT_TRUE(metadata_->SaveListed(scan, {listed}));
    migration::TableRead read;
    read.table_id = (*metadata_->FindTable(listed.name))->id;
    read.entry.version = read.entry.data_version = 1;
    read.entry.delta_id = "d";
    read.entry.rows = 10;
    read.entry.bytes = 100;
    const bool levels = !partitions.empty() && partitions[0].values.find(',') != std::string::npos;
    read.entry.partition_columns = partitions.empty() ? "[]" : levels ? R"(["p","n"])" : R"(["p"])";
    if (!partitions.empty()) read.entry.partitions = static_cast<int64_t>(partitions.size());
    read.inserts = partitions;
    ASSERT_TRUE(metadata_->SaveRead(scan, read));
    ASSERT_TRUE(metadata_->EndScan(scan, {migration::ScanState::kDone, "{}", 2}));
  }
  /// "orders", partitioned by p and n.
  void PutLevels(const std::vector<std::string>& values) {
    std::vector<migration::PartitionEntry> partitions;
    for (const std::string& value : values) partitions.push_back(Partition(value, 1));
    PutTable("orders", "string", partitions);
  }
  void Vanish(const std::string& value) {
    const int64_t scan = *metadata_->BeginScan("", 3);
    const auto table = *metadata_->FindTable("main.s.orders");
    migration::TableRead read;
    read.table_id = table->id;
    read.entry = *table;
    const std::vector<migration::PartitionEntry> all = *metadata_->AllPartitions(table->id);
    for (const migration::PartitionEntry& partition : all) {
      if (partition.values == value) read.vanished.push_back(partition.id);
    }
    ASSERT_TRUE(metadata_->SaveRead(scan, read));
    ASSERT_TRUE(metadata_->EndScan(scan, {migration::ScanState::kDone, "{}", 4}));
  }
  void Done(const std::string& name, const std::string& value = "") {
    Metadata::StatusChange change{"main.s." + name, value.empty(), {}};
    if (!value.empty()) change.values = {value};
    change.status = migration::ObjectStatus::kDone;
    ASSERT_TRUE(metadata_->SetStatus(change));
  }

  Result<JobChoice> Choose() {
    tasks_.clear();
    return ChooseTasks(*metadata_, job_, rules_, [&](const Store::NewTask& task) -> Status {
      tasks_.push_back(task);
      return OkStatus();
    });
  }
  /// "orders 2", ...: each task's table and number of partitions.
  std::vector<std::string> Chosen() {
    const auto choice = Choose();
    EXPECT_TRUE(choice) << choice.error().ToString();
    std::vector<std::string> names;
    for (const Store::NewTask& made : tasks_) {
      const std::string number = std::to_string(made.task.partitions);
      names.push_back(made.task.src_table + (made.task.whole_table ? "" : " " + number));
    }
    return names;
  }
  std::string CodeOf() {
    const auto choice = Choose();
    EXPECT_TRUE(tasks_.empty()) << "errors come before the first task";
    return choice ? "chosen" : choice.error().code();
  }

  void Mean(const std::string& condition, const std::string& table = "orders") {
    job_.type = JobType::kTables;
    job_.config.tables = {table};
    job_.config.partition_filters = {{table, condition}};
  }

  using Names = std::vector<std::string>;
  std::string folder_;
  std::unique_ptr<Metadata> metadata_;
  Job job_;
  ChoiceRules rules_;
  std::vector<Store::NewTask> tasks_;
};

TEST_F(ChooseTasksTest, ATaskIsClosedByItsPartitionsOrByItsBytes) {
  rules_.size = {3, 1};
  Put("orders", {400'000'000, 700'000'000, 1, 1, 1, 1});
  EXPECT_EQ(Chosen(), (Names{"orders 2", "orders 3", "orders 1"}));
  EXPECT_EQ(tasks_[0].task.bytes, 1'100'000'000) << "the last one may overshoot";
  EXPECT_EQ(tasks_[1].task.turn, 1);
  EXPECT_EQ(tasks_[1].values, (Names{R"(["2"])", R"(["3"])", R"(["4"])"}));
  rules_.size = {3, 0};
  EXPECT_EQ(Chosen(), (Names{"orders 3", "orders 3"})) << "of no limit of bytes";
  rules_.size = {0, 1};
  EXPECT_EQ(Chosen(), (Names{"orders 2", "orders 4"}));
  rules_.size = {0, 0};
  EXPECT_EQ(Chosen(), (Names{"orders 6"}));
}

TEST_F(ChooseTasksTest, PartitionsThatBecomeOneGoTogether) {
  rules_.size = {2, 0};
  PutValues("days", "string",
            {R"("a","1")", R"("a","2")", R"("a","3")", R"("b","1")", R"("c","1")", R"("c","2")"});
  EXPECT_EQ(Chosen(), (Names{"days 2", "days 2", "days 2"}));
  rules_.levels = 1;
  EXPECT_EQ(Chosen(), (Names{"days 3", "days 3"}));
  EXPECT_EQ(tasks_[0].values.back(), R"(["a","3"])");
  rules_.levels = 0;
  EXPECT_EQ(Chosen(), (Names{"days 6"})) << "of a table without partitions";
}

TEST_F(ChooseTasksTest, OfBothListsOnlyTheBlacklistCounts) {
  for (const char* name : {"a", "b", "c"}) Put(name, {});
  job_.config.table_whitelist = {"A", "s.b"};
  EXPECT_EQ(Chosen(), (Names{"a", "b"}));
  job_.config.table_blacklist = {"*.b", "other.c"};
  EXPECT_EQ(Chosen(), (Names{"a", "c"}));
}

TEST_F(ChooseTasksTest, WhatTheSourcesListsLeaveOutByNowIsNotThere) {
  for (const char* name : {"a", "b"}) Put(name, {});
  rules_.filter.table_blacklist = {"s.B"};
  EXPECT_EQ(Chosen(), (Names{"a"}));
  job_.type = JobType::kTables;
  job_.config.tables = {"b"};
  EXPECT_EQ(CodeOf(), "JOB_TABLES_NOT_FOUND");
  job_.type = JobType::kDatabase;
  job_.config = {};
  rules_.filter = {};
  rules_.filter.schema_whitelist = {"other"};
  EXPECT_EQ(CodeOf(), "JOB_TABLES_NOT_FOUND");
  rules_.filter = {};
  EXPECT_EQ(Chosen(), (Names{"a", "b"})) << "as they were known before";
}

TEST_F(ChooseTasksTest, WhatIsCompletedIsLeftOutUnlessAllIsWanted) {
  Put("flat", {});
  Put("orders", {1, 1, 1});
  Done("flat");
  Done("orders", R"(["1"])");
  EXPECT_EQ(Chosen(), (Names{"orders 2"}));
  const JobChoice choice = *Choose();
  EXPECT_EQ(choice.completed, 1);
  EXPECT_EQ(choice.completed_names, (Names{"main.s.flat"}));
  EXPECT_EQ(choice.completed_partitions, 1);
  job_.type = JobType::kTables;
  job_.config.tables = {"orders"};
  job_.config.partition_filters = {{"orders", "p = 2"}};
  EXPECT_EQ(Choose()->completed_partitions, 0) << "what is not meant is not left out";
  job_.type = JobType::kDatabase;
  job_.config = {};
  job_.config.increment = false;
  EXPECT_EQ(Chosen(), (Names{"flat", "orders 3"}));
}

TEST_F(ChooseTasksTest, WhatGoesByAnotherNameAtTheTargetByNowIsNotCompleted) {
  PutValues("orders", "string", {R"("a/b")", R"("c")"});
  Metadata::StatusChange change{"main.s.orders", false, {R"(["a/b"])", R"(["c"])"}};
  change.status = migration::ObjectStatus::kDone;
  job_.dst_project = "dw";
  change.copied_as = {R"(dw.orders/["a_b"])", R"(dw.orders/["c"])"};
  ASSERT_TRUE(metadata_->SetStatus(change));
  rules_.policy.partition_value_map = {{"/", "_"}};
  EXPECT_TRUE(Chosen().empty());
  rules_.policy.partition_value_map = {{"/", "-"}};
  EXPECT_EQ(Chosen(), (Names{"orders 1"}));
  EXPECT_EQ(tasks_[0].values, (Names{R"(["a/b"])"}));
  rules_.policy.partition_value_map = {};
  EXPECT_TRUE(Chosen().empty()) << "it could have no name there";

  change.copied_as = {"", R"(dw.orders/["c"])"};
  ASSERT_TRUE(metadata_->SetStatus(change));
  rules_.policy.partition_value_map = {{"/", "-"}};
  EXPECT_EQ(Chosen(), (Names{"orders 1"})) << "it was copied under other settings";
  change.settled = true;
  change.copied_as.clear();
  ASSERT_TRUE(metadata_->SetStatus(change));
  EXPECT_TRUE(Chosen().empty()) << "a user says that it is done";
}

TEST_F(ChooseTasksTest, WhatWasCopiedToAnotherTableIsNotCompleted) {
  Put("orders", {1, 1});
  Put("flat", {});
  Put("empty", {});
  job_.dst_project = "dw";
  Metadata::StatusChange change{"main.s.orders", false, {R"(["0"])", R"(["1"])"}};
  change.status = migration::ObjectStatus::kDone;
  change.copied_as = {R"(dw.orders/["0"])", R"(dw2.orders/["1"])"};
  ASSERT_TRUE(metadata_->SetStatus(change));
  Metadata::StatusChange flat{"main.s.flat"};
  flat.status = migration::ObjectStatus::kDone;
  flat.copied_as = {"dw.flat"};
  ASSERT_TRUE(metadata_->SetStatus(flat));
  Done("empty");  // by an earlier release, which did not keep where to
  EXPECT_EQ(Chosen(), (Names{"orders 1"}));
  EXPECT_EQ(tasks_[0].values, (Names{R"(["1"])"}));
  job_.dst_project = "DW2";
  EXPECT_EQ(Chosen(), (Names{"flat", "orders 1"}));
  job_.dst_project = "dw";
  job_.config.table_mapping = {{"orders", "sales"}, {"flat", "plain"}};
  EXPECT_EQ(Chosen(), (Names{"flat", "orders 2"}));
  job_.config.table_mapping = {};
  job_.dst_schema = "raw";
  EXPECT_EQ(Chosen(), (Names{"flat", "orders 2"}));

  flat.settled = change.settled = true;
  flat.copied_as.clear();
  change.copied_as.clear();
  ASSERT_TRUE(metadata_->SetStatuses({flat, change}));
  EXPECT_TRUE(Chosen().empty()) << "a user says that they are done";
}

TEST_F(ChooseTasksTest, WhatIsMergedIsCopiedAgainWhenAPartOfItHasLeftTheSource) {
  PutLevels({R"(["a","x"])", R"(["a","y"])", R"(["b","x"])"});
  rules_.levels = 1;
  job_.dst_project = "dw";
  EXPECT_EQ(Chosen(), (Names{"orders 3"}));
  Metadata::StatusChange change{"main.s.orders", false, tasks_[0].values};
  change.status = migration::ObjectStatus::kDone;
  change.copied_as = {R"(dw.orders/["a"])", R"(dw.orders/["a"])", R"(dw.orders/["b"])"};
  ASSERT_TRUE(metadata_->SetStatus(change));
  EXPECT_TRUE(Chosen().empty());
  rules_.levels = 2;
  EXPECT_EQ(Chosen(), (Names{"orders 3"})) << "they go to partitions of their own now";
  rules_.levels = 1;

  Vanish(R"(["a","y"])");
  EXPECT_EQ(Chosen(), (Names{"orders 1"}));
  EXPECT_EQ(tasks_[0].values, (Names{R"(["a","x"])"}));
  rules_.levels = 0;
  EXPECT_EQ(Chosen(), (Names{"orders 2"}));
}

TEST_F(ChooseTasksTest, ViewsAreTakenWhenTheyAreAskedForAndEachTime) {
  Put("flat", {});
  const int64_t scan = *metadata_->BeginScan("", 1);
  migration::ListedTable view;
  view.name = "main.s.seen";
  view.database = "s";
  view.table = "seen";
  view.kind = "VIEW";
  view.error_json = R"({"code":"TABLE_KIND_UNSUPPORTED"})";
  ASSERT_TRUE(metadata_->SaveListed(scan, {view}));
  Done("flat");
  Done("seen");
  EXPECT_EQ(Chosen(), Names());
  EXPECT_EQ(Choose()->refused_count, 1);
  job_.config.others["views"] = "true";
  EXPECT_EQ(Chosen(), (Names{"seen"})) << "though it is Completed";
  EXPECT_EQ(Choose()->refused_count, 0);
}

TEST_F(ChooseTasksTest, WhatLeftTheSourceAloneIsATaskOfAJobOfWholeTablesOnce) {
  Put("orders", {1, 1});
  Done("orders");
  migration::TableRead read;
  read.table_id = (*metadata_->FindTable("main.s.orders"))->id;
  read.entry = **metadata_->FindTable("main.s.orders");
  read.entry.version = read.entry.data_version = 2;
  read.change = migration::TableChange::kUpdated;
  const auto partitions = metadata_->AllPartitions(read.table_id);
  ASSERT_TRUE(partitions);
  for (const auto& partition : *partitions) {
    if (partition.values == R"(["1"])") read.vanished.push_back(partition.id);
  }
  ASSERT_TRUE(metadata_->SaveRead(*metadata_->BeginScan("", 3), read));
  EXPECT_EQ(Chosen(), (Names{"orders 0"}));
  job_.config.data_migration = false;
  EXPECT_EQ(Chosen(), (Names{"orders"})) << "of the table alone";
  job_.config.data_migration = true;
  job_.type = JobType::kTables;
  job_.config.tables = {"orders"};
  job_.config.partition_filters = {{"orders", "p = 0"}};
  EXPECT_EQ(Chosen(), Names()) << "a part of the table";
  job_.type = JobType::kDatabase;
  job_.config = {};

  // Told of an older state: there is something to tell yet.
  Metadata::StatusChange told{"main.s.orders", true, {}, migration::ObjectStatus::kDone};
  told.alone = told.left_told = true;
  told.copied = Metadata::Copied{1, "d"};
  ASSERT_TRUE(metadata_->SetStatus(told));
  EXPECT_EQ(Chosen(), (Names{"orders 0"}));
  told.copied->version = 2;
  ASSERT_TRUE(metadata_->SetStatus(told));
  EXPECT_EQ(Chosen(), Names());
}

TEST_F(ChooseTasksTest, AFilterAndIdsChoosePartitions) {
  Put("orders", {1, 1, 1, 1});
  job_.type = JobType::kTables;
  job_.config.tables = {"orders"};
  job_.config.partition_filters = {{"orders", "p >= 2"}};
  EXPECT_EQ(Chosen(), (Names{"orders 2"}));
  job_.config.partition_filters = {{"orders", "p > 9"}};
  EXPECT_EQ(CodeOf(), "PARTITION_FILTER");
  job_.config.partition_filters = {{"people", "p = 1"}};
  EXPECT_EQ(CodeOf(), "PARTITION_FILTER");
  job_.config = {};
  job_.type = JobType::kPartitions;
  const auto all = metadata_->AllPartitions((*metadata_->FindTable("main.s.orders"))->id);
  job_.config.partitions = {all->at(1).id};
  EXPECT_EQ(Chosen(), (Names{"orders 1"}));
  EXPECT_EQ(tasks_[0].values, (Names{all->at(1).values}));
  job_.config.partitions = {999'999};
  EXPECT_EQ(CodeOf(), "JOB_PARTITIONS_NOT_FOUND");
}

TEST_F(ChooseTasksTest, AFilterIsOnTheSourcesValuesBeforeTheyAreMapped) {
  PutValues("orders", "string", {R"("a/b")", R"("c")"});
  rules_.policy.partition_value_map = {{"/", "_"}};
  Mean("p = 'a/b'");
  ASSERT_EQ(Chosen(), (Names{"orders 1"}));
  EXPECT_EQ(tasks_[0].values, (Names{R"(["a/b"])"}));
  Mean("p = 'a_b'");
  EXPECT_EQ(CodeOf(), "PARTITION_FILTER");
}

TEST_F(ChooseTasksTest, AFilterThatMeansNothingIsRefusedBeforeTheFirstTask) {
  PutValues("days", "string", {R"("7")", R"("x")"});
  const auto why = [&](const std::string& condition) {
    Mean(condition, "days");
    const auto choice = Choose();
    EXPECT_TRUE(tasks_.empty()) << condition;
    if (choice) return std::string("chosen");
    EXPECT_EQ(choice.error().code(), "PARTITION_FILTER");
    return choice.error().message();
  };
  EXPECT_NE(why("hour = 1").find("\"hour\" is no partition column; these are: p"),
            std::string::npos);
  const std::string number = why("p >= -5");
  EXPECT_NE(number.find("column p is compared with the number -5"), std::string::npos) << number;
  EXPECT_NE(number.find("\"x\""), std::string::npos) << number;
  EXPECT_NE(why("p = 'y'").find("none of the partitions of main.s.days meets p = 'y'"),
            std::string::npos);
}

TEST_F(ChooseTasksTest, ANullPartitionMeetsNoFilterAndANumberMayBeNegative) {
  PutValues("orders", "int", {R"("-3")", R"("5")", "null"});
  Mean("p = -3");
  ASSERT_EQ(Chosen(), (Names{"orders 1"}));
  EXPECT_EQ(tasks_[0].values, (Names{R"(["-3"])"}));
  Mean("p <> 5");
  ASSERT_EQ(Chosen(), (Names{"orders 1"}));
  EXPECT_EQ(tasks_[0].values, (Names{R"(["-3"])"}));
  job_.config.partition_filters.clear();
  EXPECT_EQ(Chosen(), (Names{"orders 3"}));
}

TEST_F(ChooseTasksTest, AFilterThatAnotherReadingWouldTakeOtherwiseIsWarnedOf) {
  Put("orders", {1, 1, 1});
  Mean("p = 0 OR p = 1 AND p <> 1");
  ASSERT_EQ(Chosen(), (Names{"orders 1"})) << "AND binds tighter";
  const auto warnings = Choose()->warnings;
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].find("partitionFilters: orders: \"p = 1 AND p <> 1\" is taken together"),
            0U)
      << warnings[0];
  EXPECT_EQ(ToJson(*Choose())["warnings"].size(), 1U);
  Mean("p = 0 OR (p = 1 AND p <> 1)");
  EXPECT_TRUE(Choose()->warnings.empty());
}

TEST_F(ChooseTasksTest, ATableWithoutAnyPartitionIsMadeOnce) {
  Put("empty", {});
  const int64_t scan = *metadata_->BeginScan("", 1);
  auto entry = **metadata_->FindTable("main.s.empty");
  migration::TableRead read;
  read.table_id = entry.id;
  read.entry = entry;
  read.entry.partition_columns = R"(["p"])";
  read.entry.partitions = 0;
  read.entry.bytes = 0;
  ASSERT_TRUE(metadata_->SaveRead(scan, read));
  EXPECT_EQ(Chosen(), (Names{"empty 0"}));
  Done("empty");
  EXPECT_EQ(Chosen(), Names());
}

TEST_F(ChooseTasksTest, NamesThatWouldBeOneAndTablesThatAreNotThereAreRefused) {
  Put("a", {});
  Put("b", {});
  job_.config.table_mapping = {{"a", "b"}};
  EXPECT_EQ(CodeOf(), "JOB_COLLISION");
  job_.config = {};
  job_.type = JobType::kTables;
  job_.config.tables = {"a", "nobody"};
  EXPECT_EQ(CodeOf(), "JOB_TABLES_NOT_FOUND");
  job_.config = {};
  job_.type = JobType::kDatabase;
  job_.src_db = "empty";
  EXPECT_EQ(CodeOf(), "JOB_TABLES_NOT_FOUND");
}

TEST_F(ChooseTasksTest, ColumnsThatWouldBeOneAreRefusedInPairs) {
  Put("flat", {});
  rules_.policy.column_name_map = {{"n", "p"}};
  const Error error = Choose().error();
  EXPECT_EQ(error.code(), "JOB_COLLISION");
  EXPECT_NE(error.message().find("columns would become one: main.s.flat: p and n into p;"),
            std::string::npos)
      << error.message();
  job_.config.column_mapping = {{"N", "number"}};
  EXPECT_EQ(Chosen(), (Names{"flat"}));
}

TEST_F(ChooseTasksTest, PartitionsThatWouldBeOneAreRefusedInPairs) {
  rules_.policy.partition_value_map = {{"/", "_"}, {"%", "_"}};
  PutValues("orders", "string", {R"("a_b")", R"("a/b")", R"("c")", R"("d/e")", R"("d%e")"});
  Error error = Choose().error();
  EXPECT_EQ(error.code(), "JOB_COLLISION");
  EXPECT_NE(error.message().find(R"(main.s.orders: ["d%e"] and ["d/e"] into d_e)"),
            std::string::npos)
      << error.message();
  EXPECT_NE(error.message().find(R"(["a/b"] and ["a_b"] into a_b)"), std::string::npos)
      << error.message();
  Mean("p = 'c'");
  EXPECT_EQ(Chosen(), (Names{"orders 1"})) << "those are not copied";
  Mean("p = 'a_b'");
  EXPECT_EQ(CodeOf(), "JOB_COLLISION") << "it may have been copied from a/b";
  job_.config = {};
  job_.type = JobType::kDatabase;
  for (const char* value : {R"(["a_b"])", R"(["a/b"])", R"(["d/e"])", R"(["d%e"])"}) {
    Done("orders", value);
  }
  EXPECT_EQ(Chosen(), (Names{"orders 1"})) << "nor these";
}

TEST_F(ChooseTasksTest, NamesFollowTheJobsMappingElseTheCharacterMapAndAreLowered) {
  rules_.policy.table_name_map = {{"%", "_"}};
  Put("Sale%s", {});
  ASSERT_EQ(Chosen(), (Names{"Sale%s"}));
  EXPECT_EQ(tasks_[0].task.dst_table, "sale_s");
  job_.config.table_mapping = {{"sale%s", "Bought"}};
  ASSERT_EQ(Chosen(), (Names{"Sale%s"}));
  EXPECT_EQ(tasks_[0].task.dst_table, "bought");
  job_.config.table_mapping = {};
  Put("sale_s", {});
  EXPECT_EQ(CodeOf(), "JOB_COLLISION");
}

TEST(ChoiceRules, TheSourcesListsAreInThem) {
  nlohmann::json settings = ExampleSettings();
  settings["source.database.whitelist"] = "s, t";
  settings["source.table.blacklist"] = "t.b";
  const auto rules = ChoiceRulesOf(*ApplyChanges({}, settings, false), {});
  ASSERT_TRUE(rules) << rules.error().ToString();
  EXPECT_TRUE(rules->filter.TakesTable("s", "b"));
  EXPECT_FALSE(rules->filter.TakesTable("t", "b"));
  EXPECT_FALSE(rules->filter.TakesTable("u", "a"));
}

TEST(ChoiceRules, CharacterMappingsAreInTheirOrder) {
  nlohmann::json settings = ExampleSettings();
  settings["table.name.mapping"] = R"({"%":"-","-":"_"})";
  const auto rules = ChoiceRulesOf(*ApplyChanges({}, settings, false), {});
  ASSERT_TRUE(rules) << rules.error().ToString();
  EXPECT_EQ(rules->policy.table_name_map, (migration::CharacterMap{{"%", "-"}, {"-", "_"}}));
}

TEST(ChoiceRules, AJobMayHaveItsOwnTaskSize) {
  const SourceConfig source = *ApplyChanges({}, ExampleSettings(), false);
  JobConfig job;
  EXPECT_EQ(ChoiceRulesOf(source, job)->size.partitions_max, 50);
  EXPECT_EQ(ChoiceRulesOf(source, job)->size.gigabytes_max, 5);
  job.others = {{"db.task.partition.max.num", "7"}};
  EXPECT_EQ(ChoiceRulesOf(source, job)->size.partitions_max, 7);
  job.others = {{"db.task.partition.max.num", "none"}};
  EXPECT_EQ(ChoiceRulesOf(source, job).error().code(), "CONFIG_VALUE");
  job.others = {{"mc.default.project", "x"}};
  EXPECT_EQ(ChoiceRulesOf(source, job).error().code(), "JOB_CONFIG");
}

}  // namespace
}  // namespace mms::service
