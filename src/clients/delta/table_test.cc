// Against the real kernel, on tables whose logs are written here: a log is all that planning reads.
#include "clients/delta/table.h"

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace mms::delta {
namespace {

constexpr char kProtocol[] = R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}})";
constexpr char kMetadata[] =
    R"({"metaData":{"id":"11111111-2222-3333-4444-555555555555",)"
    R"("format":{"provider":"parquet","options":{}},)"
    R"("schemaString":"{\"type\":\"struct\",\"fields\":[)"
    R"({\"name\":\"id\",\"type\":\"long\",\"nullable\":false,\"metadata\":{}},)"
    R"({\"name\":\"amount\",\"type\":\"decimal(10,2)\",\"nullable\":true,\"metadata\":{}},)"
    R"({\"name\":\"p\",\"type\":\"string\",\"nullable\":true,\"metadata\":{}}]}",)"
    R"("partitionColumns":["p"],"configuration":{"a.b":"c"},"createdTime":1}})";

class DeltaTable : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "delta_table_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::filesystem::create_directories(folder_ / "_delta_log");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Commit(int version, const std::vector<std::string>& actions) {
    char name[32];
    std::snprintf(name, sizeof(name), "%020d.json", version);
    std::ofstream file(folder_ / "_delta_log" / name);
    for (const std::string& action : actions) file << action << "\n";
  }

  Result<std::unique_ptr<Table>> Open(std::optional<int64_t> version = std::nullopt) {
    return Table::Open({"file://" + folder_.string() + "/", {}, nullptr}, version);
  }

  static std::vector<File> Files(Table& table, bool with_statistics = false) {
    std::vector<File> files;
    const Status status = table.ListFiles(with_statistics, [&](File file) {
      files.push_back(std::move(file));
      return OkStatus();
    });
    EXPECT_TRUE(status) << status.error().ToString();
    std::sort(files.begin(), files.end(),
              [](const File& a, const File& b) { return a.path < b.path; });
    return files;
  }

  std::filesystem::path folder_;
};

std::string Add(const std::string& path, const std::string& rest) {
  return R"({"add":{"path":")" + path + R"(","size":10,"modificationTime":5,"dataChange":true,)" +
         rest + "}}";
}

TEST_F(DeltaTable, IsDescribedByItsLog) {
  Commit(0, {kProtocol, kMetadata});
  auto table = Open();
  ASSERT_TRUE(table) << table.error().ToString();
  const TableInfo& info = (*table)->info();
  EXPECT_EQ(info.version, 0);
  EXPECT_TRUE(info.timestamp_ms.has_value());
  EXPECT_EQ(info.id, "11111111-2222-3333-4444-555555555555");
  EXPECT_EQ(info.min_reader, 1);
  EXPECT_EQ(info.partition_columns, std::vector<std::string>{"p"});
  EXPECT_EQ(info.configuration.at("a.b"), "c");
  EXPECT_EQ(info.column_mapping, "none");
  EXPECT_EQ((*table)->logical_schema()->field_names(),
            (std::vector<std::string>{"id", "amount", "p"}));
  EXPECT_EQ((*table)->physical_schema()->field_names(), (std::vector<std::string>{"id", "amount"}));
  EXPECT_TRUE((*table)->physical_schema()->field(1)->type()->Equals(arrow::decimal128(10, 2)));
  EXPECT_EQ(*(*table)->PhysicalName("p"), "p");
  EXPECT_EQ((*table)->PhysicalName("q").error().code(), "DELTA_COLUMN_NOT_FOUND");
  EXPECT_TRUE(Files(**table).empty());
}

TEST_F(DeltaTable, ListsLiveFilesOfThePinnedVersion) {
  Commit(0, {kProtocol, kMetadata, Add("p=a/one", R"("partitionValues":{"p":"a"})")});
  Commit(1, {R"({"remove":{"path":"p=a/one","dataChange":true,"deletionTimestamp":1}})",
             Add("p=b/two", R"("partitionValues":{"p":"b"})")});
  const std::vector<File> newest = Files(**Open());
  ASSERT_EQ(newest.size(), 1u);
  EXPECT_EQ(newest[0].path, "p=b/two");
  EXPECT_EQ(newest[0].size_bytes, 10);
  EXPECT_EQ(newest[0].modified_ms, 5);
  const std::vector<File> first = Files(**Open(0));
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].path, "p=a/one");
}

