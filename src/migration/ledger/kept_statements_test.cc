#include "migration/ledger/kept_statements.h"

#include <gtest/gtest.h>

#include <string>

namespace mms::migration {
namespace {

using soci::into;
using soci::use;

class KeptStatementsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    sql_.open(SqliteWithKeptStatements(), "db=:memory:");
    sql_ << "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL)";
    sql_ << "INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three')";
  }

  std::string NameOf(int id) {
    std::string name;
    sql_ << "SELECT name FROM t WHERE id = :id", use(id), into(name);
    return name;
  }
  /// Statements the connection has that `counts` holds for.
  template <class Counts>
  int Count(Counts&& counts) {
    int count = 0;
    for (auto* next = sqlite_api::sqlite3_next_stmt(Connection(sql_), nullptr); next != nullptr;
         next = sqlite_api::sqlite3_next_stmt(Connection(sql_), next)) {
      count += counts(next) ? 1 : 0;
    }
    return count;
  }
  static bool IsNameOf(sqlite_api::sqlite3_stmt* each) {
    return std::string(sqlite_api::sqlite3_sql(each)).starts_with("SELECT name FROM t");
  }
  int All() {
    return Count([](auto*) { return true; });
  }
  int Busy() {
    return Count([](auto* each) { return sqlite_api::sqlite3_stmt_busy(each) != 0; });
  }

  soci::session sql_;
};

TEST_F(KeptStatementsTest, ATextIsPreparedOnceAndItsStatementReadsNothingBetweenItsCalls) {
  EXPECT_EQ(NameOf(1), "one");
  EXPECT_EQ(NameOf(2), "two");
  EXPECT_EQ(NameOf(3), "three");
  EXPECT_EQ(Count(IsNameOf), 1);
  // Each ended at its first row, not at its last.
  EXPECT_EQ(Busy(), 0);
}

TEST_F(KeptStatementsTest, ATextThatIsInUseIsPreparedOnceMore) {
  int id = 0;
  std::string all;
  soci::statement outer = (sql_.prepare << "SELECT id FROM t ORDER BY id", into(id));
  outer.execute();
  while (outer.fetch()) {
    int inner_id = 0;
    soci::statement inner = (sql_.prepare << "SELECT id FROM t ORDER BY id", into(inner_id));
    inner.execute();
    while (inner.fetch()) all += std::to_string(id) + std::to_string(inner_id) + " ";
  }
  EXPECT_EQ(all, "11 12 13 21 22 23 31 32 33 ");
}

TEST_F(KeptStatementsTest, AStatementThatFailedServesTheNextCall) {
  const auto insert = [&](int id) { sql_ << "INSERT INTO t VALUES (:id, 'more')", use(id); };
  EXPECT_THROW(insert(1), soci::sqlite3_soci_error);
  insert(4);
  EXPECT_EQ(NameOf(4), "more");
  EXPECT_THROW(sql_ << "SELECT nothing FROM t", soci::sqlite3_soci_error);
}

TEST_F(KeptStatementsTest, ANullDoesNotComeBackAsTheValueOfAnEarlierCall) {
  const std::string text = "SELECT COALESCE(:name, 'none')";
  const auto ask = [&](std::string name, soci::indicator known) {
    std::string answer;
    sql_ << text, use(name, known), into(answer);
    return answer;
  };
  EXPECT_EQ(ask("some", soci::i_ok), "some");
  EXPECT_EQ(ask("", soci::i_null), "none");
  // Not bound at all is NULL too (sqlite.org/c3ref/bind_blob.html).
  std::string answer;
  sql_ << text, into(answer);
  EXPECT_EQ(ask("other", soci::i_ok), "other");
  sql_ << text, into(answer);
  EXPECT_EQ(answer, "none");
}

TEST_F(KeptStatementsTest, AChangeOfTheSchemaIsSeen) {
  EXPECT_EQ(NameOf(1), "one");
  sql_ << "ALTER TABLE t RENAME TO was";
  EXPECT_THROW(NameOf(1), soci::sqlite3_soci_error);
  sql_ << "CREATE TABLE t (extra INTEGER, name TEXT, id INTEGER)";
  sql_ << "INSERT INTO t VALUES (0, 'new', 1)";
  EXPECT_EQ(NameOf(1), "new");
}

TEST_F(KeptStatementsTest, NoMoreThanItsMostAreKeptAndTheLastUsedAreThose) {
  EXPECT_EQ(NameOf(1), "one");
  for (size_t text = 0; text < 2 * kKeptStatementsMax; ++text) {
    int answer = -1;
    sql_ << "SELECT " + std::to_string(text), into(answer);
    EXPECT_EQ(answer, static_cast<int>(text));
    EXPECT_EQ(NameOf(2), "two");
  }
  EXPECT_EQ(All(), static_cast<int>(kKeptStatementsMax));
  EXPECT_EQ(Count(IsNameOf), 1);
}

}  // namespace
}  // namespace mms::migration
