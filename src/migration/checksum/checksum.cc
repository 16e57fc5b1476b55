#include "migration/checksum/checksum.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "migration/checksum/value_hash.h"

namespace mms::migration {
namespace {

constexpr uint64_t kRowFold =
    0xC2B2AE3D27D4EB4FULL;  // odd; persisted through the sums, never change
constexpr int kVersion = 1;

std::string Hex(uint64_t value) { return fmt::format("{:016x}", value); }

Result<uint64_t> FromHex(const nlohmann::json& value) {
  if (value.is_string() && value.get_ref<const std::string&>().size() == 16) {
    char* end = nullptr;
    const std::string& text = value.get_ref<const std::string&>();
    const uint64_t parsed = std::strtoull(text.c_str(), &end, 16);
    if (end == text.c_str() + text.size()) return parsed;
  }
  return Error(ErrorKind::kCorrupt, "CHECKSUM_INVALID", "not a checksum: " + value.dump());
}

int64_t CountNulls(const arrow::Array& column, const Hasher::Run& run) {
  const int64_t all = column.null_count();
  if (all == 0 || run.count == column.length()) return all;
  int64_t nulls = 0;
  for (int64_t i = run.begin; i < run.begin + run.count; ++i) nulls += column.IsNull(i) ? 1 : 0;
  return nulls;
}

}  // namespace

void Checksum::Merge(const Checksum& other) {
  if (other.columns.empty() && other.rows == 0) return;
  if (columns.empty() && rows == 0) {
    *this = other;
    return;
  }
  CHECK(columns.size() == other.columns.size());
  rows += other.rows;
  row_sum += other.row_sum;
  for (size_t i = 0; i < columns.size(); ++i) {
    columns[i].nulls += other.columns[i].nulls;
    columns[i].sum += other.columns[i].sum;
  }
}

std::string Checksum::ToText() const { return Hex(row_sum); }

nlohmann::json ToJson(const Checksum& checksum) {
  nlohmann::json columns = nlohmann::json::array();
  for (const ColumnChecksum& column : checksum.columns) {
    columns.push_back({column.nulls, Hex(column.sum)});
  }
  return {{"version", kVersion},
          {"rows", checksum.rows},
          {"row_sum", Hex(checksum.row_sum)},
          {"columns", std::move(columns)}};
}

Result<Checksum> ChecksumFromJson(const nlohmann::json& document) {
  const Error invalid(ErrorKind::kCorrupt, "CHECKSUM_INVALID", "not a checksum document");
  if (!document.is_object() || document.value("version", 0) != kVersion) return invalid;
  Checksum checksum;
  if (!document.contains("rows") || !document["rows"].is_number_integer()) return invalid;
  checksum.rows = document["rows"].get<int64_t>();
  TRY(checksum.row_sum, FromHex(document.value("row_sum", nlohmann::json())));
  for (const auto& column : document.value("columns", nlohmann::json::array())) {
    if (!column.is_array() || column.size() != 2 || !column[0].is_number_integer()) return invalid;
    ColumnChecksum one;
    one.nulls = column[0].get<int64_t>();
    TRY(one.sum, FromHex(column[1]));
    checksum.columns.push_back(one);
  }
  return checksum;
}

Status Hasher::Update(const arrow::RecordBatch& batch) {
  const Run all{0, batch.num_rows(), &checksum_};
  return Update(batch, std::span(&all, 1));
}

Status Hasher::Update(const arrow::RecordBatch& batch, std::span<const Run> runs) {
  const auto columns = static_cast<size_t>(batch.num_columns());
  for (const Run& run : runs) {
    if (run.into->columns.empty()) run.into->columns.resize(columns);
    CHECK(run.into->columns.size() == columns);
    run.into->rows += run.count;
  }
  values_.resize(static_cast<size_t>(batch.num_rows()));
  rows_.assign(values_.size(), 0);
  for (size_t index = 0; index < columns; ++index) {
    const auto column = batch.column(static_cast<int>(index));
    TRY_VOID(HashValues(*column, values_.data()));
    for (const Run& run : runs) {
      const auto end = static_cast<size_t>(run.begin + run.count);
      uint64_t sum = 0;
      if (index < row_columns_) {
        for (auto i = static_cast<size_t>(run.begin); i < end; ++i) {
          sum += values_[i];
          rows_[i] = rows_[i] * kRowFold + values_[i];
        }
      } else {
        for (auto i = static_cast<size_t>(run.begin); i < end; ++i) sum += values_[i];
      }
      run.into->columns[index].sum += sum;
      run.into->columns[index].nulls += CountNulls(*column, run);
    }
  }
  for (const Run& run : runs) {
    const auto end = static_cast<size_t>(run.begin + run.count);
    for (auto i = static_cast<size_t>(run.begin); i < end; ++i) run.into->row_sum += Mix(rows_[i]);
  }
  return OkStatus();
}

}  // namespace mms::migration