TEST_F(DeltaTable, DecodesPathsOnceAndTakesEmptyForNull) {
  Commit(0,
         {kProtocol, kMetadata, Add("1/p=a%2520b%3A/f", R"("partitionValues":{"p":"a%20b:"})"),
          Add("2", R"("partitionValues":{"p":""})"), Add("3", R"("partitionValues":{"p":null})")});
  const std::vector<File> files = Files(**Open());
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(files[0].path, "1/p=a%20b:/f");
  EXPECT_EQ(files[0].partition_values.at("p"), "a%20b:");
  EXPECT_EQ(files[1].partition_values.at("p"), std::nullopt);
  EXPECT_EQ(files[2].partition_values.at("p"), std::nullopt);
}

TEST_F(DeltaTable, KnowsRowsOnlyWhereTheLogDoes) {
  const std::string values = R"("partitionValues":{"p":"a"})";
  Commit(0, {kProtocol, kMetadata, Add("1", values + R"(,"stats":"{\"numRecords\":7}")"),
             Add("2", values), Add("3", values + R"(,"stats":"{}")")});
  auto table = Open();
  for (const bool with_statistics : {false, true}) {
    const std::vector<File> files = Files(**table, with_statistics);
    ASSERT_EQ(files.size(), 3u);
    EXPECT_EQ(files[0].rows, 7);
    EXPECT_EQ(files[1].rows, std::nullopt);
    EXPECT_EQ(files[2].rows, std::nullopt);
    EXPECT_EQ(files[0].statistics, with_statistics ? R"({"numRecords":7})" : "");
  }
}

// Rows 3, 4, 7, 11, 18, 29: magic number and portable 64-bit Roaring bitmap, in z85.
constexpr char kInline[] = "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L";
constexpr char kVectorProtocol[] =
    R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,)"
    R"("readerFeatures":["deletionVectors"],"writerFeatures":["deletionVectors"]}})";

TEST_F(DeltaTable, ReadsADeletionVector) {
  Commit(0, {kVectorProtocol, kMetadata,
             Add("1", std::string(R"("partitionValues":{"p":"a"},"stats":"{\"numRecords\":40}",)") +
                          R"("deletionVector":{"storageType":"i","pathOrInlineDv":")" + kInline +
                          R"(","sizeInBytes":44,"cardinality":6})")});
  auto table = Open();
  ASSERT_TRUE(table) << table.error().ToString();
  EXPECT_EQ((*table)->info().reader_features, std::vector<std::string>{"deletionVectors"});
  const std::vector<File> files = Files(**table);
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].rows, 40);
  ASSERT_TRUE(files[0].deletion_vector.has_value());
  EXPECT_EQ(*files[0].deletion_vector, (DeletionVector{"i", kInline, std::nullopt, 44, 6}));
  auto rows = (*table)->ReadDeletionVector(*files[0].deletion_vector);
  ASSERT_TRUE(rows) << rows.error().ToString();
  EXPECT_EQ(*rows, (std::vector<uint64_t>{3, 4, 7, 11, 18, 29}));
}

TEST_F(DeltaTable, RefusesADeletionVectorThatIsNotWhatTheLogSays) {
  Commit(0, {kVectorProtocol, kMetadata});
  auto table = Open();
  ASSERT_TRUE(table);
  const DeletionVector vectors[] = {{"i", kInline, std::nullopt, 44, 5},
                                    {"i", "wi5b=000", std::nullopt, 44, 6},
                                    {"x", kInline, std::nullopt, 44, 6}};
  for (const DeletionVector& vector : vectors) {
    auto rows = (*table)->ReadDeletionVector(vector);
    ASSERT_FALSE(rows);
    EXPECT_EQ(rows.error().kind(), ErrorKind::kCorrupt) << rows.error().ToString();
  }
  auto missing = (*table)->ReadDeletionVector({"u", "ab^-aqEH.-t@S}K{vb[*k^", 1, 40, 6});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind(), ErrorKind::kNotFound) << missing.error().ToString();
}

