#include "terminal/report_csv.h"

#include <gtest/gtest.h>

#include "migration/evidence/example_ledger.h"

namespace mms::terminal {
namespace {

using migration::ExampleLedger;

std::vector<std::string> Lines(migration::Ledger& ledger) {
  std::vector<std::string> lines;
  const Status written = WriteCsv(ledger, [&](std::string_view line) {
    lines.emplace_back(line);
    return OkStatus();
  });
  EXPECT_TRUE(written) << written.error().ToString();
  return lines;
}

TEST(ReportCsv, HasARowForEachPartitionAndForATableWithoutAny) {
  ExampleLedger example("csv_rows");
  const auto lines = Lines(example.ledger());
  ASSERT_EQ(lines.size(), 7u);
  EXPECT_EQ(
      lines[0],
      "table,target_table,partition,version,state,verdict,rows_source,rows_copied,"
      "rows_target,bytes,files,source_checksum,target_checksum,difference,error,compared_by\r\n");
  EXPECT_EQ(lines[1],
            "main.s.orders,orders,ds=0,4,verified,Match,10,10,10,1000,1,0000000000000abc,"
            "0000000000000abc,,,checksum\r\n");
  EXPECT_EQ(lines[3],
            "main.s.orders,orders,ds=2,4,verified,MissingInTarget,30,30,,3000,1,0000000000000001,,"
            "partition ds=2: not at the target; 30 rows were copied,,count\r\n");
  EXPECT_EQ(lines[4], "main.s.orders,orders,ds=3,4,loading,Pending,40,,,4000,1,,,,,\r\n");
  EXPECT_EQ(lines[5], "main.s.view,,,,refused,Refused,,,,,,,,,is a view [TABLE_IS_VIEW],\r\n");
  EXPECT_EQ(lines[6], "main.s.whole,whole,,4,planned,Pending,5,,,500,1,,,,,\r\n");
}

TEST(ReportCsv, QuotesWhatHoldsACommaAQuoteOrALineEnd) {
  ExampleLedger example("csv_quotes");
  EXPECT_NE(Lines(example.ledger())[2].find(
                ",\"partition ds=1: 20 rows on both sides; values differ in columns a, "
                "\"\"b\"\"\",,checksum\r\n"),
            std::string::npos);
  example.AddTable("main.s.odd", {ExampleLedger::Unit("ds=line\r\nend", 1)});
  const auto lines = Lines(example.ledger());
  EXPECT_NE(lines[1].find("main.s.odd,odd,\"ds=line\r\nend\",4,"), std::string::npos) << lines[1];
}

TEST(ReportCsv, AnErrorOfTheTableStandsBesideWhatHasNoVerdict) {
  ExampleLedger example("csv_error");
  auto table = example.ledger().FindTable("main.s.orders");
  ASSERT_TRUE(table && *table);
  const std::string error =
      R"({"kind":6,"code":"HTTP_TIMEOUT","message":"no answer from ?sig=abcdefghij","where":"x"})";
  ASSERT_TRUE(example.ledger().SetTableState((*table)->id, migration::TableState::kFailed, error));
  const auto lines = Lines(example.ledger());
  EXPECT_EQ(lines[1].find("HTTP_TIMEOUT"), std::string::npos) << lines[1];
  EXPECT_NE(lines[4].find("x: no answer from ?sig=*** [HTTP_TIMEOUT]"), std::string::npos)
      << lines[4];
}

TEST(ReportCsv, AWriteThatFailsEndsIt) {
  ExampleLedger example("csv_full");
  const Status written = WriteCsv(example.ledger(), [](std::string_view line) -> Status {
    if (line.starts_with("table,")) return OkStatus();
    return Error(ErrorKind::kLimitReached, "OUTPUT_NOT_WRITABLE", "full");
  });
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), "OUTPUT_NOT_WRITABLE");
}

}  // namespace
}  // namespace mms::terminal
