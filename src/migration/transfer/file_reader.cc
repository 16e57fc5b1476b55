#include "migration/transfer/file_reader.h"

#include "migration/transfer/csv_reader.h"
#include "migration/transfer/json_reader.h"
#include "migration/transfer/orc_reader.h"

namespace mms::migration {

Result<std::unique_ptr<RowReader>> OpenFileReader(const ReadContext& context,
                                                  const FileSlice& slice) {
  const std::string& format = context.plan->format;
  if (format == "csv") return OpenCsvReader(context, slice);
  if (format == "json") return OpenJsonReader(context, slice);
  if (format == "orc") return OpenOrcReader(context, slice);
  return SliceReader::Open(context, slice);
}

}  // namespace mms::migration