TEST_F(DeltaTable, RefusesAReaderFeatureByItsName) {
  for (const std::string feature : {"fromTheFuture", "variantType", "variantShredding"}) {
    Commit(0, {R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":[")" +
                   feature + R"("],"writerFeatures":[")" + feature + R"("]}})",
               kMetadata});
    auto table = Open();
    ASSERT_FALSE(table) << feature;
    EXPECT_EQ(table.error().kind(), ErrorKind::kUnsupported) << table.error().ToString();
    EXPECT_EQ(table.error().code(), "DELTA_FEATURE_UNSUPPORTED");
    EXPECT_NE(table.error().message().find("\"" + feature + "\""), std::string::npos)
        << table.error().ToString();
  }
}

TEST_F(DeltaTable, RefusesATableWhoseNewestCommitsAreWithItsCatalog) {
  std::string metadata = kMetadata;
  const std::string key = R"("a.b":"c")";
  metadata.replace(metadata.find(key), key.size(), R"("delta.enableInCommitTimestamps":"true")");
  Commit(0, {R"({"commitInfo":{"inCommitTimestamp":5,"timestamp":5}})",
             R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,)"
             R"("readerFeatures":["catalogManaged"],)"
             R"("writerFeatures":["catalogManaged","inCommitTimestamp"]}})",
             metadata});
  auto table = Open();
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().kind(), ErrorKind::kUnsupported) << table.error().ToString();
  EXPECT_NE(table.error().message().find("catalogManaged"), std::string::npos)
      << table.error().ToString();
}

TEST_F(DeltaTable, UsesPhysicalNamesUnderColumnMapping) {
  Commit(0, {R"({"protocol":{"minReaderVersion":2,"minWriterVersion":5}})",
             R"({"metaData":{"id":"x","format":{"provider":"parquet","options":{}},"schemaString":)"
             R"("{\"type\":\"struct\",\"fields\":[)"
             R"({\"name\":\"a\",\"type\":\"long\",\"nullable\":true,\"metadata\":)"
             R"({\"delta.columnMapping.id\":4,\"delta.columnMapping.physicalName\":\"col-1\"}},)"
             R"({\"name\":\"p q\",\"type\":\"string\",\"nullable\":true,\"metadata\":)"
             R"({\"delta.columnMapping.id\":5,\"delta.columnMapping.physicalName\":\"col-2\"}}]}",)"
             R"("partitionColumns":["p q"],"configuration":{"delta.columnMapping.mode":"name",)"
             R"("delta.columnMapping.maxColumnId":"5"},"createdTime":1}})",
             Add("col-2=z/f", R"("partitionValues":{"col-2":"z"})")});
  auto table = Open();
  ASSERT_TRUE(table) << table.error().ToString();
  EXPECT_EQ((*table)->info().column_mapping, "name");
  EXPECT_EQ(*(*table)->PhysicalName("a"), "col-1");
  EXPECT_EQ(*(*table)->PhysicalName("p q"), "col-2");
  EXPECT_EQ((*table)->physical_schema()->field_names(), std::vector<std::string>{"col-1"});
  const auto metadata = (*table)->physical_schema()->field(0)->metadata();
  ASSERT_NE(metadata, nullptr);
  EXPECT_EQ(*metadata->Get("PARQUET:field_id"), "4");
  EXPECT_EQ(Files(**table)[0].partition_values.at("col-2"), "z");
}

