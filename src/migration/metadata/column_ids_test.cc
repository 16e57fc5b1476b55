#include "migration/metadata/column_ids.h"

#include <gtest/gtest.h>

namespace mms::migration {
namespace {

/// A column or field of a mapped schema; `type` as it stands in one.
std::string Field(const std::string& name, const std::string& physical,
                  const std::string& type = "\"integer\"") {
  return R"({"name":")" + name + R"(","type":)" + type +
         R"(,"nullable":true,"metadata":{"delta.columnMapping.physicalName":")" + physical + "\"}}";
}

std::string Struct(const std::string& fields) {
  return R"({"type":"struct","fields":[)" + fields + "]}";
}

std::string Ids(const std::string& fields) { return ColumnIdsOf(Struct(fields)); }

TEST(ColumnIds, AreThoseOfTheFilesAndWithoutMappingTheNames) {
  EXPECT_EQ(Ids(Field("A", "c1")), R"({"a":["c1"]})");
  EXPECT_EQ(Ids(R"({"name":"A","type":"long","nullable":true,"metadata":{}})"), R"({"a":["A"]})");
  EXPECT_EQ(Ids(Field("s", "c1", Struct(Field("x", "c2")))), R"({"s":["c1",null,{"x":["c2"]}]})");
  EXPECT_EQ(ColumnIdsOf("no schema"), "");
}

TEST(ColumnIds, ARenamedSwappedOrReAddedColumnMeansOther) {
  const std::string ab = Ids(Field("a", "c1") + "," + Field("b", "c2"));
  EXPECT_FALSE(MeanOther(ab, ab));
  EXPECT_FALSE(MeanOther(ab, Ids(Field("b", "c2") + "," + Field("A", "c1")))) << "another order";
  EXPECT_FALSE(MeanOther(ab, Ids(Field("a", "c1")))) << "one is gone";
  EXPECT_FALSE(MeanOther(Ids(Field("a", "c1")), ab)) << "one is new";
  EXPECT_TRUE(MeanOther(ab, Ids(Field("a", "c2") + "," + Field("b", "c1"))));
  EXPECT_TRUE(MeanOther(ab, Ids(Field("a", "c1") + "," + Field("b", "c9"))));
  EXPECT_TRUE(MeanOther(ab, Ids(Field("a", "c1") + "," + Field("z", "c2"))));
  EXPECT_FALSE(MeanOther("", ab)) << "not known";
}

TEST(ColumnIds, FieldsOfStructsArraysAndMapsCount) {
  const std::string first = Struct(Field("x", "x1") + "," + Field("y", "y1"));
  const std::string again = Struct(Field("x", "x1") + "," + Field("y", "y9"));
  const auto array = [](const std::string& element) {
    return R"({"type":"array","elementType":)" + element + R"(,"containsNull":true})";
  };
  const auto map = [](const std::string& value) {
    return R"({"type":"map","keyType":"string","valueType":)" + value + "}";
  };
  EXPECT_TRUE(MeanOther(Ids(Field("s", "s1", first)), Ids(Field("s", "s1", again))));
  EXPECT_TRUE(MeanOther(Ids(Field("s", "s1", array(first))), Ids(Field("s", "s1", array(again)))));
  EXPECT_TRUE(MeanOther(Ids(Field("s", "s1", map(first))), Ids(Field("s", "s1", map(again)))));
  EXPECT_FALSE(
      MeanOther(Ids(Field("s", "s1", Struct(Field("x", "x1")))), Ids(Field("s", "s1", first))));
}

TEST(ColumnIds, WhatIsGoneIsRememberedUntilItComesBack) {
  const std::string ab = Ids(Field("a", "c1") + "," + Field("s", "s1", Struct(Field("y", "y1"))));
  const std::string gone = WithGone(Ids(Field("s", "s1")), ab);
  EXPECT_TRUE(MeanOther(gone, Ids(Field("a", "c9") + "," + Field("s", "s1"))));
  EXPECT_TRUE(MeanOther(gone, Ids(Field("s", "s1", Struct(Field("y", "y9"))))));
  EXPECT_FALSE(MeanOther(gone, ab));
  EXPECT_EQ(WithGone(ab, gone), ab);
  EXPECT_EQ(WithGone(ab, ""), ab);
}

TEST(ColumnIds, IdsTellApartWhereBothAreKnown) {
  const auto with = [](const std::string& metadata) {
    return Ids(R"({"name":"a","type":"long","nullable":true,"metadata":{)" + metadata + "}}");
  };
  const std::string one = with(R"("delta.columnMapping.id":1)");
  EXPECT_FALSE(MeanOther(with(""), one)) << "mapping was turned on";
  EXPECT_TRUE(MeanOther(one, with(R"("delta.columnMapping.id":2)")));
}

}  // namespace
}  // namespace mms::migration
