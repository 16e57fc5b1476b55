#include "terminal/report_html.h"

#include <gtest/gtest.h>

#include "migration/evidence/example_ledger.h"
#include "terminal/html_text.h"
#include "terminal/report_chart.h"

namespace mms::terminal {
namespace {

using migration::ExampleLedger;
using migration::Verdict;

std::string Page(migration::Ledger& ledger, const HtmlReport& report = {}) {
  std::string page;
  const Status written = report.Write(ledger, [&](std::string_view text) {
    page += text;
    return OkStatus();
  });
  EXPECT_TRUE(written) << written.error().ToString();
  return page;
}

size_t Count(const std::string& text, std::string_view part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

TEST(HtmlText, EscapesMarkupAndTakesControlCharactersAndSecretsOut) {
  EXPECT_EQ(HtmlText("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
  EXPECT_EQ(HtmlText("a\x1b[31m\n"), "a?[31m?");
  EXPECT_EQ(HtmlText("?sig=abcdefghij&x"), "?sig=***&amp;x");
}

TEST(ReportHtml, TellsEveryTableItsVerdictAndWhatIsWrongWithIt) {
  ExampleLedger example("html_tables");
  const std::string page = Page(example.ledger());
  for (const char* row : {"<tr data-table=\"main.s.orders\" data-verdict=\"Mismatch\">",
                          "<tr data-table=\"main.s.view\" data-verdict=\"Refused\">",
                          "<tr data-table=\"main.s.whole\" data-verdict=\"Pending\">"}) {
    EXPECT_EQ(Count(page, row), 1u) << row;
  }
  EXPECT_EQ(Count(page, "<section data-table="), 3u) << "none of them is Match";
  EXPECT_NE(page.find("0 of 3 tables match"), std::string::npos);
  EXPECT_EQ(Count(page, "<td class=\"p\">ds="), 2u) << "Match and Pending are not listed";
  // The difference stands in the partition's row and not among the reasons too.
  EXPECT_EQ(Count(page, "values differ in columns a, &quot;b&quot;"), 1u);
  EXPECT_NE(page.find("is a view [TABLE_IS_VIEW]"), std::string::npos);
  EXPECT_NE(page.find("<li data-verdict=\"Refused\"><i class=\"v-Refused\"></i>Refused <b>1</b>"),
            std::string::npos);
}

TEST(ReportHtml, AMatchByCountIsToldAsThatWithoutAChecksum) {
  ExampleLedger example("html_count");
  const auto ids = example.AddTable("main.s.counted", {ExampleLedger::Unit("", 7)});
  example.Copy(ids[0], 7, ExampleLedger::ChecksumJson(7, 0x123));
  migration::Ledger::Comparison counted{Verdict::kMatch, 7, "", ""};
  counted.by = migration::ComparedBy::kCount;
  ASSERT_TRUE(example.ledger().Verified(ids[0], 1, counted).get());
  const auto table = example.ledger().FindTable("main.s.counted");
  ASSERT_TRUE(example.ledger().SetTableState((*table)->id, migration::TableState::kDone, ""));
  const std::string page = Page(example.ledger());
  EXPECT_NE(page.find("<td class=\"c\">-</td><td class=\"t\">count</td></tr>"), std::string::npos);
  EXPECT_NE(page.find("Of these, 1 match by their count of rows alone"), std::string::npos);
  EXPECT_EQ(page.find(">00000000</td>"), page.rfind(">00000000</td>")) << "only that of orders";
}

TEST(ReportHtml, FetchesNothingAndRunsNothing) {
  ExampleLedger example("html_alone");
  example.AddTable("main.s.<script>alert(1)</script>", {ExampleLedger::Unit("", 1)});
  HtmlReport report;
  report.workspace = "https://adb-1.azuredatabricks.net";
  report.catalog = "\"><img src=x>";
  const std::string page = Page(example.ledger(), report);
  for (const char* markup : {"<script", "<img", "<link", "@import", "url(", "<a "}) {
    EXPECT_EQ(page.find(markup), std::string::npos) << markup;
  }
  EXPECT_NE(page.find("main.s.&lt;script&gt;"), std::string::npos);
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
}

TEST(ReportHtml, SpeaksChineseAndKeepsTheProductsWordsMarkedAsEnglish) {
  ExampleLedger example("html_chinese");
  HtmlReport report;
  report.language = "zh_CN";
  const std::string page = Page(example.ledger(), report);
  EXPECT_NE(page.find("<html lang=\"zh-CN\">"), std::string::npos);
  EXPECT_NE(page.find("3 张表中有 0 张一致"), std::string::npos);
  EXPECT_NE(page.find("data-verdict=\"Mismatch\""), std::string::npos);
  EXPECT_NE(page.find("<td class=\"v v-Mismatch\">不一致</td>"), std::string::npos);
  EXPECT_NE(page.find("<li lang=\"en\">is a view"), std::string::npos);
}

TEST(ReportHtml, ListsSomePartitionsOfATableAndCountsTheOthers) {
  ExampleLedger example("html_many");
  std::vector<migration::UnitRecord> units;
  for (int i = 0; i < 250; ++i) {
    units.push_back(ExampleLedger::Unit("ds=" + std::to_string(1000 + i), 1));
  }
  std::vector<migration::Ledger::Transition> transitions;  // together, or each waits for a disk
  for (const int64_t id : example.AddTable("main.s.many", units)) {
    migration::Ledger& ledger = example.ledger();
    transitions.push_back(ledger.BeginLoad(id, 0));
    transitions.push_back(ledger.SetSession(id, 1, "session"));
    transitions.push_back(ledger.BeginCommit(id, 1, {1, ""}));
    transitions.push_back(ledger.Committed(id, 1));
    const auto difference = "unit " + std::to_string(id) + " differs";
    transitions.push_back(ledger.Verified(id, 1, {Verdict::kMismatch, 2, "", difference}));
  }
  for (auto& transition : transitions) ASSERT_TRUE(transition.get());
  const std::string page = Page(example.ledger());
  EXPECT_EQ(Count(page, "<td class=\"p\">ds=1"), 201u) << "200, and one of orders";
  EXPECT_NE(page.find("and 50 more partitions"), std::string::npos);
  EXPECT_EQ(Count(page, "<li lang=\"en\">unit "), 0u);
}

TEST(ReportHtml, WithoutTablesItSaysWhatToDo) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("mms_html_empty_" + std::to_string(::getpid()));
  std::filesystem::remove_all(folder);
  auto ledger = migration::Ledger::Open(folder.string());
  ASSERT_TRUE(ledger);
  EXPECT_NE(Page(**ledger).find("No tables yet: plan or run first."), std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST(ReportChart, BarsAreAsLongAsTheirShareAndASmallOneIsSeen) {
  const std::string chart = BarChart({{"a", 1'000'000, "1,000,000", Outcome::kMatch},
                                      {"b", 500'000, "500,000", Outcome::kMismatch},
                                      {"c", 1, "1", Outcome::kMatch},
                                      {"d", 0, "0", Outcome::kMatch}},
                                     "Rows");
  EXPECT_NE(chart.find("width=\"254.0\""), std::string::npos) << chart;
  EXPECT_NE(chart.find("width=\"127.0\""), std::string::npos) << chart;
  EXPECT_NE(chart.find("width=\"2.0\""), std::string::npos) << chart;
  EXPECT_NE(chart.find("width=\"0.0\""), std::string::npos) << chart;
  EXPECT_NE(chart.find("aria-label=\"Rows\""), std::string::npos);
}

}  // namespace
}  // namespace mms::terminal
