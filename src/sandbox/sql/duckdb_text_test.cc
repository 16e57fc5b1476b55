#include "sandbox/sql/duckdb_text.h"

#include <gtest/gtest.h>

#include "sandbox/sql/duckdb_functions.h"
#include "sandbox/sql/parser.h"

namespace mms::sandbox::sql {
namespace {

Result<std::string> Translate(std::string_view text) {
  TRY(auto statements, ParseStatements(text));
  return ToDuckDb(std::get<Query>(statements.front()),
                  [](const Source& source, const Query&) -> Result<std::string> {
                    return "view_of_" + source.table.parts.back();
                  });
}

TEST(DuckDbText, SaysACountQuery) {
  EXPECT_EQ(Translate("SELECT COUNT(*) AS n FROM p.t WHERE pt='x'").value(),
            "SELECT count(*) AS \"n\" FROM view_of_t AS \"t\" WHERE (\"pt\" = 'x')");
}

TEST(DuckDbText, NamesColumnsWithoutAliasByPosition) {
  EXPECT_EQ(Translate("select a, max(b), 1 from t").value(),
            "SELECT \"a\" AS \"a\", max(\"b\") AS \"_c1\", 1 AS \"_c2\" FROM view_of_t AS \"t\"");
}

TEST(DuckDbText, SaysTheChecksumFunctions) {
  EXPECT_EQ(Translate("SELECT SUM(CAST(CONV(SUBSTR(MD5(a),1,15),16,10) AS DECIMAL(38,0))) c FROM t")
                .value(),
            "SELECT sum(CAST(mms_conv(CAST(substr(md5(\"a\"), 1, 15) AS VARCHAR), 16, 10) AS "
            "DECIMAL(38,0))) AS \"c\" FROM view_of_t AS \"t\"");
}

TEST(DuckDbText, LetsNoFunctionOutsideItsListThrough) {
  for (std::string text : {"SELECT read_text('/etc/passwd')", "SELECT getenv('HOME')"}) {
    auto translated = Translate(text);
    ASSERT_FALSE(translated.has_value());
    EXPECT_EQ(translated.error().code(), "ODPS-0130071");
  }
}

TEST(DuckDbText, KeepsQuotesInsideLiteralsAndNames) {
  EXPECT_EQ(Translate("SELECT 'a\\'b' AS `x\"y`").value(), "SELECT 'a''b' AS \"x\"\"y\"");
}

TEST(DuckDbText, SortsNullsAsTheSmallestValue) {
  auto text = Translate("SELECT a FROM t ORDER BY a, b DESC").value();
  EXPECT_TRUE(text.ends_with("ORDER BY \"a\" ASC NULLS FIRST, \"b\" DESC NULLS LAST")) << text;
}

TEST(DuckDbText, SaysCaseInBothForms) {
  EXPECT_EQ(Translate("SELECT CASE WHEN a THEN 1 WHEN b THEN 2 END x").value(),
            "SELECT CASE WHEN \"a\" THEN 1 WHEN \"b\" THEN 2 END AS \"x\"");
  EXPECT_EQ(Translate("SELECT CASE a WHEN 1 THEN 2 ELSE 3 END x").value(),
            "SELECT CASE \"a\" WHEN 1 THEN 2 ELSE 3 END AS \"x\"");
}

TEST(DuckDbFunctions, GiveThePublishedExamples) {
  EXPECT_EQ(Crc32("ABC"), 2743272264U);
  EXPECT_EQ(Crc32("Spark"), 1557323817U);
  EXPECT_EQ(Crc32(""), 0U);
  EXPECT_EQ(Sha2("ABC", 256).value(),
            "b5d4045c3f466fa91fe2cc6abe79232a1a57cdf104f7a26e716e0a1e2789df78");
  EXPECT_EQ(Sha2("ABC", 1), std::nullopt);
  EXPECT_EQ(Conv("ff", 16, 10).value(), "255");
  EXPECT_EQ(Conv("255", 10, 16).value(), "FF");
  EXPECT_EQ(Conv("fffffffffffffff", 16, 10).value(), "1152921504606846975");
  EXPECT_EQ(Conv("1", 1, 10), std::nullopt);
}

}  // namespace
}  // namespace mms::sandbox::sql
