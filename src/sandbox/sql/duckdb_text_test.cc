#include "sandbox/sql/duckdb_text.h"

#include <gtest/gtest.h>

#include "sandbox/sql/duckdb_functions.h"
#include "sandbox/sql/parser.h"

namespace mms::sandbox::sql {
namespace {

/// Says queries over tables that all have the same columns.
class Translation {
 public:
  Result<std::string> Say(std::string_view text) {
    TRY(auto statements, ParseStatements(text));
    return translator_.ToDuckDb(std::get<Query>(statements.front()));
  }

  /// "name type" of each column of what was said, "?" for a type that is not known.
  std::vector<std::string> Outputs() const {
    std::vector<std::string> texts;
    for (const OutputColumn& column : translator_.outputs()) {
      texts.push_back(column.name + " " + (column.type ? column.type->ToText() : "?"));
    }
    return texts;
  }

 private:
  static Result<Relation> Find(const Source& source, const Query&) {
    Relation relation{"view_of_" + source.table.parts.back(), {}};
    for (const auto& [name, type] :
         {std::pair{"m", "map<int,string>"}, std::pair{"l", "array<int>"}, std::pair{"d", "date"},
          std::pair{"n", "binary"}}) {
      Column column;
      column.name = name;
      TRY(column.type, ParseType(type));
      relation.columns.push_back(std::move(column));
    }
    return relation;
  }

  Translator translator_{Find};
};

Result<std::string> Translate(std::string_view text) { return Translation().Say(text); }

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
            "SELECT sum(CAST(mms_conv(CAST(substr(md5(\"a\"), CASE WHEN 1 = 0 THEN 1 ELSE 1 END, "
            "15) AS VARCHAR), 16, 10) AS DECIMAL(38,0))) AS \"c\" FROM view_of_t AS \"t\"");
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

TEST(DuckDbText, TellsMapsFromArraysByTheirColumns) {
  EXPECT_EQ(Translate("SELECT m[1] a, t.l[1] b, SIZE(m) c, SIZE(l) d FROM t").value(),
            "SELECT \"m\"[1] AS \"a\", list_extract(\"t\".\"l\", (1) + 1) AS \"b\", "
            "CAST(cardinality(\"m\") AS BIGINT) AS \"c\", len(\"l\") AS \"d\" FROM view_of_t AS "
            "\"t\"");
}

TEST(DuckDbText, KeepsTheTypeOfADateThatIsAddedTo) {
  EXPECT_EQ(Translate("SELECT DATEADD(d, 1, 'mm') x FROM t").value(),
            "SELECT CAST(CAST(\"d\" AS DATE) + CAST(1 AS INTEGER) * INTERVAL 1 month AS DATE) AS "
            "\"x\" FROM view_of_t AS \"t\"");
}

TEST(DuckDbText, FramesRunningAggregatesByRows) {
  EXPECT_EQ(
      Translate("SELECT SUM(a) OVER (PARTITION BY b ORDER BY c) s FROM t").value(),
      "SELECT sum(\"a\") OVER (PARTITION BY \"b\" ORDER BY \"c\" ASC NULLS FIRST ROWS BETWEEN "
      "UNBOUNDED PRECEDING AND CURRENT ROW) AS \"s\" FROM view_of_t AS \"t\"");
}

TEST(DuckDbText, KeepsCommonTablesApartFromRealOnes) {
  EXPECT_EQ(
      Translate("WITH q AS (SELECT a FROM t) SELECT a FROM q WHERE a IN (SELECT a FROM t)").value(),
      "WITH \"q\" AS (SELECT \"a\" AS \"a\" FROM view_of_t AS \"t\") SELECT \"a\" AS \"a\" "
      "FROM \"q\" AS \"q\" WHERE (\"a\" IN (SELECT \"a\" AS \"a\" FROM view_of_t AS \"t\"))");
}

TEST(DuckDbText, TellsTheTypesThatColumnsWereDeclaredWith) {
  using Texts = std::vector<std::string>;
  const std::pair<const char*, Texts> cases[] = {
      {"SELECT d AS x, d, 1, CAST(a AS CHAR(3)) AS c FROM t",
       {"x date", "d date", "_c2 ?", "c char(3)"}},
      {"SELECT * FROM t", {"m map<int,string>", "l array<int>", "d date", "n binary"}},
      {"SELECT q.* FROM (SELECT d, n AS o FROM t) q JOIN t ON true", {"d date", "o binary"}},
      {"SELECT * FROM (SELECT d FROM t) q LEFT SEMI JOIN t ON q.d = t.d", {"d date"}},
      {"SELECT x FROM (SELECT d FROM t) q(x)", {"x date"}},
      {"WITH w AS (SELECT d FROM t) SELECT w.d FROM w", {"d date"}},
      {"SELECT d FROM t UNION ALL SELECT d FROM t", {"d date"}},
      {"SELECT d FROM t UNION ALL SELECT n FROM t", {"d ?"}},
      {"SELECT k, v FROM t LATERAL VIEW EXPLODE(m) e AS k, v", {"k int", "v string"}},
      {"SELECT i, x FROM t LATERAL VIEW POSEXPLODE(l) e AS i, x", {"i ?", "x int"}},
      {"SELECT d FROM t ORDER BY (SELECT 1)", {"d date"}},
      {"SELECT * FROM (VALUES (1, 'a')) v(x, y)", {"x ?", "y ?"}},
  };
  for (const auto& [text, wanted] : cases) {
    Translation translation;
    ASSERT_TRUE(translation.Say(text).has_value()) << text;
    EXPECT_EQ(translation.Outputs(), wanted) << text;
  }
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
