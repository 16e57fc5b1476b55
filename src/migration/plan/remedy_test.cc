// Errors speak to those who move tables by jobs, too: a remedy that names a key of the migration
// file says beside it what a job has.
#include <gtest/gtest.h>

#include "migration/plan/names.h"

namespace mms::migration {
namespace {

TEST(Remedy, OfANameNamesTheJobsOptionToo) {
  const CharacterMap none;
  const std::string table = MakeTableName("a b", none).error().message();
  EXPECT_NE(table.find("policy.table_name_map, of a data source table.name.mapping"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("of a job by --as TABLE=NAME"), std::string::npos) << table;
  const std::string column = MakeColumnName("", {"", none}).error().message();
  EXPECT_NE(column.find("of a data source column.name.mapping"), std::string::npos) << column;
  EXPECT_NE(column.find("`exclude`, of a job --but"), std::string::npos) << column;
}

}  // namespace
}  // namespace mms::migration
