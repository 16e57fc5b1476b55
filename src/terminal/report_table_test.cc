#include "terminal/report_table.h"

#include <gtest/gtest.h>

namespace mms::terminal {
namespace {

std::vector<TableReport> Tables() {
  TableReport good;
  good.source = "main.sales.orders";
  good.target = "orders";
  good.planned = true;
  good.version = 12;
  good.units = good.units_committed = 4;
  good.files = 40;
  good.bytes = 3LL << 20;
  good.rows_source = good.rows_copied = good.rows_target = 1'500'000;
  good.source_checksum = good.target_checksum = "0123456789abcdef";
  good.outcome = Outcome::kMatch;
  good.compared_by = {migration::ComparedBy::kChecksum};

  TableReport wrong = good;
  wrong.source = "main.sales.lines";
  wrong.target = "lines";
  wrong.rows_source.reset();
  wrong.rows_target = 1'499'999;
  wrong.target_checksum = "fedcba9876543210";
  wrong.outcome = Outcome::kMismatch;
  wrong.reasons = {"partition ds=2026-01-01: rows 10 copied, 9 in the target"};
  wrong.reasons_left_out = 3;

  TableReport refused;
  refused.source = "main.sales.view";
  refused.outcome = Outcome::kRefused;
  refused.error = Error(ErrorKind::kUnsupported, "TABLE_IS_VIEW", "is a view; copy its tables");
  refused.reasons = {refused.error->ToString()};
  return {good, wrong, refused};
}

TEST(ReportTable, AlignsNumbersAndExplainsWhatIsNotMatch) {
  EXPECT_EQ(RenderReport(Tables(), {.utf8 = false}),
            "SOURCE             TARGET  VERSION  FILES  ROWS IN LOG     COPIED  IN TARGET     BYTES"
            "  CHECKSUM  VERDICT                         BY\n"
            "main.sales.orders  orders       12     40    1,500,000  1,500,000  1,500,000  3.00 MiB"
            "  01234567  Match                           checksum\n"
            "main.sales.lines   lines        12     40            ?  1,500,000  1,499,999  3.00 MiB"
            "  01234567  Mismatch                        checksum\n"
            "main.sales.view    -             -      -            -          -          -         -"
            "  -         Refused                         -\n"
            "--------------------------------------------------------------------------------------"
            "----------------------------------------------------\n"
            "3 tables                               80            ?  3,000,000  2,999,999  6.00 MiB"
            "            1 Match, 1 Mismatch, 1 Refused\n"
            "\n"
            "main.sales.lines: Mismatch\n"
            "  partition ds=2026-01-01: rows 10 copied, 9 in the target\n"
            "  and 3 more\n"
            "\n"
            "main.sales.view: Refused\n"
            "  is a view; copy its tables [TABLE_IS_VIEW]\n");
}

TEST(ReportTable, NoChecksumStandsBesideAVerdictThatDidNotUseIt) {
  using migration::ComparedBy;
  std::vector<TableReport> tables = Tables();
  tables.resize(1);
  const auto last_line = [&] {
    const std::string text = RenderReport(tables, {.utf8 = false});
    const size_t begin = text.find("main.sales.orders");
    return text.substr(begin, text.find('\n', begin) - begin);
  };
  tables[0].compared_by = {ComparedBy::kCount};
  EXPECT_TRUE(last_line().ends_with("MiB  -         Match    count")) << last_line();
  EXPECT_EQ(TableFields(tables[0])["compared_by"], Json::array({"count"}));
  tables[0].compared_by = {ComparedBy::kChecksum, ComparedBy::kCountBoth};
  EXPECT_TRUE(last_line().ends_with("MiB  -         Match    checksum, count_both")) << last_line();
  tables[0].compared_by = {ComparedBy::kChecksumThenCount};
  EXPECT_TRUE(last_line().ends_with("  01234567  Match    checksum_then_count")) << last_line();
  tables[0].compared_by = {};
  EXPECT_TRUE(last_line().ends_with("  -         Match    -")) << last_line();
}

TEST(ReportTable, ANarrowScreenFoldsRowCountsThatAgree) {
  const std::string text = RenderReport(Tables(), {.utf8 = false, .width = 80});
  EXPECT_NE(text.find("1,500,000  3.00 MiB"), std::string::npos) << text;
  EXPECT_NE(text.find("? / 1,500,000 / 1,499,999"), std::string::npos) << text;
  EXPECT_EQ(text.find("COPIED"), std::string::npos) << text;
}

TEST(ReportTable, ObjectsHoldFullNumbersAndNullForUnknown) {
  const auto tables = Tables();
  const Json good = TableFields(tables[0]);
  EXPECT_EQ(good["rows_target"], 1'500'000);
  EXPECT_EQ(good["source_checksum"], "0123456789abcdef");
  EXPECT_EQ(good["verdict"], "Match");
  EXPECT_TRUE(good["error"].is_null());
  EXPECT_TRUE(TableFields(tables[1])["rows_source"].is_null());
  const Json refused = TableFields(tables[2]);
  for (const char* key : {"target_table", "version", "units", "files", "bytes", "rows_copied",
                          "rows_target", "source_checksum"}) {
    EXPECT_TRUE(refused[key].is_null()) << key;
  }
  EXPECT_EQ(refused["error"]["code"], "TABLE_IS_VIEW");
  EXPECT_EQ(refused["error"]["kind"], "unsupported");
  const Json totals = TotalFields(tables);
  EXPECT_EQ(totals["verdicts"]["Match"], 1);
  EXPECT_EQ(totals["verdicts"]["Pending"], 0);
  EXPECT_EQ(totals["bytes"], 6LL << 20);
  EXPECT_TRUE(totals["rows_source"].is_null());
}

TEST(ReportTable, SummaryCountsEachOutcomeOnce) {
  const migration::RunSummary summary = SummaryOf(Tables());
  EXPECT_EQ(summary.tables, 3);
  EXPECT_EQ(summary.done, 1);
  EXPECT_EQ(summary.mismatched, 1);
  EXPECT_EQ(summary.refused, 1);
  EXPECT_EQ(summary.failed, 0);
}

TEST(ReportTable, TheLastRunTellsItsCodecAndWhatMadeItWait) {
  migration::RunFacts facts{std::nullopt, {{"upload_sessions", 2, 0, 0}}};
  EXPECT_EQ(RenderRun(facts), "");
  EXPECT_TRUE(RunFields(facts)["codec"].is_null());
  EXPECT_EQ(RunFields(facts)["pacing"]["upload_sessions"]["granted"], 2);
  facts.codec = {"raw", ""};
  EXPECT_EQ(RenderRun(facts), "");
  facts = {{{"raw", "the service does not take zstd blocks"}},
           {{"blocks", 1960, 460, 12'000}, {"upload_sessions", 3, 1, 2'000}}};
  EXPECT_EQ(RenderRun(facts),
            "\nlast run: blocks went raw (the service does not take zstd blocks)\n"
            "last run: 460 of 1,960 blocks waited for MaxCompute's rate limit, 0:12 in all\n"
            "last run: 1 of 3 upload sessions waited for MaxCompute's rate limit, 0:02 in all\n");
  EXPECT_EQ(RunFields(facts)["codec"]["name"], "raw");
}

TEST(ReportTable, WithoutTablesItSaysWhatToDo) {
  EXPECT_EQ(RenderReport({}, {}), "no tables yet; plan or run first\n");
}

}  // namespace
}  // namespace mms::terminal
