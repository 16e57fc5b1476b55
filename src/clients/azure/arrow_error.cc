#include "clients/azure/arrow_error.h"

#include <arrow/util/io_util.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "base/secret.h"

namespace mms::azure {
namespace {

constexpr char kDetailType[] = "mms::Error";

class ErrorDetail : public arrow::StatusDetail {
 public:
  explicit ErrorDetail(Error error) : error_(std::move(error)) {}
  const char* type_id() const override { return kDetailType; }
  std::string ToString() const override { return error_.ToString(); }
  const Error& error() const { return error_; }

 private:
  Error error_;
};

Error FromErrno(int number, const std::string& text) {
  switch (number) {
    case ENOENT:
    case ENOTDIR: return Error(ErrorKind::kNotFound, "STORAGE_NOT_FOUND", text);
    case EACCES:
    case EPERM:
      return Error(ErrorKind::kDenied, "STORAGE_DENIED", text + "; check the rights of this user");
    default: return Error(ErrorKind::kUnavailable, "STORAGE_UNREACHABLE", text);
  }
}

}  // namespace

arrow::Status ToArrow(Error error) {
  const std::string text = error.ToString();
  return arrow::Status::IOError(text).WithDetail(std::make_shared<ErrorDetail>(std::move(error)));
}

Error FromArrow(const arrow::Status& status, const std::string& object) {
  const std::shared_ptr<arrow::StatusDetail>& detail = status.detail();
  if (detail != nullptr && std::string_view(detail->type_id()) == kDetailType) {
    return Error(static_cast<const ErrorDetail&>(*detail).error()).At(object);
  }
  const std::string text = ScrubSecrets(status.ToStringWithoutContextLines());
  const int number = arrow::internal::ErrnoFromStatus(status);
  if (number != 0) return FromErrno(number, text).At(object);
  switch (status.code()) {
    case arrow::StatusCode::OutOfMemory:
      return Error(ErrorKind::kLimitReached, "OUT_OF_MEMORY", text).At(object);
    case arrow::StatusCode::Cancelled:
      return Error(ErrorKind::kCancelled, "CANCELLED", text).At(object);
    case arrow::StatusCode::NotImplemented:
      return Error(ErrorKind::kUnsupported, "FILE_UNSUPPORTED", text).At(object);
    default: return Error(ErrorKind::kCorrupt, "FILE_UNREADABLE", text).At(object);
  }
}

}  // namespace mms::azure