TEST_F(DeltaTable, SaysWhatIsMissingAndWhatIsBroken) {
  EXPECT_EQ(Open().error().code(), "DELTA_NOT_FOUND");
  EXPECT_EQ(Table::Open({"file:///nowhere/at/all/", {}, nullptr}, {}).error().code(),
            "DELTA_NOT_FOUND");
  EXPECT_EQ(Table::Open({"gs://bucket/", {}, nullptr}, {}).error().code(), "DELTA_ARGUMENT");
  Commit(0, {kProtocol, kMetadata});
  EXPECT_EQ(Open(7).error().code(), "DELTA_NOT_FOUND");
  EXPECT_EQ(Open(-1).error().code(), "DELTA_ARGUMENT");
  Commit(1, {"{\"add\": nonsense"});
  auto table = Open();
  if (table) {
    const Status listed = (*table)->ListFiles(false, [](File) { return OkStatus(); });
    ASSERT_FALSE(listed);
    EXPECT_EQ(listed.error().code(), "DELTA_LOG_INVALID") << listed.error().ToString();
  } else {
    EXPECT_EQ(table.error().code(), "DELTA_LOG_INVALID") << table.error().ToString();
  }
}

Table::Place Remote(Transport transport) {
  return {"az://lake/t/",
          {{"azure_storage_account_name", "acct"}, {"azure_storage_endpoint", "http://h/acct"}},
          std::move(transport)};
}

TEST_F(DeltaTable, TheTransportsErrorIsTheTables) {
  std::atomic<int> sent{0};
  const auto table = Table::Open(Remote([&](const HttpRequest&) -> Result<HttpResponse> {
                                   ++sent;
                                   return Error(ErrorKind::kDenied, "STORAGE_SAS_EXPIRED", "ended");
                                 }),
                                 {});
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code(), "STORAGE_SAS_EXPIRED") << table.error().ToString();
  EXPECT_EQ(table.error().kind(), ErrorKind::kDenied);
  EXPECT_EQ(sent, 1) << "it does not pass by itself";
}

TEST_F(DeltaTable, AnErrorThatMayPassIsTriedAgain) {
  std::atomic<int> sent{0};
  const auto table = Table::Open(Remote([&](const HttpRequest& request) -> Result<HttpResponse> {
                                   if (++sent == 1) {
                                     return Error(ErrorKind::kUnavailable, "AWAY", "for now");
                                   }
                                   EXPECT_EQ(request.method, "GET");
                                   HttpResponse missing;
                                   missing.status = 404;
                                   return missing;
                                 }),
                                 {});
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code(), "DELTA_NOT_FOUND") << table.error().ToString();
  EXPECT_GT(sent, 1);
}

TEST_F(DeltaTable, AStatusThatBlamesTheRequestIsDeniedWithoutItsSecrets) {
  const auto table = Table::Open(Remote([&](const HttpRequest& request) -> Result<HttpResponse> {
                                   EXPECT_TRUE(request.url.starts_with("http://h/acct/lake"));
                                   HttpResponse refused;
                                   refused.status = 400;
                                   refused.body = "no sig=CANARYCANARY here";
                                   return refused;
                                 }),
                                 {});
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code(), "STORAGE_DENIED") << table.error().ToString();
  EXPECT_EQ(table.error().ToString().find("CANARY"), std::string::npos);
}

std::string Action(const std::string& kind, const std::string& path, const std::string& rest) {
  return "{\"" + kind + R"(":{"path":")" + path +
         R"(","size":10,"modificationTime":5,"deletionTimestamp":5,)" + rest + "}}";
}

