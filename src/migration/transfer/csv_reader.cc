#include "migration/transfer/csv_reader.h"

#include <arrow/builder.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "migration/formats/csv_record.h"
#include "migration/formats/options.h"
#include "migration/formats/text_value.h"
#include "migration/transfer/text_rows.h"

namespace mms::migration {
namespace {

class CsvReader : public TextRows {
 public:
  CsvReader(const ReadContext& context, const FileSlice& slice, CsvOptions options)
      : TextRows(context, slice), options_(std::move(options)), record_(options_) {
    for (const auto& name : nlohmann::json::parse(plan().options.at(kColumnsOption))) {
      column_of_.push_back(plan().physical->GetFieldIndex(name.get<std::string>()));
    }
  }

 protected:
  Cut CutRecord(std::string_view text, bool at_end, size_t* length) override {
    const CsvRecord::Outcome outcome = record_.Cut(text, at_end);
    *length = record_.consumed();
    switch (outcome) {
      case CsvRecord::Outcome::kValues: return Cut::kRecord;
      case CsvRecord::Outcome::kBlank: return Cut::kBlank;
      case CsvRecord::Outcome::kNeedsMore: return Cut::kNeedsMore;
      case CsvRecord::Outcome::kMalformed: break;
    }
    return Cut::kMalformed;
  }
  std::string CutProblem() const override { return record_.problem(); }

  Status AppendRow() override {
    if (record_.size() != column_of_.size()) {
      return RowInvalid(
          fmt::format("it has {} values for {} columns", record_.size(), column_of_.size()));
    }
    for (size_t i = 0; i < column_of_.size(); ++i) {
      const int column = column_of_[i];
      if (column < 0) continue;
      arrow::ArrayBuilder* values = builder().field_builder(column);
      if (!record_.has_value(i)) {
        CHECK(values->AppendNull().ok());
        continue;
      }
      if (AppendText(record_.value(i), options_.formats, values)) continue;
      const auto& field = *plan().physical->field(column);
      return ValueInvalid(fmt::format("the value of column {} cannot be read as {}", field.name(),
                                      field.type()->ToString()));
    }
    CHECK(builder().Append().ok());
    return OkStatus();
  }

 private:
  const CsvOptions options_;
  CsvRecord record_;
  std::vector<int> column_of_;  ///< of each value of a record: in plan().physical, -1 = not wanted
};

}  // namespace

Result<std::unique_ptr<RowReader>> OpenCsvReader(const ReadContext& context,
                                                 const FileSlice& slice) {
  TRY(CsvOptions options, ParseCsvOptions(context.plan->options));
  const bool many_lines = options.multi_line, header = options.header;
  auto reader = std::make_unique<CsvReader>(context, slice, std::move(options));
  TRY_VOID(reader->Open(many_lines, header));
  return std::unique_ptr<RowReader>(std::move(reader));
}

}  // namespace mms::migration
