#include "migration/transfer/json_reader.h"

#include <arrow/builder.h>

#include <algorithm>
#include <string>
#include <utility>

#include "migration/formats/csv_record.h"
#include "migration/formats/json_row.h"
#include "migration/formats/options.h"
#include "migration/transfer/text_rows.h"

namespace mms::migration {
namespace {

class JsonReader : public TextRows {
 public:
  JsonReader(const ReadContext& context, const FileSlice& slice, TextFormats formats)
      : TextRows(context, slice), formats_(std::move(formats)), row_(formats_, &builder()) {}

 protected:
  Cut CutRecord(std::string_view text, bool at_end, size_t* length) override {
    const size_t end = std::min(text.find_first_of("\r\n"), text.size());
    const bool ended = end < text.size();
    const bool half = ended && text[end] == '\r' && end + 1 == text.size();
    if (!at_end && (!ended || half)) return Cut::kNeedsMore;
    *length = ended ? end + LineEndLength(text, end) : end;
    line_ = text.substr(0, end);
    const bool blank = line_.find_first_not_of(" \t") == line_.npos;
    return blank ? Cut::kBlank : Cut::kRecord;
  }
  std::string CutProblem() const override { return ""; }

  Status AppendRow() override {
    switch (row_.Append(line_)) {
      case JsonRow::Outcome::kRow: break;
      case JsonRow::Outcome::kMalformed: return RowInvalid(row_.problem());
      case JsonRow::Outcome::kNoValue: return ValueInvalid(row_.problem());
    }
    return OkStatus();
  }

 private:
  const TextFormats formats_;
  JsonRow row_;
  std::string_view line_;
};

}  // namespace

Result<std::unique_ptr<RowReader>> OpenJsonReader(const ReadContext& context,
                                                  const FileSlice& slice) {
  TRY(TextFormats formats, ParseJsonOptions(context.plan->options));
  auto reader = std::make_unique<JsonReader>(context, slice, std::move(formats));
  TRY_VOID(reader->Open(/*many_lines=*/false, /*header=*/false));
  return std::unique_ptr<RowReader>(std::move(reader));
}

}  // namespace mms::migration
