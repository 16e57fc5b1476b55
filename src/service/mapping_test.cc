#include "service/mapping.h"

#include <gtest/gtest.h>

namespace mms::service {
namespace {

const std::vector<Mapping> kKept = {{"Sales", "", "dw2", "raw", ""},
                                    {"sales", "orders", "", "gold", "sold"},
                                    {"other", "orders", "dw3", "", ""}};

Result<Job> Map(const Job& said, const std::vector<std::string>& tables) {
  JobMapping mapping(said, kKept);
  for (const std::string& table : tables) mapping.Add(table);
  return std::move(mapping).Finish();
}

TEST(Mapping, ATablesOwnGoesBeforeItsSchemasFieldByFieldAndWithoutCase) {
  EXPECT_EQ(FindMapping(kKept, "SALES", "ORDERS"),
            (Mapping{"SALES", "ORDERS", "dw2", "gold", "sold"}));
  EXPECT_EQ(FindMapping(kKept, "sales", "people"), (Mapping{"sales", "people", "dw2", "raw", ""}));
  EXPECT_TRUE(FindMapping(kKept, "none", "orders").none());
}

TEST(Mapping, WhatTheJobSaysGoesBeforeAll) {
  Job said;
  said.src_db = "sales";
  const Job kept = *Map(said, {"orders"});
  EXPECT_EQ(kept.dst_project + "." + kept.dst_schema, "dw2.gold");
  EXPECT_EQ(kept.config.table_mapping.at("orders"), "sold");

  said.dst_project = "dw";
  said.dst_schema = "s";
  said.config.table_mapping = {{"sales.Orders", "mine"}};
  const Job own = *Map(said, {"orders", "people"});
  EXPECT_EQ(own.dst_project + "." + own.dst_schema, "dw.s");
  EXPECT_EQ(own.config.table_mapping, said.config.table_mapping);
}

TEST(Mapping, TablesThatWouldGoToDifferentPlacesAreNamed) {
  Job said;
  said.src_db = "sales";
  const Error error = Map(said, {"orders", "people", "places"}).error();
  EXPECT_EQ(error.code(), "JOB_DESTINATIONS");
  EXPECT_NE(error.message().find("into project dw2 schema gold: orders"), std::string::npos);
  EXPECT_NE(error.message().find("into project dw2 schema raw: people, places"), std::string::npos);
  said.dst_schema = "s";
  EXPECT_TRUE(Map(said, {"orders", "people"})) << "the job says the schema";
}

}  // namespace
}  // namespace mms::service
