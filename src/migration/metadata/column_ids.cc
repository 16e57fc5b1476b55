#include "migration/metadata/column_ids.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/lower_ascii.h"

namespace mms::migration {
namespace {

using Json = nlohmann::json;

// What of an entry stands where.
constexpr size_t kPhysical = 0, kId = 1, kWithin = 2;

Json FieldsWithin(const Json& type);

Json Entry(Json physical, Json id, Json within) {
  Json entry = Json::array();
  entry.push_back(std::move(physical));
  if (!id.is_null() || !within.empty()) entry.push_back(std::move(id));
  if (!within.empty()) entry.push_back(std::move(within));
  return entry;
}

Json FieldsOf(const Json& schema) {
  Json fields = Json::object();
  for (const Json& field : schema.at("fields")) {
    const std::string name = field.value("name", "");
    const Json metadata = field.value("metadata", Json::object());
    fields[LowerAscii(name)] = Entry(metadata.value("delta.columnMapping.physicalName", name),
                                     metadata.value("delta.columnMapping.id", Json()),
                                     FieldsWithin(field.value("type", Json())));
  }
  return fields;
}

Json FieldsWithin(const Json& type) {
  if (!type.is_object()) return Json::object();
  if (type.contains("fields")) return FieldsOf(type);
  Json fields = Json::object();
  for (const char* part : {"elementType", "keyType", "valueType"}) {
    Json within = FieldsWithin(type.value(part, Json()));
    if (!within.empty()) fields[part] = Entry(part, Json(), std::move(within));
  }
  return fields;
}

Json At(const Json& entry, size_t place) { return place < entry.size() ? entry[place] : Json(); }

bool IsSame(const Json& before, const Json& now) {
  const Json id_before = At(before, kId), id_now = At(now, kId);
  return before[kPhysical] == now[kPhysical] &&
         (id_before.is_null() || id_now.is_null() || id_before == id_now);
}

bool Differ(const Json& before, const Json& now) {
  for (const auto& [name, entry] : now.items()) {
    const auto found = before.find(name);
    if (found != before.end()) {
      if (!IsSame(*found, entry) || Differ(At(*found, kWithin), At(entry, kWithin))) return true;
      continue;
    }
    const Json& renamed = entry;
    if (std::any_of(before.begin(), before.end(),
                    [&](const Json& other) { return IsSame(other, renamed); })) {
      return true;
    }
  }
  return false;
}

void AddGone(const Json& before, Json* now) {
  for (const auto& [name, entry] : before.items()) {
    const auto found = now->find(name);
    if (found == now->end()) {
      (*now)[name] = entry;
    } else if (const Json within = At(entry, kWithin); !within.is_null()) {
      Json both = At(*found, kWithin);
      if (both.is_null()) both = Json::object();
      AddGone(within, &both);
      *found = Entry(At(*found, kPhysical), At(*found, kId), std::move(both));
    }
  }
}

}  // namespace

std::string ColumnIdsOf(const std::string& schema_json) {
  const Json schema = Json::parse(schema_json, nullptr, false);
  if (!schema.is_object() || !schema.contains("fields")) return "";
  return FieldsOf(schema).dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool MeanOther(const std::string& before, const std::string& now) {
  if (before.empty() || now.empty()) return false;
  return Differ(Json::parse(before), Json::parse(now));
}

std::string WithGone(const std::string& now, const std::string& before) {
  if (before.empty() || now.empty()) return now;
  Json both = Json::parse(now);
  AddGone(Json::parse(before), &both);
  return both.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace mms::migration