TEST_F(DeltaTable, TellsWhichPartitionsLaterCommitsTouchedWithData) {
  Commit(0,
         {kProtocol, kMetadata, Add("1", R"("partitionValues":{"p":"a"})"),
          Add("2", R"("partitionValues":{"p":"b"})"), Add("3", R"("partitionValues":{"p":"c"})")});
  Commit(1, {Action("remove", "1", R"("dataChange":true,"partitionValues":{"p":"a"})"),
             Action("add", "4", R"("dataChange":true,"partitionValues":{"p":"a"})")});
  Commit(2, {Action("remove", "2", R"("dataChange":false,"partitionValues":{"p":"b"})"),
             Action("add", "5", R"("dataChange":false,"partitionValues":{"p":"b"})")});
  auto table = Open();
  ASSERT_TRUE(table) << table.error().ToString();
  auto changes = (*table)->ListChanges(0);
  ASSERT_TRUE(changes) << changes.error().ToString();
  ASSERT_EQ(changes->partitions.size(), 1U) << "OPTIMIZE touches nothing";
  EXPECT_EQ(changes->partitions[0].values.at("p"), "a");
  EXPECT_EQ(changes->partitions[0].last.version, 1);
  ASSERT_TRUE(changes->last.has_value());
  EXPECT_EQ(changes->last->version, 1);
  EXPECT_FALSE(changes->unattributed);
  EXPECT_FALSE(changes->metadata_changed);
  EXPECT_TRUE((*table)->ListChanges(1)->partitions.empty());
  EXPECT_TRUE((*table)->ListChanges(2)->partitions.empty());
}

TEST_F(DeltaTable, SaysThatARemovedFilesPartitionIsNotTold) {
  Commit(0, {kProtocol, kMetadata, Add("1", R"("partitionValues":{"p":"a"})")});
  Commit(1, {Action("remove", "1", R"("dataChange":true)"), kMetadata});
  auto changes = (*Open())->ListChanges(0);
  ASSERT_TRUE(changes) << changes.error().ToString();
  EXPECT_TRUE(changes->unattributed);
  EXPECT_TRUE(changes->metadata_changed);
  EXPECT_TRUE(changes->partitions.empty());
}

TEST_F(DeltaTable, RefusesToTellChangesOfCommitsThatAreGone) {
  Commit(0, {kProtocol, kMetadata});
  Commit(1, {Add("1", R"("partitionValues":{"p":"a"})")});
  Commit(2, {Add("2", R"("partitionValues":{"p":"a"})")});
  auto table = Open();
  ASSERT_TRUE(table);
  std::filesystem::remove(folder_ / "_delta_log" / "00000000000000000001.json");
  auto changes = (*table)->ListChanges(0);
  ASSERT_FALSE(changes);
  EXPECT_EQ(changes.error().code(), "DELTA_NOT_FOUND") << changes.error().ToString();
}

TEST_F(DeltaTable, ALogsEndTellsUnchangedChangedAndReplaced) {
  const std::string url = "file://" + folder_.string() + "/";
  Commit(0, {kProtocol, kMetadata});
  const std::string mark = (*Open())->info().commit_mark;
  auto end = FindLogEnd({url, {}, {}}, 0);
  ASSERT_TRUE(end) << end.error().ToString();
  EXPECT_EQ(end->newest, 0);
  EXPECT_EQ(end->mark, mark);
  EXPECT_NE(mark, "");
  for (int version = 1; version <= 10; ++version) {
    Commit(version, {Add("f", R"("partitionValues":{"p":"a"})")});
    end = FindLogEnd({url, {}, {}}, version - 1);
    ASSERT_TRUE(end) << end.error().ToString();
    EXPECT_EQ(end->newest, version) << "also where the number of digits grows";
  }
  Commit(10, {kProtocol, kMetadata, Add("another", R"("partitionValues":{"p":"a"})")});
  EXPECT_NE(FindLogEnd({url, {}, {}}, 10)->mark, (*Open(9))->info().commit_mark);
  std::filesystem::remove(folder_ / "_delta_log" / "00000000000000000010.json");
  EXPECT_EQ(FindLogEnd({url, {}, {}}, 10)->mark, "");
}

TEST_F(DeltaTable, StopsListingWhenTheVisitorFails) {
  Commit(0, {kProtocol, kMetadata, Add("1", R"("partitionValues":{"p":"a"})"),
             Add("2", R"("partitionValues":{"p":"a"})")});
  int visited = 0;
  const Status status = (*Open())->ListFiles(false, [&](File) -> Status {
    ++visited;
    return Error(ErrorKind::kCancelled, "STOP", "enough");
  });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), "STOP");
  EXPECT_EQ(visited, 1);
}

}  // namespace
}  // namespace mms::delta
